"""The gateway's pure parts: pauses, FLV in any pieces, what ffmpeg's words mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.flv.mux import flv_header, packet_tag, sequence_header_tags
from streaming.gateway.backoff import Backoff
from streaming.gateway.flv_reader import FlvError, FlvReader
from streaming.gateway.intake import Carry
from streaming.gateway.outcome import WORDS, Reason, read_outcome
from streaming.media import Format
from tests.support.media import aac


def test_pauses_grow_up_to_half_a_minute_and_begin_anew_after_health() -> None:
    backoff = Backoff()
    assert [backoff.pause(0.5, had_media=False) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert backoff.pause(3, had_media=True) == 30, "three seconds of picture are no health"
    assert backoff.pause(60, had_media=False) == 30, "a minute without one is none either"
    assert backoff.pause(60, had_media=True) == 1


@given(st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_flv_reads_the_same_however_it_is_cut(cuts: list[int]) -> None:
    track, packets = AUDIO
    whole = flv_header(Format((track,))) + b"".join(sequence_header_tags(Format((track,)), dts_ms=0))
    whole += b"".join(packet_tag(track, packet) for packet in packets)
    reader, tags, position = FlvReader(), [], 0
    for cut in [*cuts, len(whole)]:
        tags += reader.feed(whole[position : position + cut])
        position += cut
    tags += reader.feed(whole[position:])
    assert tags == FlvReader().feed(whole)
    assert len(tags) == len(packets) + 2


AUDIO = aac(0.2)


def test_what_is_no_flv_is_refused() -> None:
    with pytest.raises(FlvError):
        FlvReader().feed(b"<html>no such stream</html>")
    with pytest.raises(FlvError):
        FlvReader().feed(b"FLV\x01\x05\0\0\0\x09\0\0\0\0" + b"\x09\xff\xff\xff" + bytes(8))


@pytest.mark.parametrize(
    ("line", "had_media", "reason"),
    [
        ("[tcp @ 0x1] Connection to tcp://10.0.0.9:554 failed: Connection refused", False, Reason.REFUSED),
        ("[tcp @ 0x1] Connection to tcp://10.0.0.9:554 failed: Connection timed out", False, Reason.UNREACHABLE),
        ("[tcp @ 0x1] Failed to resolve hostname cam: Name or service not known", False, Reason.UNKNOWN_HOST),
        ("[rtsp @ 0x1] method DESCRIBE failed: 401 Unauthorized", False, Reason.UNAUTHORIZED),
        ("[rtsp @ 0x1] method DESCRIBE failed: 404 Not Found", False, Reason.NOT_FOUND),
        ("[in#0] Error opening input: Invalid data found when processing input", False, Reason.NO_MEDIA),
        ("[flv @ 0x1] Audio codec pcm_mulaw not compatible with flv", False, Reason.UNSUPPORTED),
        ("[flv @ 0x1] some other warning", True, Reason.ENDED),
        ("[x] something new", False, Reason.FAILED),
    ],
)
def test_words_of_ffmpeg_become_plain_words(line: str, had_media: bool, reason: Reason) -> None:
    outcome = read_outcome(["first line", line], had_media=had_media)
    assert outcome.reason is reason
    assert outcome.zh
    assert outcome.en


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(WORDS) == set(Reason)


def test_what_flv_cannot_carry_is_encoded_sound_first() -> None:
    assert Carry.COPY.next is Carry.SOUND
    assert Carry.SOUND.next is Carry.BOTH
    assert Carry.BOTH.next is None
