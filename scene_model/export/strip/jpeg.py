"""JPEG: the picture's own segments, JFIF, EXIF, XMP, IPTC, colour profile; nothing after its end.

Segments as in ITU-T T.81; what applications put into theirs, as ExifTool describes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from scene_model.export.strip import exif, icc, iptc, xmp
from scene_model.export.strip.parts import MAX_PARTS, NotRebuildable, Piece, number, part, require

_EOI, _SOS, _DHT, _DQT, _DRI, _DAC, _DNL, _COMMENT = 0xD9, 0xDA, 0xC4, 0xDB, 0xDD, 0xCC, 0xDC, 0xFE
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {_DHT, 0xC8, _DAC})
_APP0, _APP1, _APP2, _APP13, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
_ICC_HEADER_BYTES, _MAX_CONTENT_BYTES = 14, 65_533
_FIRST_RESTART = np.uint8(0xD0)
_WINDOW_BYTES, _MAX_WINDOW_BYTES = 1 << 12, 1 << 19


@dataclass
class _Metadata:
    """The first EXIF, XMP, IPTC and the whole colour profile of a file."""

    contents: dict[bytes, bytes] = field(default_factory=dict)
    profile: dict[int, bytes] = field(default_factory=dict)

    def add(self, marker: int, content: bytes) -> None:
        """Take what is known; anything else stays behind."""
        for header_marker, header in (
            (_APP0, b"JFIF\0"),
            (_APP1, _EXIF),
            (_APP1, _XMP),
            (_APP13, iptc.HEADER),
            (_APP14, b"Adobe"),
        ):
            if marker == header_marker and content.startswith(header):
                self.contents.setdefault(header, content[len(header) :])
        if marker == _APP2 and content.startswith(_ICC) and len(content) > _ICC_HEADER_BYTES:
            self.profile.setdefault(content[len(_ICC)], content[_ICC_HEADER_BYTES:])

    def segments(self) -> Iterator[bytes]:
        """Yield the rebuilt segments."""
        jfif, adobe = self.contents.get(b"JFIF\0"), self.contents.get(b"Adobe")
        if jfif is not None and len(jfif) >= 9:
            yield _segment(_APP0, b"JFIF\0" + jfif[:7] + b"\0\0")  # without its thumbnail
        for marker, header, rebuild_content in (
            (_APP1, _EXIF, exif.rebuild),
            (_APP1, _XMP, xmp.rebuild),
            (_APP13, iptc.HEADER, iptc.rebuild),
        ):
            rebuilt = rebuild_content(self.contents.get(header, b""))
            if rebuilt is not None and len(header) + len(rebuilt) <= _MAX_CONTENT_BYTES:
                yield _segment(marker, header + rebuilt)
        yield from self._profile_segments()
        if adobe is not None and len(adobe) >= 7:
            yield _segment(_APP14, b"Adobe" + adobe[:7])

    def _profile_segments(self) -> Iterator[bytes]:
        profile = icc.rebuild(b"".join(self.profile[number] for number in sorted(self.profile)))
        if profile is None:
            return
        size = _MAX_CONTENT_BYTES - _ICC_HEADER_BYTES
        chunks = [profile[start : start + size] for start in range(0, len(profile), size)]
        if len(chunks) <= 255:
            for index, chunk in enumerate(chunks, 1):
                yield _segment(_APP2, _ICC + bytes((index, len(chunks))) + chunk)


def rebuild(data: bytes) -> list[Piece]:
    """Return the pieces of a rebuilt JPEG; raises NotRebuildable."""
    require(data[:2] == b"\xff\xd8", "no JPEG")
    view, metadata = memoryview(data), _Metadata()
    pieces: list[Piece] = []
    position = 2
    for _ in range(MAX_PARTS):
        position, marker = _marker(data, position)
        if marker == _EOI:
            return [data[:2], *metadata.segments(), *pieces, b"\xff\xd9"]
        content = part(view, position + 2, number(view, position, 2) - 2)
        end = position + 2 + len(content)
        if _APP0 <= marker <= _APP15:
            metadata.add(marker, bytes(content))
        elif marker != _COMMENT:
            _check(marker, content)
            if marker == _SOS:
                end = _end_of_scan(data, end)
            pieces += [bytes((0xFF, marker)), view[position:end]]
        position = end
    raise NotRebuildable("too many segments")


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def _marker(data: bytes, position: int) -> tuple[int, int]:
    """Return the marker at a position, and where it ends; it may begin with several 0xFF."""
    require(data[position : position + 1] == b"\xff", "no marker")
    while data[position : position + 1] == b"\xff":
        position += 1
    return position + 1, number(data, position, 1)


def _end_of_scan(data: bytes, start: int) -> int:
    """Return where the next marker is; NumPy takes half the time of a regular expression."""
    numbers = np.frombuffer(data, np.uint8)
    size = _WINDOW_BYTES
    while start < len(data) - 1:
        window = numbers[start : start + size + 1]
        marks = np.flatnonzero(window[:-1] == 0xFF)
        following = window[marks + 1]
        # In compressed data 0xFF is followed by 0 or by one of eight restarts.
        markers = marks[(following != 0) & (following - _FIRST_RESTART > 7)]
        if markers.size:
            return start + int(markers[0])
        start += size
        size = min(2 * size, _MAX_WINDOW_BYTES)
    raise NotRebuildable("no end of the picture")


def _check(marker: int, content: memoryview) -> None:
    """Check that a segment of the picture itself is all that it may be, and no more."""
    size = len(content)
    if marker in _FRAMES:
        is_exact = size >= 6 and size == 6 + 3 * content[5]
    elif marker == _SOS:
        is_exact = size >= 1 and size == 4 + 2 * content[0]
    elif marker == _DQT:
        is_exact = _are_quantization_tables(content)
    elif marker == _DHT:
        is_exact = _are_huffman_tables(content)
    else:
        is_exact = size == 2 and marker in (_DRI, _DNL) or marker == _DAC and size <= 64
    require(is_exact, f"segment {marker:x}")


def _are_quantization_tables(content: memoryview) -> bool:
    position = 0
    while position < len(content):
        position += 129 if content[position] >> 4 else 65
    return position == len(content)


def _are_huffman_tables(content: memoryview) -> bool:
    position = 0
    while position + 17 <= len(content):
        position += 17 + sum(content[position + 1 : position + 17])
    return position == len(content)
