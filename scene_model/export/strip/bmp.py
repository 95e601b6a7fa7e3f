"""BMP: headers, masks, palette, pixels, profile; no gap between them, and nothing after them."""

from scene_model.export.strip import icc
from scene_model.export.strip.parts import Piece, number, part, require

_FILE_HEADER_BYTES = 14
_OS2, _INFO, _V4, _V5 = 12, 40, 108, 124
_HEADERS = (_OS2, _INFO, 52, 56, _V4, _V5)
_RUNS, _MASKS, _ALPHA_MASKS = (1, 2), 3, 6
_COLOUR_SPACE, _SRGB, _EMBEDDED = 56, 0x73524742, 0x4D424544


def rebuild(data: bytes) -> list[Piece]:
    """Return the pieces of a rebuilt BMP; raises NotRebuildable."""
    require(data[:2] == b"BM", "no BMP")
    view = memoryview(data)
    size = number(view, 14, 4, little=True)
    require(size in _HEADERS, "an unknown header")
    header = part(view, _FILE_HEADER_BYTES, size)
    tables_start = _FILE_HEADER_BYTES + size
    if size == _OS2:
        width, height, bits = (number(header, at, 2, little=True) for at in (4, 6, 10))
        compression, stated_colours = 0, 0
    else:
        width, height = _signed(header, 4), _signed(header, 8)
        bits, compression, stated_colours = (
            number(header, at, count, little=True) for at, count in ((14, 2), (16, 4), (32, 4))
        )
    masks = {_MASKS: 12, _ALPHA_MASKS: 16}.get(compression, 0) if size == _INFO else 0
    colours = min(stated_colours or 1 << bits, 1 << bits) if bits <= 8 else 0
    tables = part(view, tables_start, masks + colours * (3 if size == _OS2 else 4))
    pixels_start = number(view, 10, 4, little=True)
    require(pixels_start >= tables_start, "pixels inside the header")
    if pixels_start < tables_start + len(tables):
        tables = view[tables_start:pixels_start]
    if compression in _RUNS:
        pixels_bytes = number(header, 20, 4, little=True)
    else:
        require(compression in (0, _MASKS, _ALPHA_MASKS), "an unknown compression")
        pixels_bytes = (width * bits + 31) // 32 * 4 * abs(height)
    pixels = part(view, pixels_start, pixels_bytes)
    start = tables_start + len(tables)
    profile = _profile(data, size)
    written = _rebuilt(bytes(header), profile, start + len(pixels) - _FILE_HEADER_BYTES)
    end = start + len(pixels) + len(profile)
    file_header = b"BM" + _long(end) + bytes(4) + _long(start)
    return [file_header, written, tables, pixels, profile]


def _profile(data: bytes, size: int) -> bytes:
    """Return the colour profile inside the file, if there is one."""
    if size < _V5 or number(data, 14 + _COLOUR_SPACE, 4, little=True) != _EMBEDDED:
        return b""
    start, length = (number(data, 14 + at, 4, little=True) for at in (112, 116))
    return icc.rebuild(part(data, 14 + start, length)) or b""


def _rebuilt(header: bytes, profile: bytes, profile_start: int) -> bytes:
    """Return a header without calibration and links to other files: sRGB instead."""
    if len(header) < _V4:
        return header
    if profile:
        places = _long(profile_start) + _long(len(profile))
        return header[:56] + _long(_EMBEDDED) + bytes(48) + header[108:112] + places + bytes(4)
    return header[:56] + _long(_SRGB) + bytes(len(header) - 60)


def _signed(header: memoryview, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "little", signed=True)


def _long(value: int) -> bytes:
    return value.to_bytes(4, "little")
