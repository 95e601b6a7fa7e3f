"""Whether a RAW file is whole: the preview at its beginning can be shown although it is not."""

import struct

from scene_model.photos.raw.kinds import STRIP_BYTES, STRIPS, TILE_BYTES, TILES, directories

# Makers whose byte counts are those of the data as it is stored.
_TIFF_KINDS = frozenset(("ARW", "CR2", "DNG", "NEF", "PEF"))
_RAF_SENSOR = 100
# Some cameras round the bytes that they state.
_MOST_MISSING = 0.05


def is_cut_short(data: bytes, kind: str) -> bool:
    """Return whether a file ends before the data of the sensor, by what it says of them.

    kind: of `raw_kind`. False where the format says nothing of it.
    """
    if kind == "CR3":
        return _misses(data, *_media_data(data))
    if kind == "RAF" and len(data) >= _RAF_SENSOR + 8:
        return _misses(data, *struct.unpack_from(">II", data, _RAF_SENSOR))
    if kind not in _TIFF_KINDS:
        return False
    return any(
        _misses(data, start, size)
        for directory in directories(data)
        for starts, sizes in ((STRIPS, STRIP_BYTES), (TILES, TILE_BYTES))
        for start, size in zip(
            directory.numbers.get(starts, ()), directory.numbers.get(sizes, ()), strict=False
        )
    )


def _misses(data: bytes, start: int, size: int) -> bool:
    return start + size - len(data) > _MOST_MISSING * size


def _media_data(data: bytes) -> tuple[int, int]:
    """Return where the box of previews and sensor data lies, and its bytes."""
    position = 0
    while position + 16 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
        if name == b"mdat" or size < 8:
            return position, size
        position += size
    return 0, 0
