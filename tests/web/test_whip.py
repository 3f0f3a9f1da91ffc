"""WHIP as HTTP (RFC 9725): statuses, headers, trickle, restart, end; ffmpeg's muxer; a thousand half-open offers."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from streaming.webrtc import transport
from tests.conftest import BackingUrls
from tests.support.hub import Answer, Caller, InProcessHub, in_process_hub
from tests.support.waiting import eventually_async
from tests.support.webrtc_peer import rtp_peer

pytestmark = pytest.mark.service

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
STUN = "stun:127.0.0.1:9, turn:crew:secret@turn.example.cn:3478?transport=udp"


@pytest.fixture
async def hub(backing_urls: BackingUrls, tmp_path: Path) -> AsyncIterator[InProcessHub]:
    settings = {"VENUECAST_WEBRTC_ICE_SERVERS": STUN}
    async with in_process_hub(backing_urls.mongodb, backing_urls.redis, tmp_path, **settings) as opened:
        yield opened


@pytest.fixture
async def key(hub: InProcessHub) -> str:
    event = await hub.event(hub.admin)
    return str(event["venues"][0]["feeds"][0]["ingest"]["stream_key"])


async def post(caller: Caller, path: str, text: str, **headers: str) -> Answer:
    return await caller("POST", path, data=text.encode(), headers=SDP | headers)


async def offered() -> str:
    async with rtp_peer() as peer:
        return await peer.offer()


async def test_a_session_from_offer_to_end(hub: InProcessHub, key: str) -> None:
    encoder = hub.stranger()
    answer = await post(encoder, f"/whip/{key}", await offered())
    assert answer.status == 201 and answer.content_type == "application/sdp"
    assert answer.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"location", "etag", "link"} <= set(answer.headers["access-control-expose-headers"].lower().split(", "))
    lines = answer.body.decode().split("\r\n")
    first = next(line for line in lines if line.startswith("a=candidate:"))
    assert first.split()[4] == "127.0.0.1", "the address that the offer came to is reachable for sure"
    assert "a=ice-lite" in lines and "a=setup:passive" in lines and lines.count("a=recvonly") == 2
    resource, etag = answer.headers["location"], answer.headers["etag"]
    assert resource.startswith(f"{hub.url}/whip/sessions/") and key not in resource
    path = resource.removeprefix(hub.url)
    trickle = b"a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n"
    patched = await encoder("PATCH", path, data=trickle, headers=FRAGMENT | {"If-Match": etag})
    assert (patched.status, patched.headers["etag"]) == (204, etag)
    assert (await encoder("PATCH", path, data=trickle, headers=FRAGMENT)).status == 428
    assert (await encoder("PATCH", path, data=trickle, headers=FRAGMENT | {"If-Match": '"other"'})).status == 412
    assert (await encoder("PATCH", path, data=trickle, headers=SDP | {"If-Match": etag})).status == 415
    assert (await encoder("PATCH", path, data=b"nonsense", headers=FRAGMENT | {"If-Match": etag})).status == 400
    again = b"a=ice-ufrag:EFGH\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n"
    restarted = await encoder("PATCH", path, data=again, headers=FRAGMENT | {"If-Match": "*"})
    assert restarted.status == 200 and restarted.headers["etag"] != etag and b"a=ice-ufrag:" in restarted.body
    assert (await encoder("DELETE", path)).status == 200
    assert (await encoder("DELETE", path)).status == 404
    assert (await encoder("PATCH", path, data=trickle, headers=FRAGMENT | {"If-Match": "*"})).status == 404


async def test_the_key_as_a_bearer_token(hub: InProcessHub, key: str) -> None:
    text = await offered()
    assert (await post(hub.stranger(), "/whip", text)).status == 401
    assert (await post(hub.stranger(), "/whip", text, Authorization=f"Bearer {key}")).status == 201
    assert (await post(hub.stranger(), "/whip", text, Authorization="Bearer wrong")).status == 404


async def test_what_browsers_of_other_sites_ask_first(hub: InProcessHub, key: str) -> None:
    answer = await hub.stranger()("OPTIONS", f"/whip/{key}")
    assert answer.status == 204 and answer.headers["accept-post"] == "application/sdp"
    assert {"POST", "PATCH", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert {"Authorization", "If-Match"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert 'rel="ice-server"; username="crew"; credential="secret"' in answer.headers["link"]


async def test_refusals_are_plain(hub: InProcessHub, key: str) -> None:
    """Each with its status, its words in the reader's language, and a counter."""
    text, stranger = await offered(), hub.stranger()
    unknown = await post(stranger, "/whip/nothing-like-a-key", text)
    assert (unknown.status, unknown.json["code"]) == (404, "whip_unknown_key")
    assert (await stranger("POST", f"/whip/{key}", {"sdp": text})).status == 415
    broken = await post(stranger, f"/whip/{key}", text.replace("a=fingerprint", "a=x"), **{"Accept-Language": "en"})
    assert broken.status == 400 and "a=fingerprint" in broken.json["title"]
    assert (await post(stranger, f"/whip/{key}", "x" * 70_000)).status == 413
    codec = await post(stranger, f"/whip/{key}", text.replace("H264/90000", "H265/90000"))
    assert (codec.status, codec.json["code"], codec.json["offered"]) == (422, "whip_codec", "H265, OPUS")
    event = await hub.event(hub.admin)
    for act in ("start", "end"):
        await hub.admin.ok("POST", f"/api/v1/events/{event['id']}/{act}")
    over = await post(stranger, f"/whip/{event['venues'][0]['feeds'][0]['ingest']['stream_key']}", text)
    assert over.status in (404, 409)  # an ended event may have given its keys back
    metrics = (await stranger("GET", "/metrics")).body.decode()
    for outcome in ("unknown_key", "malformed_sdp", "whip_codec"):
        assert f'venuecast_whip_offers_total{{outcome="{outcome}"}} 1.0' in metrics


