"""GIF: the pictures, their times and how often they repeat; no other extension (GIF89a)."""

from scene_model.export.strip.parts import NotRebuildable, Piece, number, part, require

_EXTENSION, _IMAGE, _TRAILER, _GRAPHIC_CONTROL, _APPLICATION = 0x21, 0x2C, 0x3B, 0xF9, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_SCREEN_BYTES, _DESCRIPTOR_BYTES, _LOOP_BYTES = 13, 10, 19
_MAX_BLOCKS = 1_000_000


def rebuild(data: bytes) -> list[Piece]:
    """Return the pieces of a rebuilt GIF; raises NotRebuildable."""
    require(data[:6] in (b"GIF87a", b"GIF89a"), "no GIF")
    view = memoryview(data)
    position = _SCREEN_BYTES + _table_bytes(number(view, 10, 1))
    pieces: list[Piece] = [part(view, 0, position)]
    while True:
        kind = number(view, position, 1)
        if kind == _TRAILER:
            return [*pieces, b"\x3b"]
        start, is_kept = position, True
        if kind == _EXTENSION:
            position = _after_blocks(data, start + 2)
            is_kept = _is_harmless(data[start:position])
        else:
            require(kind == _IMAGE, "an unknown block")
            descriptor = part(view, start, _DESCRIPTOR_BYTES)
            position = start + _DESCRIPTOR_BYTES + _table_bytes(descriptor[9]) + 1
            position = _after_blocks(data, position)
        if is_kept:
            pieces.append(view[start:position])


def _table_bytes(flags: int) -> int:
    """Return the bytes of the colour table that some flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, position: int) -> int:
    """Return where the blocks that begin at a position end."""
    for _ in range(_MAX_BLOCKS):
        if position >= len(data):
            break
        size = data[position]
        position += 1 + size
        if not size:
            return position
    raise NotRebuildable("no end of the blocks")


def _is_harmless(extension: bytes) -> bool:
    if extension[1] == _GRAPHIC_CONTROL:
        return len(extension) == 8 and extension[2] == 4
    is_loop = extension[1] == _APPLICATION and extension[3:14] in _LOOPS
    return is_loop and len(extension) == _LOOP_BYTES and extension[14:16] == b"\x03\x01"
