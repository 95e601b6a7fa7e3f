"""Count the parts of a file before it is decoded: scans, segments, chunks, extensions.

A few hundred kilobytes can hold thousands of empty scans, each of which costs a pass over the
whole picture; and a decoder takes longer over millions of empty segments than over any photo.
"""

import re
import struct

from PIL import Image

from scene_model.errors import DamagedPhoto

# Photos have up to 14 scans. The longest metadata (depth maps in XMP) is cut into some hundreds
# of segments of 64 kB.
MAX_SCANS = 100
MAX_SEGMENTS = 2_000
# PNG writers cut the pixels into chunks of 4 kB or more.
_PIXEL_BYTES_PER_CHUNK = 1_024

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # tables, reserved, conditioning
_LONE_MARKERS = frozenset((0x01, *range(0xD0, 0xD9)))
_GIF_HEADER_BYTES, _GIF_EXTENSION = 13, 0x21
# In the data of a scan, a marker is what is neither a stuffed byte nor a restart.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def check_structure(data: bytes, kind: str) -> None:
    """Raise DamagedPhoto when a file has far more parts than a photo.

    kind: "JPEG", "PNG", … of `sniff`; other formats are not counted.
    """
    if kind == "JPEG":
        _check_jpeg(data)
    elif kind == "PNG":
        _check_png(data)
    elif kind == "GIF":
        _check_gif(data)


def is_progressive(picture: Image.Image) -> bool:
    """Whether an opened JPEG is held in memory as a whole while it is decoded."""
    return bool(picture.info.get("progressive") or picture.info.get("progression"))


def _check_jpeg(data: bytes) -> None:
    position, segments, scans, channels, is_one_scan = 2, 0, 0, 0, True
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            marker = _NEXT_MARKER.search(data, position)
            if marker is None:
                return
            position = marker.start()
            continue
        code = data[position + 1]
        if code == 0xFF or code in _LONE_MARKERS:
            position += 1 if code == 0xFF else 2
            segments += 1
        elif code == _END_OF_IMAGE:
            return
        else:
            (length,) = struct.unpack_from(">H", data, position + 2)
            segments += 1
            if code in _FRAMES:
                channels = data[position + 9] if position + 9 < len(data) else 0
                is_one_scan = code not in _PROGRESSIVE
            position += 2 + length
            if code == _START_OF_SCAN:
                scans += 1
                started = position - length + 2
                if is_one_scan and started < len(data) and data[started] == channels:
                    return  # every channel is in this scan: the picture ends with it
                position = _end_of_scan(data, position)
        _require_few("scans", scans, MAX_SCANS)
        _require_few("segments", segments, MAX_SEGMENTS)


def _end_of_scan(data: bytes, position: int) -> int:
    marker = _NEXT_MARKER.search(data, position)
    return len(data) if marker is None else marker.start()


def _check_png(data: bytes) -> None:
    position, chunks = 8, 0
    limit = MAX_SEGMENTS + len(data) // _PIXEL_BYTES_PER_CHUNK
    while position + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        position += 12 + length
        chunks += 1
        _require_few("chunks", chunks, limit)


def _check_gif(data: bytes) -> None:
    """Count the extensions before the first picture; the pages after it are not decoded."""
    if len(data) < _GIF_HEADER_BYTES:
        return
    flags = data[10]
    position = _GIF_HEADER_BYTES + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    blocks = 0
    while position + 2 < len(data) and data[position] == _GIF_EXTENSION:
        position += 2
        while position < len(data) and data[position]:
            position += 1 + data[position]
            blocks += 1
        position += 1
        blocks += 1
        _require_few("extensions", blocks, MAX_SEGMENTS + len(data) // _PIXEL_BYTES_PER_CHUNK)


def _require_few(parts: str, count: int, limit: int) -> None:
    if count > limit:
        raise DamagedPhoto(
            f"The file has more than {limit:,} {parts}, far more than a photo. Open it in an "
            "image editor, save it anew, and send that.",
            code="too_many_parts",
        )
