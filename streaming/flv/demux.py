"""Tags as an encoder sends them to the Format and Packets of a feed, at 1,000 ticks a second (RTMP's milliseconds)."""

from __future__ import annotations

from dataclasses import replace

from streaming.codecs import aac, av1, h264, hevc, opus
from streaming.codecs.errors import CodecError
from streaming.flv.tag import Kind, Tag, TagError, parse_audio, parse_video
from streaming.media import AUDIO_TRACK, VIDEO_TRACK, Codec, Format, Packet, Track

TIMESCALE = 1000
SECOND_TRACK_SECONDS = 2.0
"""How long the first track waits for the second before it goes alone (case 24)."""
MAX_HELD_PACKETS = 400
"""What is held while waiting: 2 s of 60 fps video and audio is 220."""
AUDIO, VIDEO = 8, 9


class Demuxer:
    """One publisher's tags in, items out. Damage drops a tag and counts it; it never ends the connection.

    The first Format comes when both tracks have their configuration, or the bounded wait for the second is over.
    """

    def __init__(self) -> None:
        self._video: Track | None = None
        self._audio: Track | None = None
        self._length_size = 4
        self._announced: tuple[Track, ...] = ()
        self._held: list[Packet] = []
        self._first_at: float | None = None
        self.dropped = 0
        """Tags that were empty, damaged, or came before their configuration."""

    def feed(self, type_id: int, timestamp: int, body: bytes, utc: float, now: float) -> list[Format | Packet]:
        """Take one tag: `timestamp` in milliseconds modulo 2^32, `utc` its arrival, `now` monotonic seconds.

        Raises UnsupportedCodec.
        """
        try:
            tag = parse_video(body) if type_id == VIDEO else parse_audio(body)
            packet = self._take(tag, timestamp, utc)
        except (TagError, CodecError):
            self.dropped += 1
            packet = None
        if packet is None and not self._tracks:
            return []
        if self._first_at is None:
            self._first_at = now
        return self._release(packet, now)

    @property
    def _tracks(self) -> tuple[Track, ...]:
        return tuple(track for track in (self._video, self._audio) if track is not None)

    def _release(self, packet: Packet | None, now: float) -> list[Format | Packet]:
        assert self._first_at is not None
        if packet is not None:
            self._held.append(packet)
        waited = now - self._first_at >= SECOND_TRACK_SECONDS or len(self._held) >= MAX_HELD_PACKETS
        if not self._announced and len(self._tracks) < 2 and not waited:
            return []
        items: list[Format | Packet] = []
        if self._tracks != self._announced:
            reason = "reconfigured" if self._announced else "start"
            items.append(Format(self._tracks, discontinuity=bool(self._announced), reason=reason))
            self._announced = self._tracks
        items += self._held
        self._held = []
        return items

    def _take(self, tag: Tag, timestamp: int, utc: float) -> Packet | None:
        if tag.kind is Kind.CONFIG:
            if tag.codec.is_video:
                self._configure_video(tag.codec, tag.payload)
            else:
                self._configure_audio(tag.codec, tag.payload)
            return None
        if tag.kind is Kind.OTHER:
            return None
        if not tag.payload:
            raise TagError("no payload")  # case 33
        if not tag.codec.is_video:
            return self._audio_packet(tag, timestamp, utc)
        return self._video_packet(tag, timestamp, utc)

    def _audio_packet(self, tag: Tag, timestamp: int, utc: float) -> Packet | None:
        if self._audio is None and tag.codec is Codec.OPUS:
            self._configure_audio(Codec.OPUS, b"")  # the header is optional in E-RTMP (case 29)
        if self._audio is None or self._audio.codec is not tag.codec:
            self.dropped += 1  # before its configuration (case 25)
            return None
        return Packet(AUDIO_TRACK, timestamp, timestamp, 0, True, tag.payload, utc)

    def _video_packet(self, tag: Tag, timestamp: int, utc: float) -> Packet | None:
        payload = tag.payload
        if tag.codec is Codec.H264:
            if h264.is_annexb(payload):
                payload = h264.join(h264.annexb_units(payload))
            elif self._length_size != 4:
                payload = h264.join(list(h264.units(payload, self._length_size)))
            if self._video is None and tag.keyframe:
                self._configure_in_band(payload)
        if self._video is None or self._video.codec is not tag.codec:
            self.dropped += 1  # before SPS and PPS (case 27)
            return None
        # DTS beyond PTS comes from encoders that round each on its own (case 21); real B-frame offsets are positive
        composition = max(tag.composition, 0) if tag.composition > -3 else tag.composition
        return Packet(VIDEO_TRACK, timestamp, timestamp + composition, 0, tag.keyframe, payload, utc)

    def _configure_in_band(self, payload: bytes) -> None:
        """Parameter sets inside the first key frame, for encoders that send no sequence header (case 27)."""
        found = list(h264.units(payload))
        sps = tuple(unit for unit in found if unit[0] & 31 == h264.SPS)
        pps = tuple(unit for unit in found if unit[0] & 31 == h264.PPS)
        if sps and pps:
            self._configure_video(Codec.H264, h264.build_avcc(sps, pps))

    def _configure_video(self, codec: Codec, config: bytes) -> None:
        track = Track(VIDEO_TRACK, codec, TIMESCALE, config)
        if self._video is not None and replace(self._video, width=0, height=0) == track:
            return  # an identical repeat (case 22)
        match codec:
            case Codec.H264:
                record = h264.parse_avcc(config)
                if not record.sps or not record.pps:
                    raise CodecError("sequence header without SPS or PPS")
                size = h264.parse_sps(record.sps[0])
                width, height = size.width, size.height
                self._length_size = record.length_size
                if record.length_size != 4:
                    track = replace(track, config=h264.build_avcc(record.sps, record.pps))
            case Codec.HEVC:
                info = hevc.parse_hvcc(config)
                width, height = info.width, info.height
            case _:
                width, height = av1.parse_av1c(config)
        self._video = replace(track, width=width, height=height)

    def _configure_audio(self, codec: Codec, config: bytes) -> None:
        if codec is Codec.OPUS:
            head = config.removeprefix(opus.MAGIC) or opus.DEFAULT_CONFIG
            channels = opus.parse_head(head).channels
            self._audio = Track(AUDIO_TRACK, codec, TIMESCALE, head, sample_rate=opus.RATE, channels=channels)
            return
        info = aac.parse_config(config)  # trusted over the tag's own rate and channel bits (case 26)
        self._audio = Track(AUDIO_TRACK, codec, TIMESCALE, config, sample_rate=info.sample_rate, channels=info.channels)
