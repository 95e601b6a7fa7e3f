"""Compressed pictures of HEIF and AVIF: the units that decoding needs, without messages.

HEVC in ITU-T H.265 and ISO/IEC 14496-15, AV1 in its specification and its binding to ISOBMFF.
"""

from collections.abc import Iterator

from scene_model.export.strip.parts import MAX_PARTS, NotRebuildable, number, part, require

# NAL units: pictures, parameters, delimiters and ends; not 39 and 40, which hold any message.
_HEVC_UNITS = frozenset({*range(32), 32, 33, 34, 35, 36, 37})
_HEVC_PARAMETERS = frozenset({32, 33, 34})
_HEVC_HEADER_BYTES, _AV1_HEADER_BYTES = 22, 4
# Open bitstream units: sequence, delimiter, frames, tiles; not metadata and padding.
_AV1_UNITS = frozenset({1, 2, 3, 4, 6, 7})


def hevc_configuration(content: bytes) -> bytes:
    """Return an ``hvcC`` with parameters only; raises NotRebuildable."""
    arrays, position = [], _HEVC_HEADER_BYTES + 1
    for _ in range(number(content, _HEVC_HEADER_BYTES, 1)):
        start = position
        position += 3
        for _ in range(number(content, start + 1, 2)):
            position += 2 + number(content, position, 2)
        array = part(content, start, position - start)
        if array[0] & 0x3F in _HEVC_PARAMETERS:
            arrays.append(array)
    return content[:_HEVC_HEADER_BYTES] + bytes((len(arrays),)) + b"".join(arrays)


def hevc_picture(data: bytes, configuration: bytes) -> bytes:
    """Return a picture without messages; raises NotRebuildable."""
    length_bytes = (number(configuration, 21, 1) & 3) + 1
    units = list[bytes]()
    position = 0
    while position < len(data):
        require(len(units) < MAX_PARTS, "too many units")
        size = length_bytes + number(data, position, length_bytes)
        unit = part(data, position, size)
        if size > length_bytes and unit[length_bytes] >> 1 & 0x3F in _HEVC_UNITS:
            units.append(unit)
        position += size
    return b"".join(units)


def av1_configuration(content: bytes) -> bytes:
    """Return an ``av1C`` with a sequence header only; raises NotRebuildable."""
    return part(content, 0, _AV1_HEADER_BYTES) + av1_picture(content[_AV1_HEADER_BYTES:])


def av1_picture(data: bytes) -> bytes:
    """Return a picture without metadata and padding; raises NotRebuildable."""
    return b"".join(unit for kind, unit in _av1_units(data) if kind in _AV1_UNITS)


def _av1_units(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    for _ in range(MAX_PARTS):
        if position >= len(data):
            return
        header, start = data[position], position
        position += 2 if header & 4 else 1
        if header & 2:
            size, position = _leb128(data, position)
        else:  # the last one may go without its size
            size = len(data) - position
        position += size
        yield header >> 3 & 15, part(data, start, position - start)
    raise NotRebuildable("too many units")


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and where it ends."""
    value = 0
    for index in range(8):
        byte = number(data, position + index, 1)
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise NotRebuildable("a number without end")
