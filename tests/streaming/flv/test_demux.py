"""Tags as encoders of many habits send them, to Format and packets."""

from __future__ import annotations

import pytest

from streaming.codecs import h264, opus
from streaming.flv.demux import AUDIO, MAX_HELD_PACKETS, SECOND_TRACK_SECONDS, VIDEO, Demuxer
from streaming.flv.mux import packet_tag, sequence_header_tags
from streaming.flv.tag import UnsupportedCodec
from streaming.media import AUDIO_TRACK, Codec, Format, Item, Packet, Track
from tests.support.encoded import encode

AAC_CONFIG = b"\xaf\x00\x11\x90"  # AAC-LC, 48 kHz, stereo
AAC_FRAME = b"\xaf\x01" + bytes(20)


def h264_track() -> Track:
    first = encode(2.0, audio=None)[0]
    assert isinstance(first, Format) and first.video is not None
    return first.video


def avc_config(config: bytes | None = None) -> bytes:
    return b"\x17\x00\x00\x00\x00" + (h264_track().config if config is None else config)


def avc_frame(*units: bytes, key: bool = False, composition: int = 0) -> bytes:
    head = (b"\x17\x01" if key else b"\x27\x01") + (composition & 0xFFFFFF).to_bytes(3, "big")
    return head + h264.join(list(units))


IDR, SLICE = b"\x65" + b"\x88" * 30, b"\x41" + b"\x9a" * 10


class Fed:
    """A demuxer and what came out of it."""

    def __init__(self) -> None:
        self.demuxer = Demuxer()
        self.items: list[Item] = []

    def __call__(self, type_id: int, time: int, body: bytes, now: float | None = None) -> None:
        self.items += self.demuxer.feed(
            type_id, time, body, 1_800_000_000 + time / 1000, time / 1000 if now is None else now
        )

    @property
    def formats(self) -> list[Format]:
        return [item for item in self.items if isinstance(item, Format)]

    @property
    def packets(self) -> list[Packet]:
        return [item for item in self.items if isinstance(item, Packet)]


@pytest.fixture
def fed() -> Fed:
    return Fed()


def test_case_24_the_first_track_waits_for_the_second_then_goes_alone(fed: Fed) -> None:
    fed(AUDIO, 0, AAC_CONFIG)
    for time in range(0, 1900, 100):
        fed(AUDIO, time, AAC_FRAME)
    assert fed.items == []
    fed(AUDIO, round(SECOND_TRACK_SECONDS * 1000), AAC_FRAME)
    assert [track.codec for track in fed.formats[0].tracks] == [Codec.AAC]
    assert len(fed.packets) == 20


def test_case_24_what_is_held_is_bounded(fed: Fed) -> None:
    fed(AUDIO, 0, AAC_CONFIG)
    for _ in range(MAX_HELD_PACKETS):
        fed(AUDIO, 0, AAC_FRAME, now=0.0)
    assert len(fed.packets) == MAX_HELD_PACKETS


def test_case_24_a_second_track_that_comes_late_is_a_new_format(fed: Fed) -> None:
    fed(AUDIO, 0, AAC_CONFIG)
    fed(AUDIO, 2500, AAC_FRAME)
    fed(AUDIO, 4600, AAC_FRAME)
    fed(VIDEO, 4700, avc_config())
    fed(VIDEO, 4700, avc_frame(IDR, key=True))
    assert [len(item.tracks) for item in fed.formats] == [1, 2]
    assert fed.formats[1].discontinuity


@pytest.mark.parametrize(
    "config", [b"\xaf\x00", b"\xaf\x00\x11", b"\xaf\x00\xff\xff\xff\xff"], ids=["empty", "short", "nonsense"]
)
def test_case_25_a_short_aac_header_drops_the_sound_only(fed: Fed, config: bytes) -> None:
    fed(AUDIO, 0, config)
    fed(VIDEO, 0, avc_config())
    fed(VIDEO, 0, avc_frame(IDR, key=True))
    fed(AUDIO, 10, AAC_FRAME)
    fed(VIDEO, 2100, avc_frame(SLICE))
    assert [track.codec for track in fed.formats[0].tracks] == [Codec.H264]
    assert len(fed.packets) == 2
    assert fed.demuxer.dropped == 2
    fed(AUDIO, 2200, AAC_CONFIG)  # late, but well
    fed(AUDIO, 2210, AAC_FRAME)
    assert len(fed.formats[-1].tracks) == 2
    assert fed.packets[-1].track_id == AUDIO_TRACK


def test_case_26_the_aac_configuration_is_believed_and_not_the_tags_bits(fed: Fed) -> None:
    fed(AUDIO, 0, b"\xa2\x00\x12\x08")  # the tag says 5.5 kHz mono 8 bit; the config 44.1 kHz mono
    fed(AUDIO, 2100, b"\xa2\x01" + bytes(9))
    [track] = fed.formats[0].tracks
    assert (track.sample_rate, track.channels) == (44_100, 1)


