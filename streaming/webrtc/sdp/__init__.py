"""Session descriptions as WebRTC uses them (RFC 8866, RFC 9429): offers, answers, trickle fragments."""

from streaming.webrtc.sdp.answer import Accepted, write_answer
from streaming.webrtc.sdp.fragment import Fragment, parse_fragment, write_fragment
from streaming.webrtc.sdp.offer import MalformedSdp, Media, Offer, PayloadType, parse_offer

__all__ = [
    "Accepted",
    "Fragment",
    "MalformedSdp",
    "Media",
    "Offer",
    "PayloadType",
    "parse_fragment",
    "parse_offer",
    "write_answer",
    "write_fragment",
]
