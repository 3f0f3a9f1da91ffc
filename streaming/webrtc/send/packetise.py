"""H.264 access units as RTP payloads (RFC 6184, non-interleaved mode): single units, STAP-A and FU-A."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streaming.codecs import h264

MAX_PAYLOAD_BYTES = 1_200
"""With headers and SRTP's tag within 1,264 bytes: fits tunnels, mobile networks and a TURN relay's envelope."""
_STAP_A, _FU_A = 24, 28
_SLICES = range(1, 6)
_FILLER = 12


def access_unit(units: Iterable[bytes], parameter_sets: Sequence[bytes] = ()) -> list[bytes]:
    """The payloads of one picture. Of a key frame that does not carry them, `parameter_sets` go first.

    What is no slice (parameter sets, SEI) is gathered in one packet before the slices; delimiters and filler, which
    nobody decodes, are left out.
    """
    small: list[bytes] = []
    slices: list[bytes] = []
    for unit in units:
        kind = unit[0] & 31
        if kind in _SLICES:
            slices.append(unit)
        elif kind not in (h264.AUD, _FILLER) and kind < _STAP_A:
            small.append(unit)
    if parameter_sets and not any(unit[0] & 31 == h264.SPS for unit in small):
        small = [*parameter_sets, *small]
    payloads = _aggregated(small)
    for unit in slices:
        if len(unit) <= MAX_PAYLOAD_BYTES:
            payloads.append(unit)
        else:
            payloads += _fragments(unit)
    return payloads


def _aggregated(units: Sequence[bytes]) -> list[bytes]:
    """Small units in as few packets as they fit into (5.7.1)."""
    payloads: list[bytes] = []
    together: list[bytes] = []
    size = 1

    def flush() -> None:
        if len(together) == 1:
            payloads.append(together[0])
        elif together:
            importance = max(unit[0] & 0x60 for unit in together)
            body = b"".join(len(unit).to_bytes(2, "big") + unit for unit in together)
            payloads.append(bytes([importance | _STAP_A]) + body)
        together.clear()

    for unit in units:
        if len(unit) > MAX_PAYLOAD_BYTES - 3:
            flush()
            payloads += [unit] if len(unit) <= MAX_PAYLOAD_BYTES else _fragments(unit)
            size = 1
            continue
        if size + 2 + len(unit) > MAX_PAYLOAD_BYTES:
            flush()
            size = 1
        together.append(unit)
        size += 2 + len(unit)
    flush()
    return payloads


def _fragments(unit: bytes) -> list[bytes]:
    """A long unit in equal parts (5.8): the last packet is as likely to arrive as the others."""
    length = len(unit) - 1
    count = -(-length // (MAX_PAYLOAD_BYTES - 2))
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 31
    payloads = []
    start = 1
    for index in range(count):
        end = 1 + length * (index + 1) // count
        edge = 0x80 if index == 0 else 0x40 if index == count - 1 else 0
        payloads.append(bytes([indicator, edge | kind]) + unit[start:end])
        start = end
    return payloads
