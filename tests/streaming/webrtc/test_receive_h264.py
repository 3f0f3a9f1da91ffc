"""H.264 in every packetization: what comes out is the encoder's packets, byte by byte, or nothing."""

from __future__ import annotations

from functools import cache

import pytest

from streaming.codecs import h264
from streaming.media import Packet, Track
from streaming.webrtc.receive.frame import Picture
from streaming.webrtc.receive.h264 import H264Assembler
from streaming.webrtc.rtp import parse_rtp
from tests.support import media
from tests.support.rtp import Sender, aggregated, fragments, parameter_sets, rtp, single

SEI = b"\x06\x05\x01\x00\x80"
AUD = b"\x09\xf0"


@cache
def clip() -> tuple[Track, tuple[Packet, ...]]:
    track, packets = media.h264(0.4, size=(160, 96), gop=5, noise=True)
    return track, tuple(packets)


def slices(packet: Packet) -> list[bytes]:
    return [unit for unit in h264.units(packet.payload) if unit[0] & 31 in (1, 5)]


def take(assembler: H264Assembler, datagrams: list[bytes]) -> list[Picture]:
    return [picture for datagram in datagrams for picture in assembler.push(parse_rtp(datagram))]


@pytest.mark.parametrize("style", ["single", "stap", "fragments", "own packets", "tiny", "delimiters"])
def test_every_packetization_gives_the_same_pictures(style: str) -> None:
    track, packets = clip()
    sets = parameter_sets(track)
    assembler, sender, pictures = H264Assembler(), Sender(sequence=65_530, zero=0xFFFFFFF0), []
    for packet in packets:
        units = slices(packet)
        head = sets if packet.keyframe else []
        match style:
            case "single":
                payloads = single([*head, *units])
            case "stap":
                payloads = aggregated([*head, *units]) if sum(map(len, units)) < 60_000 else single(units)
            case "fragments":
                payloads = [*aggregated(head), *fragments(units[0], 200)] if head else fragments(units[0], 200)
            case "own packets":
                payloads = [*head, *single(units)]
            case "tiny":
                payloads = [*head, *fragments(units[0], 20)]
            case _:
                payloads = [AUD, *head, SEI, *single(units)]
        pictures += take(assembler, sender.packets(payloads, packet.pts))
    assert len(pictures) == len(packets) and assembler.damaged == 0
    for picture, packet in zip(pictures, packets, strict=True):
        assert picture.keyframe == packet.keyframe
        expected = [SEI, *slices(packet)] if style == "delimiters" else slices(packet)
        assert list(h264.units(picture.payload)) == expected
        if picture.keyframe:
            assert picture.config is not None
            config = h264.parse_avcc(picture.config)
            assert [*config.sps, *config.pps] == sets
        else:
            assert picture.config is None
        assert picture.timestamp == (packet.pts + 0xFFFFFFF0) & 0xFFFFFFFF


def test_case_39_parameter_sets_in_their_own_packets_and_a_key_frame_in_slices() -> None:
    """SPS and PPS each with a marker of their own, an IDR picture of three slices, the marker on the last."""
    track, packets = clip()
    [idr, *_] = slices(packets[0])
    sps, pps = parameter_sets(track)
    second = idr[:1] + bytes([0x40 | idr[1] & 0x3F]) + idr[2:]  # first_mb_in_slice is not 0
    assembler, sender = H264Assembler(), Sender()
    datagrams = sender.packets([sps], 0) + sender.packets([pps], 0)
    datagrams += sender.packets([idr, *fragments(second, 500), second], 0)
    [picture] = take(assembler, datagrams)
    assert picture.keyframe and list(h264.units(picture.payload)) == [idr, second, second]


def test_case_39_markers_on_every_slice_are_seen_through() -> None:
    """The first such picture is lost; from then on timestamps alone end a picture."""
    track, packets = clip()
    [idr, *_] = slices(packets[0])
    second = idr[:1] + bytes([0x40 | idr[1] & 0x3F]) + idr[2:]
    assembler, sender = H264Assembler(), Sender()
    pictures = []
    for at in (0, 3600, 7200, 10_800):
        pictures += take(assembler, sender.packets([*parameter_sets(track)], at, marker=False))
        pictures += take(assembler, sender.packets([idr], at) + sender.packets([second], at))
    whole = [picture for picture in pictures if list(h264.units(picture.payload)) == [idr, second]]
    assert [picture.timestamp for picture in whole] == [3600, 7200]
    assert assembler.damaged == 1


def test_no_marker_at_all() -> None:
    track, packets = clip()
    assembler, sender, pictures = H264Assembler(), Sender(), []
    for packet in packets:
        head = parameter_sets(track) if packet.keyframe else []
        pictures += take(assembler, sender.packets([*head, *single(slices(packet))], packet.pts, marker=False))
    assert [p.timestamp for p in pictures] == [p.pts for p in packets[:-1]]  # the last one waits for its successor


def test_a_lost_part_damages_its_picture_and_no_other() -> None:
    track, packets = clip()
    for lost in range(1, 6):
        assembler, sender = H264Assembler(), Sender()
        head = aggregated(parameter_sets(track))
        take(assembler, sender.packets([*head, *single(slices(packets[0]))], 0))
        datagrams = sender.packets(fragments(slices(packets[1])[0], 150), packets[1].pts)
        assert len(datagrams) > lost
        take(assembler, datagrams[:lost])
        assembler.gap()
        assert take(assembler, datagrams[lost + 1 :]) == []
        assert assembler.damaged == 1
        [following] = take(assembler, sender.packets(single(slices(packets[2])), packets[2].pts))
        assert list(h264.units(following.payload)) == slices(packets[2])


def test_a_key_frame_right_behind_a_gap_is_whole_if_it_begins_with_its_first_slice() -> None:
    track, packets = clip()
    key = packets[5]
    assert key.keyframe
    payloads = [*aggregated(parameter_sets(track)), *single(slices(key))]
    assembler, sender = H264Assembler(), Sender()
    take(assembler, sender.packets([*aggregated(parameter_sets(track)), *single(slices(packets[0]))], 0))
    assembler.gap()
    [picture] = take(assembler, sender.packets(payloads, key.pts))
    assert picture.keyframe
    second = slices(key)[0][:1] + bytes([0x40]) + slices(key)[0][2:]
    assembler.gap()
    assert take(assembler, sender.packets([second], key.pts + 3600)) == []


def test_a_key_frame_without_parameter_sets_is_held_back_unless_the_offer_had_them() -> None:
    track, packets = clip()
    assembler = H264Assembler()
    assert take(assembler, Sender().packets(single(slices(packets[0])), 0)) == [] and assembler.damaged == 1
    assembler.learn(parameter_sets(track))
    assert len(take(assembler, Sender().packets(single(slices(packets[0])), 3600))) == 1


@pytest.mark.parametrize(
    "payload",
    [b"\x1c", b"\x1c\x85", b"\x7c\x45abc", b"\x18\x00", b"\x18\x00\x09abc", b"\x18\x00\x00", b"\x19abc", b"\x1a",
     b"\x1d\x85a", b"\x00", b"\x1f\xff", b"\x05", b"\x67", b"\x68", b"\x07\x64\x00\x1f\xff"],
)  # fmt: skip
def test_nonsense_is_never_a_picture(payload: bytes) -> None:
    assembler = H264Assembler()
    for datagram in (rtp(0, 0, payload, marker=True), rtp(1, 10, payload, marker=True), rtp(2, 20, b"")):
        assert assembler.push(parse_rtp(datagram)) == []
