"""What the first and last bytes of a sound file tell, where its decoder keeps it to itself.

libsndfile quietly plays a WAV whose second half is missing; its header still says how long it was.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

_UNKNOWN = 0x7FFF0000
"""RIFF sizes from here on are what streaming writers put where they can't know the size."""
_SLOPPY = 256
"""Bytes that may be missing: some writers count the header or the padding wrongly."""
_OGG_TAIL = 70_000
"""An Ogg page has at most 65,307 bytes."""


@dataclass(frozen=True)
class Headers:
    """The size of a file in bytes, and whether its container says that there should be more."""

    size: int
    truncated: bool


def headers(path: Path) -> Headers:
    """Look at a file's first and last bytes.

    Raises:
        OSError: It is missing or can't be read.
    """
    with open(path, "rb") as file:
        head = file.read(12)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _OGG_TAIL))
        tail = file.read() if head[:4] == b"OggS" else b""
    return Headers(size, _riff_short(head, size) or _ogg_short(tail))


def _riff_short(head: bytes, size: int) -> bool:
    """RIFF (WAV) and FORM (AIFF): bytes 4 to 7 are the size of what follows them."""
    if len(head) < 12:
        return False
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        (declared,) = struct.unpack("<I", head[4:8])
    elif head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        (declared,) = struct.unpack(">I", head[4:8])
    else:
        return False
    return 0 < declared < _UNKNOWN and declared + 8 > size + _SLOPPY


def _ogg_short(tail: bytes) -> bool:
    """Ogg: the flag byte of the last page has bit 4 set at the end of a stream (RFC 3533)."""
    last = tail.rfind(b"OggS")
    return 0 <= last < len(tail) - 6 and not tail[last + 5] & 4
