"""The RTMP server with real encoders over real sockets, and with peers that mean harm."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import imageio_ffmpeg
import pytest

from config.clock import SystemClock
from streaming.media import Codec
from streaming.rtmp.server import RtmpServer, serve_rtmp
from tests.support.ingest import KeptIngest, KeptPublication
from tests.support.waiting import eventually

pytestmark = pytest.mark.service

KEY = "0123456789abcdefghjkmnpq"


@asynccontextmanager
async def served() -> AsyncIterator[tuple[KeptIngest, RtmpServer]]:
    ingest = KeptIngest()
    async with serve_rtmp(ingest, SystemClock(), "127.0.0.1", 0) as server:
        yield ingest, server


async def ffmpeg(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-loglevel", "error"),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


VIDEO = ("-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25")
AUDIO = ("-re", "-f", "lavfi", "-i", "sine=sample_rate=44100")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "2")
AAC = ("-c:a", "aac", "-b:a", "64k")


async def pushed(*arguments: str, seconds: float = 2.0) -> KeptPublication:
    """Push with ffmpeg for some seconds of media; what arrived."""
    async with served() as (ingest, server), asyncio.timeout(30):
        url = f"rtmp://127.0.0.1:{server.port}/live/{KEY}"
        process = await ffmpeg(*arguments, "-t", str(seconds), "-f", "flv", url)
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        [publication] = ingest.publications
        while publication.closed is None:
            publication.arrived.clear()
            await publication.arrived.wait()
        return publication


async def test_h264_and_aac_with_b_frames() -> None:
    publication = await pushed(*VIDEO, *AUDIO, *H264, *AAC)
    [format_] = publication.formats
    assert format_.video is not None and (format_.video.codec, format_.video.width) == (Codec.H264, 320)
    assert format_.audio is not None and (format_.audio.codec, format_.audio.sample_rate) == (Codec.AAC, 44100)
    video = [packet for packet in publication.packets if packet.track_id == 0]
    assert len(video) == 50
    assert any(packet.pts > packet.dts for packet in video)
    assert [packet.dts for packet in video] == sorted(packet.dts for packet in video)
    assert [packet.keyframe for packet in video].count(True) == 2
    assert publication.peer.address == "127.0.0.1"
    assert publication.key == KEY


@pytest.mark.parametrize(("codec", "encoder"), [(Codec.HEVC, "libx265"), (Codec.AV1, "libsvtav1")])
async def test_case_28_enhanced_rtmp(codec: Codec, encoder: str) -> None:
    publication = await pushed(
        *VIDEO, "-c:v", encoder, "-preset", "8" if codec is Codec.AV1 else "ultrafast", "-g", "25", seconds=4
    )
    [format_] = publication.formats
    assert format_.video is not None and format_.video.codec is codec
    assert (format_.video.width, format_.video.height) == (320, 180)
    assert len(publication.packets) >= 20


@pytest.mark.parametrize("inputs", [(*VIDEO, *H264), (*AUDIO, *AAC)], ids=["video-only", "audio-only"])
async def test_case_24_one_track_alone_goes_after_a_bounded_wait(inputs: tuple[str, ...]) -> None:
    publication = await pushed(*inputs, seconds=4.0)
    [format_] = publication.formats
    assert len(format_.tracks) == 1
    assert len(publication.packets) >= 90


async def test_case_18_a_wrong_key_is_refused_in_the_encoders_log_and_is_not_in_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with served() as (_, server), asyncio.timeout(30):
        process = await ffmpeg(
            *VIDEO, *H264, "-t", "2", "-f", "flv", f"rtmp://127.0.0.1:{server.port}/live/wrong-key-123"
        )
        _, errors = await process.communicate()
        assert process.returncode != 0
        assert "unknown stream key" in errors.decode()
    told = capsys.readouterr().out
    assert "refused: unknown_key" in told
    assert "wrong-key-123" not in told


async def test_an_evicted_encoder_is_disconnected() -> None:
    async with served() as (ingest, server), asyncio.timeout(30):
        process = await ffmpeg(*VIDEO, *H264, "-f", "flv", f"rtmp://127.0.0.1:{server.port}/live/{KEY}")
        await ingest.published.wait()
        ingest.publications[0].evict("another encoder took over")
        _, errors = await process.communicate()
        assert process.returncode != 0, errors
        assert ingest.publications[0].closed == "another encoder took over"


@pytest.mark.parametrize(
    "bytes_sent",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x06" + bytes(1536), b"\x03" + bytes(3072) + b"\x03\0\0\0\xff\xff\xff\x14\0\0\0\0"],
    ids=["http", "rtmpe", "12 MB message"],
)
async def test_a_hostile_peer_costs_its_own_connection(bytes_sent: bytes) -> None:
    async with served() as (ingest, server), asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(bytes_sent)
        await reader.read()  # ends when the server closes
        writer.close()
        await writer.wait_closed()
        assert ingest.publications == []
        await eventually(lambda: server.connection_count == 0)  # the server's own end of the close


async def test_rtmps_with_a_certificate(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    ingest = KeptIngest()
    async with (
        serve_rtmp(ingest, SystemClock(), "127.0.0.1", 0, context) as server,
        asyncio.timeout(30),
    ):
        process = await ffmpeg(
            *(*VIDEO, *AUDIO, *H264, *AAC),
            *("-t", "1", "-f", "flv", "-tls_verify", "0"),
            f"rtmps://127.0.0.1:{server.port}/live/{KEY}",
        )
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        assert len([packet for packet in ingest.publications[0].packets if packet.track_id == 0]) == 25
        assert ingest.publications[0].peer.protocol == "rtmps"


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 made for this test."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = directory / "certificate.pem", directory / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_path, key_path
