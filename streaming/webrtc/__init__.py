"""WebRTC both ways. A peer posts an SDP offer (WHIP to publish, WHEP to play); `opening` answers it once.

Its life: `sdp/` reads the offer and writes the answer, `transport` is the road below (ICE, DTLS and SRTP of all peers
on one UDP port), `receive/` turns a publisher's RTP into packets of a Stream, `send/` turns a Stream's packets into RTP
for viewers, `sessions` keeps every WHIP session under its resource address until it ends. Owned by the hub's
composition root; ended by the peer, by silence, or with the hub.
"""
