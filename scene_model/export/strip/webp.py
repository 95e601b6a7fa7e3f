"""WebP: the chunks of pictures and animations; EXIF, XMP and profile rebuilt."""

from collections.abc import Iterator

from scene_model.export.strip import exif, icc, xmp
from scene_model.export.strip.parts import MAX_PARTS, NotRebuildable, Piece, number, part, require

_ICC, _ALPHA, _EXIF, _XMP, _ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02  # flags of VP8X
_IMAGE = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_FRAME_HEADER_BYTES, _HEADER_BYTES, _LOOP_BYTES = 16, 10, 6
_REBUILD = {b"ICCP": icc.rebuild, b"EXIF": exif.rebuild, b"XMP ": xmp.rebuild}
_FLAGS = {b"ICCP": _ICC, b"EXIF": _EXIF, b"XMP ": _XMP}


def rebuild(data: bytes) -> list[Piece]:
    """Return the pieces of a rebuilt WebP; raises NotRebuildable."""
    require(data[:4] == b"RIFF" and data[8:12] == b"WEBP", "no WebP")
    view = memoryview(data)
    content = part(view, 12, number(view, 4, 4, little=True) - 4)
    chunks = list(_chunks(content))
    require(bool(chunks), "no picture")
    pieces = _extended(chunks) if chunks[0][0] == b"VP8X" else _simple(chunks)
    size = 4 + sum(map(len, pieces))
    return [b"RIFF", size.to_bytes(4, "little"), b"WEBP", *pieces]


def _chunks(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    position = 0
    for _ in range(MAX_PARTS):
        if position >= len(content):
            return
        size = number(content, position + 4, 4, little=True)
        yield bytes(content[position : position + 4]), part(content, position + 8, size)
        position += 8 + size + size % 2
    raise NotRebuildable("too many chunks")


def _simple(chunks: list[tuple[bytes, memoryview]]) -> list[Piece]:
    kind, content = chunks[0]
    require(kind in (b"VP8 ", b"VP8L"), "no picture")
    return [*_chunk(kind, content)]


def _extended(chunks: list[tuple[bytes, memoryview]]) -> list[Piece]:
    header = bytes(chunks[0][1])
    require(len(header) == _HEADER_BYTES, "VP8X")
    flags = header[0] & (_ALPHA | _ANIMATION)
    pieces: list[Piece] = []
    for kind, content in chunks[1:]:
        if kind in _IMAGE:
            pieces += _chunk(kind, content)
        elif kind == b"ANIM":
            pieces += _chunk(kind, part(content, 0, _LOOP_BYTES))
        elif kind == b"ANMF":
            pieces += _chunk(kind, _frame(content))
        elif kind in _REBUILD and not flags & _FLAGS[kind]:  # the first of each kind counts
            # Some programs write the header of JPEG's EXIF.
            rebuilt = _REBUILD[kind](bytes(content).removeprefix(b"Exif\0\0"))
            if rebuilt is not None:
                flags |= _FLAGS[kind]
                pieces += _chunk(kind, rebuilt)
    return [*_chunk(b"VP8X", bytes((flags, 0, 0, 0)) + header[4:]), *pieces]


def _frame(content: memoryview) -> bytes:
    """Return a frame of an animation without unknown chunks."""
    pieces: list[Piece] = [part(content, 0, _FRAME_HEADER_BYTES)]
    for kind, picture in _chunks(content[_FRAME_HEADER_BYTES:]):
        if kind in _IMAGE:
            pieces += _chunk(kind, picture)
    return b"".join(pieces)


def _chunk(kind: bytes, content: Piece) -> Iterator[Piece]:
    yield kind + len(content).to_bytes(4, "little")
    yield content
    if len(content) % 2:
        yield b"\0"
