"""One viewer before a road that only keeps: numbers without holes, times that never go back, what it asks for."""

from __future__ import annotations

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.webrtc import rtcp
from streaming.webrtc.rtp import RtpPacket, parse_rtp
from streaming.webrtc.send.history import History
from streaming.webrtc.send.lane import Lane
from streaming.webrtc.send.reports import BAD_WINDOWS, CALM_WINDOWS, Link
from streaming.webrtc.send.viewer import Viewer

RATE = 250_000.0
FRAME = 3_000
EXTENSION = b"\xbe\xde\x00\x01" + bytes([0x62, 0, 0, 40])


class KeptRoad:
    def __init__(self) -> None:
        self.sent: list[RtpPacket] = []

    def send_parts(self, header: bytes, payload: bytes) -> bool:
        self.sent.append(parse_rtp(header + payload))
        return True

    def send_rtcp(self, datagram: bytes) -> bool:
        return True

    def close(self, reason: str) -> None:
        """Nobody is there."""

    @property
    def frames(self) -> list[bytes]:
        """The first payload of each frame, in order: its number and whether it is a key frame."""
        return [packet.payload[:5] for packet in self.sent if packet.payload[5:6] == b"\0"]


class House:
    """A stream of 30 frames a second with three packets each, and one viewer."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.number = 0
        self.pictures, self.sound = History(), History()
        self.road = KeptRoad()
        self.viewer = Viewer(self.road, Lane(96), None, EXTENSION)

    def frame(self, *, keyframe: bool, size: int = 200) -> None:
        head = self.number.to_bytes(4, "big") + (b"K" if keyframe else b"P")
        payloads = [head + bytes([part]) + bytes(size) for part in range(3)]
        self.pictures.append(
            payloads, 4_294_900_000 + self.number * FRAME & 0xFFFFFFFF, keyframe=keyframe, now=self.now
        )
        self.number += 1
        self.now += 1 / 30
        if keyframe:
            self.viewer.key_frame_came(self.pictures)

    def serve(self) -> bool:
        return self.viewer.serve(self.pictures, self.sound, self.now, RATE)

    def feedback(self, datagram: bytes) -> None:
        self.viewer.feedback(datagram, self.pictures, self.now, RATE, FRAME, lambda viewer: None)

    def sound_sequence(self) -> None:
        """Numbers rise by one, times never go back and are new for each frame."""
        sent = self.road.sent
        for before, after in itertools.pairwise(sent):
            assert after.sequence == before.sequence + 1 & 0xFFFF
            step = after.timestamp - before.timestamp & 0xFFFFFFFF
            assert step < 1 << 31 and bool(step) == (after.payload[5] == 0)


def numbers(frames: list[bytes]) -> list[int]:
    return [int.from_bytes(frame[:4], "big") for frame in frames]


def test_a_joiner_gets_the_cached_gop_first_and_stands_at_the_live_edge() -> None:
    house = House()
    for index in range(45):
        house.frame(keyframe=index == 0)
    house.viewer.start(house.pictures, house.sound, house.now)
    while house.serve():
        house.now += 0.01
    house.frame(keyframe=False)
    house.serve()
    assert numbers(house.road.frames) == list(range(46)) and house.road.frames[0][4:] == b"K"
    house.sound_sequence()
    assert house.road.sent[0].header_extension(6) == bytes([0, 0, 40])
    last, live = house.road.sent[-4].timestamp, house.road.sent[-1].timestamp
    assert live - last & 0xFFFFFFFF == FRAME  # its own time, as everybody else's
    assert last - house.road.sent[0].timestamp & 0xFFFFFFFF < 45 * FRAME / 5


def test_a_joiner_before_any_picture_waits_for_the_key_frame() -> None:
    house = House()
    house.viewer.start(house.pictures, house.sound, house.now)
    for index in range(5):
        house.frame(keyframe=index == 3)
        house.serve()
    assert numbers(house.road.frames) == [3, 4]


def test_a_large_gop_is_spread_over_time() -> None:
    house = House()
    for index in range(60):
        house.frame(keyframe=index == 0, size=1_100)
    house.viewer.start(house.pictures, house.sound, house.now)
    assert house.serve()
    assert sum(len(packet.payload) for packet in house.road.sent) < 70_000
    rounds = 0
    while house.serve():
        house.now += 0.01
        rounds += 1
    assert 5 < rounds < 40 and numbers(house.road.frames) == list(range(60))


def test_what_is_asked_for_again_is_what_was_sent() -> None:
    house = House()
    for index in range(10):
        house.frame(keyframe=index == 0)
    house.viewer.start(house.pictures, house.sound, house.now)
    house.serve()
    sent = list(house.road.sent)
    house.feedback(rtcp.nack(1, house.viewer.video.ssrc, [sent[i].sequence for i in (0, 4, 29)]))
    assert house.road.sent[len(sent) :] == [sent[0], sent[4], sent[29]]
    unknown = sent[-1].sequence + 5 & 0xFFFF
    house.feedback(rtcp.nack(1, house.viewer.video.ssrc, [unknown]) + rtcp.nack(1, 4711, [sent[0].sequence]))
    assert len(house.road.sent) == len(sent) + 3 and house.viewer.lost_for_good == 1


def test_a_lost_picture_comes_again_from_the_cached_key_frame_and_not_too_often() -> None:
    house = House()
    for index in range(40):
        house.frame(keyframe=index == 0)
        if not index:
            house.viewer.start(house.pictures, house.sound, house.now)
        house.serve()
    request = rtcp.keyframe_request(1, house.viewer.video.ssrc)
    for _ in range(5):
        house.feedback(request)
        house.serve()
    house.frame(keyframe=False)
    house.serve()
    assert numbers(house.road.frames) == [*range(40), *range(40), 40]
    assert house.viewer.key_frames_again == 1
    house.sound_sequence()


def test_a_weak_link_gets_key_frames_only_and_recovers_at_one() -> None:
    house = House()

    def report(lost: float) -> None:
        block = rtcp.ReportBlock(house.viewer.video.ssrc, int(lost * 256), 0, house.number * 3, 0, 0, 0)
        house.feedback(rtcp.receiver_report(1, [block]))

    def second(first: int, lost: float) -> list[bytes]:
        before = len(house.road.frames)
        for index in range(30):
            house.frame(keyframe=index == first)
            house.serve()
        report(lost)
        return house.road.frames[before:]

    house.viewer.start(house.pictures, house.sound, house.now)
    assert len(second(0, 0.4)) == 30
    for _ in range(BAD_WINDOWS):
        second(0, 0.4)
    assert [frame[4:] for frame in second(10, 0.0)] == [b"K"]
    for _ in range(CALM_WINDOWS - 2):
        second(10, 0.0)
    assert house.viewer.link.thin
    assert [frame[4:] for frame in second(10, 0.0)] == [b"K"] and not house.viewer.link.thin
    again = second(10, 0.0)
    assert [frame[4:] for frame in again] == [b"K", *[b"P"] * 19]
    house.sound_sequence()


def test_five_percent_of_loss_is_no_reason_to_send_less() -> None:
    """Nor are the reports that come with each NACK, about two packets or ten."""
    link, loss = Link(), random.Random(5)
    highest = lost = expected = 0
    for packet in range(20_000):
        highest, expected = highest + 1, expected + 1
        if loss.random() < 0.05:
            lost += 1
            if loss.random() < 0.5:
                block = rtcp.ReportBlock(1, min(lost * 256 // expected, 255), 0, highest, 0, 0, 0)
                link.received(block, 2_000_000, packet / 200)
                lost = expected = 0
        assert not link.thin


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("PPPPKsswnlr"), st.integers(0, 40)), max_size=80))
def test_whatever_happens_numbers_have_no_holes_and_nothing_undecodable_is_sent(acts: list[tuple[str, int]]) -> None:
    """P, K: a frame; s: served; w: time goes; n: a NACK; l: loss; r: a key frame is asked for."""
    house = House()
    house.frame(keyframe=True)
    house.viewer.start(house.pictures, house.sound, house.now)
    resent = 0
    for act, number in acts:
        before = len(house.road.sent)
        match act:
            case "P" | "K":
                house.frame(keyframe=act == "K", size=100 + number * 30)
            case "s":
                house.serve()
            case "w":
                house.now += number / 20
            case "n" if house.road.sent:
                asked = house.road.sent[-1 - number % len(house.road.sent)].sequence
                house.feedback(rtcp.nack(1, house.viewer.video.ssrc, [asked]))
                resent += len(house.road.sent) - before
                del house.road.sent[before:]
            case "l":
                house.now += 1
                block = rtcp.ReportBlock(
                    house.viewer.video.ssrc, 255 if number % 2 else 0, 0, len(house.road.sent), 0, 0, 0
                )
                house.feedback(rtcp.receiver_report(1, [block]))
            case "r":
                house.feedback(rtcp.keyframe_request(1, house.viewer.video.ssrc))
    sent = house.road.sent
    assert resent == house.viewer.resent
    for before_packet, after in itertools.pairwise(sent):
        assert after.sequence == before_packet.sequence + 1 & 0xFFFF
        assert after.timestamp - before_packet.timestamp & 0xFFFFFFFF < 1 << 31
    complete = [packet.payload[:5] for packet in sent if packet.marker]
    for one, following in itertools.pairwise(complete):
        number, next_number = int.from_bytes(one[:4], "big"), int.from_bytes(following[:4], "big")
        assert following[4:] == b"K" or next_number == number + 1
