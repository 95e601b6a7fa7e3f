"""Whether a video file is whole, by the sizes that its container states; no frame is decoded."""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from scene_model.errors import TruncatedPhoto

# Of a film in fragments; a day of them has fewer.
_MAX_BOXES = 100_000
_WITH_MEDIA = frozenset((b"mdat", b"moov", b"moof"))
_SEGMENT = b"\x18\x53\x80\x67"


def require_whole(file: BinaryIO, kind: str) -> None:
    """Raise TruncatedPhoto when a video ends before its container does.

    kind: one of `VIDEO_FORMATS`.
    """
    end = file.seek(0, os.SEEK_END)
    if kind == "AVI":
        is_cut_short = _riff_end(file) > end
    elif kind in ("MKV", "WEBM"):
        is_cut_short = _segment_end(file) > end
    else:
        boxes = list(_boxes(file, end))
        is_cut_short = any(box_end > end for name, box_end in boxes if name in _WITH_MEDIA)
        # Cameras write the index last: a recording that was interrupted has none.
        is_cut_short |= not any(name == b"moov" for name, _ in boxes)
    if is_cut_short:
        raise TruncatedPhoto(
            f"The video ({kind}) is cut short: it ends before its data do. Copy it again from "
            "where it came."
        )


def _boxes(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int]]:
    """Yield name and end of the boxes of MP4 and QuickTime, until one that cannot be."""
    position = 0
    for _ in range(_MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:
            return
        size, name = struct.unpack_from(">I4s", header)
        if size == 1 and len(header) == 16:
            (size,) = struct.unpack_from(">Q", header, 8)
        elif size == 0:
            size = end - position
        if size < 8:
            return
        position += size
        yield name, position


def _riff_end(file: BinaryIO) -> int:
    file.seek(4)
    head = file.read(4)
    # Some programs count the eight bytes before the content too.
    return int(struct.unpack("<I", head)[0]) if len(head) == 4 else 0


def _segment_end(file: BinaryIO) -> int:
    """Return where the segment of a Matroska file ends; 0 for one without a size."""
    file.seek(0)
    head = file.read(4096)
    start = head.find(_SEGMENT)
    if start < 0 or start + 5 > len(head):
        return 0
    place = start + len(_SEGMENT)
    length = 9 - head[place].bit_length()
    number = int.from_bytes(head[place : place + length], "big") & ((1 << 7 * length) - 1)
    is_unknown = number == (1 << 7 * length) - 1
    return 0 if is_unknown else place + length + number