async def test_half_open_offers_by_the_thousand(hub: InProcessHub, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One address fills its own room only; what is half open ends by itself, and others are let in meanwhile."""
    monkeypatch.setattr(transport, "HANDSHAKE_SECONDS", 3.0)
    text, flood = await offered(), hub.stranger()
    statuses = [(await post(flood, f"/whip/{key}", text)).status for _ in range(transport.MAX_HALF_OPEN_PER_ADDRESS)]
    assert set(statuses) == {201}
    more = await asyncio.gather(*(post(flood, f"/whip/{key}", text) for _ in range(1000)))
    assert {answer.status for answer in more} <= {201, 503} and more[-1].headers["retry-after"]
    assert (await post(hub.stranger(), f"/whip/{key}", text)).status == 201

    async def closed() -> bool:
        metrics = (await hub.stranger()("GET", "/metrics")).body.decode()
        return "venuecast_webrtc_half_open 0.0" in metrics and 'reason="handshake_timeout"' in metrics

    await eventually_async(closed, 30)


async def test_ffmpeg_publishes(hub: InProcessHub, key: str, tmp_path: Path) -> None:
    """Its WHIP muxer looks at the first candidate only, and asks for nothing twice."""
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi"]
    ffmpeg += ["-i", "testsrc2=size=320x180:rate=25", "-re", "-f", "lavfi", "-i", "sine=sample_rate=48000"]
    ffmpeg += ["-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-b:v", "400k", "-g", "25"]
    ffmpeg += ["-c:a", "libopus", "-ac", "2", "-f", "whip", f"{hub.url}/whip/{key}"]
    with (tmp_path / "ffmpeg.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *ffmpeg, stdin=subprocess.DEVNULL, stderr=log, stdout=subprocess.DEVNULL
        )

        async def delivers() -> bool:
            state = (await hub.stranger()("GET", f"/api/v1/cam/{key}")).json
            link = state["link"]
            return bool(state["publishing"] and not link["frozen"] and link["bits_per_second"] > 100_000)

        try:
            await eventually_async(delivers, 40)
            events = await hub.admin.ok("GET", "/api/v1/events")
            event = await hub.admin.ok("GET", f"/api/v1/events/{events['items'][0]['id']}")
            status = event["venues"][0]["feeds"][0]["status"]
            assert status["video"]["codec"] == "h264" and status["audio"]["codec"] == "opus"
            assert (status["video"]["width"], status["video"]["height"]) == (320, 180)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
