"""Frames: how records lie in a journal file, so that a torn one is recognised and what follows it is still found.

A frame is a mark of four bytes, the payload's length and its CRC-32 as little-endian 32-bit integers, and the payload.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

MARK = b"SYJ1"
HEADER = struct.Struct("<4sII")
LARGEST = 64 * 1024 * 1024
"""Bytes of payload; a length above it can only be damage."""


def frame(payload: bytes) -> bytes:
    """`payload` as one frame; ValueError above `LARGEST` bytes."""
    if len(payload) > LARGEST:
        raise ValueError(f"a record of {len(payload)} bytes does not fit a frame of {LARGEST}")
    return HEADER.pack(MARK, len(payload), zlib.crc32(payload)) + payload


@dataclass
class Scan:
    """What `scan` found."""

    payloads: list[bytes] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """Where each payload's frame ends: bytes from the start of the data."""
    consumed: int = 0
    """Bytes that need not be read again."""
    torn: int = 0
    """Bytes that belong to no whole frame and were passed over."""


def scan(data: bytes, final: bool) -> Scan:
    """The whole frames in `data`.

    Parameters
    ----------
    data : bytes
        A journal's content from the end of a frame on.
    final : bool
        Nothing will be added any more: an incomplete frame at the end is a torn one and not one being written.
    """
    found, position = Scan(), 0
    while position < len(data):
        payload = _payload_at(data, position)
        if isinstance(payload, bytes):
            position += HEADER.size + len(payload)
            found.payloads.append(payload)
            found.ends.append(position)
            continue
        if payload is _INCOMPLETE and not final:
            break
        following = data.find(MARK, position + 1)
        if following < 0:
            # A mark may be cut in two by the end of the data.
            following = len(data) if final else max(position + 1, len(data) - len(MARK) + 1)
        found.torn += following - position
        position = following
    found.consumed = position
    return found


_INCOMPLETE, _DAMAGED = object(), object()


def _payload_at(data: bytes, position: int) -> bytes | object:
    if len(data) - position < HEADER.size:
        return _INCOMPLETE if MARK.startswith(data[position : position + len(MARK)]) else _DAMAGED
    mark, length, checksum = HEADER.unpack_from(data, position)
    if mark != MARK or length > LARGEST:
        return _DAMAGED
    start = position + HEADER.size
    payload = data[start : start + length]
    if len(payload) < length:
        return _INCOMPLETE
    return payload if zlib.crc32(payload) == checksum else _DAMAGED