def test_case_26_he_aac_counts_at_its_output_rate(fed: Fed) -> None:
    fed(AUDIO, 0, b"\xaf\x00" + bytes([0x2B, 0x11, 0x88, 0x00]))  # SBR over 24 kHz: 48 kHz out
    fed(AUDIO, 2100, AAC_FRAME)
    assert fed.formats[0].tracks[0].sample_rate == 48_000


def test_case_27_video_before_its_parameter_sets_is_held_back(fed: Fed) -> None:
    fed(VIDEO, 0, avc_frame(SLICE))
    fed(VIDEO, 40, avc_frame(IDR, key=True))
    assert fed.items == []
    fed(VIDEO, 80, avc_config())
    fed(VIDEO, 80, avc_frame(IDR, key=True))
    fed(VIDEO, 2200, avc_frame(SLICE))
    assert [packet.keyframe for packet in fed.packets] == [True, False]


def test_case_27_empty_parameter_sets_are_no_configuration(fed: Fed) -> None:
    fed(VIDEO, 0, avc_config(bytes([1, 66, 0, 30, 0xFF, 0xE0, 0])))
    fed(VIDEO, 0, avc_frame(IDR, key=True))
    fed(VIDEO, 2100, avc_frame(IDR, key=True))
    assert fed.items == []
    fed(VIDEO, 2200, avc_config())
    fed(VIDEO, 4400, avc_frame(IDR, key=True))
    assert len(fed.formats) == 1


def test_case_27_several_parameter_sets_are_kept(fed: Fed) -> None:
    record = h264.parse_avcc(h264_track().config)
    config = h264.build_avcc(record.sps, (record.pps[0], record.pps[0] + b"\x80"))
    fed(VIDEO, 0, avc_config(config))
    fed(VIDEO, 2100, avc_frame(IDR, key=True))
    track = fed.formats[0].video
    assert track is not None
    assert len(h264.parse_avcc(track.config).pps) == 2


def test_case_27_parameter_sets_in_band_serve_where_there_is_no_header(fed: Fed) -> None:
    record = h264.parse_avcc(h264_track().config)
    fed(VIDEO, 0, avc_frame(record.sps[0], record.pps[0], IDR, key=True))
    fed(VIDEO, 2100, avc_frame(SLICE))
    assert fed.formats[0].video is not None
    assert (fed.formats[0].video.width, fed.formats[0].video.height) == (320, 180)


def test_case_27_annex_b_from_odd_encoders_becomes_length_prefixed(fed: Fed) -> None:
    fed(VIDEO, 0, avc_config())
    fed(VIDEO, 2100, b"\x17\x01\x00\x00\x00" + b"\x00\x00\x00\x01" + IDR + b"\x00\x00\x01" + SLICE)
    assert list(h264.units(fed.packets[0].payload)) == [IDR, SLICE]


def test_case_22_an_identical_header_again_is_nothing_and_another_is_one_new_format(fed: Fed) -> None:
    other = encode(2.0, audio=None, size="480x270")[0]
    assert isinstance(other, Format) and other.video is not None
    fed(VIDEO, 0, avc_config())
    fed(VIDEO, 2100, avc_frame(IDR, key=True))
    fed(VIDEO, 2140, avc_config())
    fed(VIDEO, 2140, avc_frame(SLICE))
    assert len(fed.formats) == 1
    fed(VIDEO, 2180, avc_config(other.video.config))
    fed(VIDEO, 2180, avc_frame(IDR, key=True))
    assert [(item.video.width, item.reason) for item in fed.formats if item.video] == [
        (320, "start"),
        (480, "reconfigured"),
    ]


def test_case_20_and_21_composition_times(fed: Fed) -> None:
    fed(VIDEO, 0, avc_config())
    for time, composition in ((2100, 80), (2140, -40), (2180, -1), (2220, -2)):
        fed(VIDEO, time, avc_frame(IDR, key=True, composition=composition))
    assert [packet.pts - packet.dts for packet in fed.packets] == [80, -40, 0, 0]


@pytest.mark.parametrize("body", [b"", b"\x17", b"\x17\x01", b"\x17\x01\x00\x00\x00", b"\x27\x01\x00\x00"])
def test_case_33_empty_video_is_dropped_and_counted(fed: Fed, body: bytes) -> None:
    fed(VIDEO, 0, avc_config())
    fed(VIDEO, 10, body)
    fed(VIDEO, 2100, avc_frame(IDR, key=True))
    assert (len(fed.packets), fed.demuxer.dropped) == (1, 1)


@pytest.mark.parametrize("body", [b"", b"\xaf", b"\xaf\x01"])
def test_case_33_empty_sound_is_dropped_and_counted(fed: Fed, body: bytes) -> None:
    fed(AUDIO, 0, AAC_CONFIG)
    fed(AUDIO, 10, body)
    fed(AUDIO, 2100, AAC_FRAME)
    assert (len(fed.packets), fed.demuxer.dropped) == (1, 1)


def hevc_track() -> Track:
    first = encode(2.0, video=Codec.HEVC, audio=None)[0]
    assert isinstance(first, Format) and first.video is not None
    return first.video


