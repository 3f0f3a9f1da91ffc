"""WHEP as HTTP: what a player is answered, from the offer over media to its end."""

from __future__ import annotations

import pytest

from streaming.webrtc.rtp import parse_rtp
from tests.support.hub import Answer, Caller, InProcessHub
from tests.support.waiting import eventually
from tests.support.webrtc_peer import AUDIO, VIDEO, rtp_peer

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


async def post(caller: Caller, path: str, text: str) -> Answer:
    return await caller("POST", path, data=text.encode(), headers=SDP)


async def test_a_session_from_offer_over_media_to_end(hub: InProcessHub) -> None:
    """The main venue by its short name; without an encoder the program is its slate, and that plays too."""
    event = await hub.event(hub.admin)
    await hub.admin.ok("POST", f"/api/v1/events/{event['id']}/start")
    viewer = hub.stranger()
    async with rtp_peer() as peer:
        answer = await post(viewer, f"/whep/{event['id']}/main", await peer.offer((VIDEO, AUDIO), "recvonly"))
        assert answer.status == 201 and answer.content_type == "application/sdp", answer.body
        assert answer.headers["access-control-allow-origin"] == "*"
        assert {"location", "etag", "link"} <= set(answer.headers["access-control-expose-headers"].lower().split(", "))
        resource = answer.headers["location"].removeprefix(hub.url)
        await peer.connect(answer.body.decode())
        await eventually(lambda: any(parse_rtp(datagram).payload_type == 96 for datagram in peer.rtp), 30)
        ending = b"a=end-of-candidates\r\n"
        assert (await viewer("PATCH", resource, data=ending, headers=FRAGMENT)).status == 428
        wrong = FRAGMENT | {"If-Match": '"another"'}
        assert (await viewer("PATCH", resource, data=ending, headers=wrong)).status == 412
        right = FRAGMENT | {"If-Match": answer.headers["etag"]}
        assert (await viewer("PATCH", resource, data=ending, headers=right)).status == 204
        assert b"venuecast_whep_viewers 1.0" in (await viewer("GET", "/metrics")).body
        assert (await viewer("DELETE", resource)).status == 200
        assert (await viewer("DELETE", resource)).status == 404


async def test_what_cannot_be_played_is_a_problem(hub: InProcessHub) -> None:
    event = await hub.event(hub.admin)
    viewer = hub.stranger()
    async with rtp_peer() as peer:
        offer = await peer.offer((VIDEO,), "recvonly")
    venue = f"/whep/{event['id']}/main"
    assert (await post(viewer, venue, offer)).json["code"] == "not_live"
    await hub.admin.ok("POST", f"/api/v1/events/{event['id']}/start")
    refused = await viewer("POST", venue, data=offer.encode(), headers={"Content-Type": "text/plain"})
    assert refused.status == 415 and refused.headers["access-control-allow-origin"] == "*"
    malformed = await post(viewer, venue, "v=0\r\n")
    assert malformed.status == 400 and malformed.json["code"] == "whep_malformed"
    codec = await post(viewer, venue, offer.replace("H264", "VP9"))
    assert codec.status == 422 and codec.json["offered"] == "VP9"
    assert (await post(viewer, venue, "v=0\r\n" * 20_000)).status == 413
    preflight = await viewer("OPTIONS", venue)
    assert preflight.status == 204 and "POST" in preflight.headers["access-control-allow-methods"]