@pytest.mark.parametrize(
    ("head", "frame"),
    [
        (b"\x1c\x00\x00\x00\x00", b"\x1c\x01\x00\x00\x00"),
        (b"\x90hvc1", b"\x91hvc1\x00\x00\x00"),
        (b"\x90hvc1", b"\x93hvc1"),
    ],
    ids=["codec id 12", "FourCC", "FourCC without composition time"],
)
def test_case_28_hevc_in_every_wrapping(fed: Fed, head: bytes, frame: bytes) -> None:
    track = hevc_track()
    fed(VIDEO, 0, head + track.config)
    fed(VIDEO, 2100, frame + b"\x00\x00\x00\x03\x26\x01\x02")
    video = fed.formats[0].video
    assert video is not None and (video.codec, video.width, video.height) == (Codec.HEVC, 320, 180)
    assert fed.packets[0].keyframe


@pytest.mark.parametrize(
    ("type_id", "body", "words"),
    [(VIDEO, b"\x12\x00", "H.263"), (AUDIO, b"\x2f\x00", "MP3"), (VIDEO, b"\x90vp09", "vp09")],
)
def test_case_28_what_is_not_taken_is_said_clearly(fed: Fed, type_id: int, body: bytes, words: str) -> None:
    with pytest.raises(UnsupportedCodec, match=words):
        fed(type_id, 0, body)


def test_case_29_opus_needs_no_header(fed: Fed) -> None:
    fed(AUDIO, 0, b"\x91Opus" + b"\xfc" + bytes(20))
    fed(AUDIO, 2100, b"\x91Opus" + b"\xfc" + bytes(20))
    [track] = fed.formats[0].tracks
    assert (track.codec, track.sample_rate, track.channels) == (Codec.OPUS, opus.RATE, 2)


def test_case_29_opus_with_a_header(fed: Fed) -> None:
    fed(AUDIO, 0, b"\x90Opus" + opus.MAGIC + bytes([1, 1, 0x38, 1]) + (48_000).to_bytes(4, "little") + bytes(3))
    fed(AUDIO, 2100, b"\x91Opus" + b"\xfc" + bytes(20))
    assert fed.formats[0].tracks[0].channels == 1


def mod_ex(packet: int, kind: int) -> bytes:
    """A nanosecond offset modifier in front of a packet type (E-RTMP v2)."""
    return bytes([0x80 | 0x10 | kind, 2]) + (500_000).to_bytes(3, "big") + bytes([packet])


def test_case_29_modifiers_are_stepped_over(fed: Fed) -> None:
    fed(VIDEO, 0, b"\x90avc1" + h264_track().config)
    fed(VIDEO, 2100, mod_ex(1, 7) + b"avc1" + b"\x00\x00\x00" + h264.join([IDR]))
    assert list(h264.units(fed.packets[0].payload)) == [IDR]


def test_case_29_of_many_tracks_the_first_is_taken(fed: Fed) -> None:
    fed(VIDEO, 0, b"\x90avc1" + h264_track().config)
    first, other = b"\x00\x00\x00" + h264.join([IDR]), b"\x00\x00\x00" + h264.join([SLICE])
    many = b"\x96" + b"\x11" + b"avc1"
    for track_id, payload in ((1, other), (0, first)):
        many += bytes([track_id]) + len(payload).to_bytes(3, "big") + payload
    fed(VIDEO, 2100, many)
    assert list(h264.units(fed.packets[0].payload)) == [IDR]
    fed(VIDEO, 2140, b"\x96" + b"\x01" + b"avc1" + b"\x01" + other)  # one track, and not ours
    assert len(fed.packets) == 1


@pytest.mark.parametrize("body", [b"\x96", b"\x96\x11av", b"\x97", b"\x97\x02\x00", b"\x97\xff\xff", b"\x91avc1\x00"])
def test_case_29_what_is_cut_off_is_dropped(fed: Fed, body: bytes) -> None:
    fed(VIDEO, 0, b"\x90avc1" + h264_track().config)
    try:
        fed(VIDEO, 10, body)
    except UnsupportedCodec:
        pass  # a FourCC that is cut off is one that nobody knows
    fed(VIDEO, 2100, b"\x91avc1\x00\x00\x00" + h264.join([IDR]))
    assert len(fed.packets) == 1


def test_mux_and_demux_agree(fed: Fed) -> None:
    """What the hub writes as FLV it would read as the same media."""
    media = encode(3.0, b_frames=2)
    first = media[0]
    assert isinstance(first, Format)
    for tag in sequence_header_tags(first, dts_ms=0):
        if tag[0] in (AUDIO, VIDEO):
            fed(tag[0], 0, tag[11:-4])
    sent = [item for item in media if isinstance(item, Packet)]
    for packet in sent:
        track = first.track(packet.track_id)
        assert track is not None
        tag = packet_tag(track, packet)
        fed(tag[0], int.from_bytes(tag[4:7], "big") | tag[7] << 24, tag[11:-4])
    assert [packet.payload for packet in fed.packets] == [packet.payload for packet in sent]
    assert [packet.keyframe for packet in fed.packets] == [packet.keyframe for packet in sent]
    assert [track.config for track in fed.formats[0].tracks] == [track.config for track in first.tracks]
