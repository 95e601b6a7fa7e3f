"""TIFF 6.0: tags that decoding needs, strips or tiles; EXIF, XMP and profile rebuilt."""

import zlib
from collections.abc import Iterator

from scene_model.export.strip import exif, icc, ifd, jpeg, xmp
from scene_model.export.strip.ifd import Field
from scene_model.export.strip.parts import NotRebuildable, Piece, number, part, require

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES = 256, 257, 258, 259, 262, 277
_ROWS, _PLANES, _TILE_WIDTH, _TILE_HEIGHT, _JPEG_TABLES = 278, 284, 322, 323, 347
_SUBFILE, _PROFILE, _XMP = 254, 34675, 700
_STRIPS, _TILES = (273, 279), (324, 325)  # where they begin, and their bytes
# What decoding needs; with the most values each may have.
_PICTURE = {
    **dict.fromkeys((_SUBFILE, _WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _SAMPLES), 1),
    **dict.fromkeys((_ROWS, _PLANES, _TILE_WIDTH, _TILE_HEIGHT, 266, 292, 293, 317, 332), 1),
    **{_BITS: 16, 320: 3 << 16, 338: 16, 339: 16, 530: 2},
}
_NONE, _DEFLATE, _JPEG, _YCBCR, _REFERENCES = 1, (8, 32946), 7, 6, (529, 532)
# Also CCITT, LZW, PackBits, LZMA and Zstandard, whose data are taken as they are.
_COMPRESSIONS = (_NONE, *_DEFLATE, _JPEG, 2, 3, 4, 5, 32773, 34925, 50000)
_MAX_PAGES, _MAX_STRIPS, _MAX_INFLATED_BYTES = 1000, 1_000_000, 1 << 30
_REDUCED = 1


def rebuild(data: bytes) -> list[Piece]:
    """Return the pieces of a rebuilt TIFF; raises NotRebuildable."""
    little, view = ifd.is_little(data), memoryview(data)
    pages = list(_pages(view, little))
    require(bool(pages), "no picture")
    pieces: list[Piece] = [data[:4], (8).to_bytes(4, "little" if little else "big")]
    start = 8
    for page in pages:
        written = _page(view, page, start, little, is_last=page == pages[-1])
        pieces += written
        start += sum(map(len, written))
    return pieces


def _pages(data: memoryview, little: bool) -> Iterator[int]:
    """Yield where the directories of the pages begin, without thumbnails."""
    start = number(data, 4, 4, little)
    starts = set[int]()
    while start:
        require(start not in starts and len(starts) < _MAX_PAGES, "pages without end")
        is_thumbnail = _value(ifd.read(data, start, little), _SUBFILE, 0, little) & _REDUCED
        require(not (is_thumbnail and not starts), "the first picture is a thumbnail")
        if not is_thumbnail:
            yield start
        starts.add(start)
        start = ifd.next_directory(data, start, little)


def _page(data: memoryview, page: int, start: int, little: bool, is_last: bool) -> list[Piece]:
    """Return a page's directory and its picture, for a place in the new file."""
    fields = ifd.read(data, page, little)
    image, exposure, interop = exif.harmless_fields(data, page, little)
    tags, strips = _strip_tags(fields), _strips(data, fields, little)
    image = [*(f for f in image if f.tag not in _PICTURE), *_picture(fields, little)]

    def directory(offset: int, next_start: int) -> bytes:
        offsets, sizes = bytearray(), bytearray()
        for strip in strips:
            offsets += offset.to_bytes(4, "little" if little else "big")
            sizes += len(strip).to_bytes(4, "little" if little else "big")
            offset += len(strip) + len(strip) % 2
        places = [Field(t, ifd.LONG, bytes(c)) for t, c in zip(tags, (offsets, sizes), strict=True)]
        return exif.write_linked([*image, *places], exposure, interop, start, little, next_start)

    size = len(directory(0, 0))
    padding = size % 2
    pieces: list[Piece] = []
    for strip in strips:
        pieces += [strip, bytes(len(strip) % 2)]
    end = start + size + padding + sum(map(len, pieces))
    require(end < 1 << 32, "larger than TIFF can say")
    return [directory(start + size + padding, 0 if is_last else end), bytes(padding), *pieces]


def _value(fields: dict[int, Field], tag: int, default: int, little: bool) -> int:
    field = fields.get(tag)
    if field is None:
        return default
    require(field.count == 1, "more than one number")
    return field.numbers(little)[0]


def _picture(fields: dict[int, Field], little: bool) -> list[Field]:
    """Return the fields that decoding needs."""
    kept = [
        field
        for tag, field in fields.items()
        if field.type in ifd.NUMBERS and field.count <= _PICTURE.get(tag, 0)
    ]
    for tag, rebuild_content in ((_PROFILE, icc.rebuild), (_XMP, xmp.rebuild)):
        rebuilt = rebuild_content(bytes(fields[tag].content)) if tag in fields else None
        if rebuilt is not None:
            kept.append(Field(tag, fields[tag].type, rebuilt))
    if _JPEG_TABLES in fields:
        tables = b"".join(jpeg.rebuild(bytes(fields[_JPEG_TABLES].content)))
        kept.append(Field(_JPEG_TABLES, ifd.UNDEFINED, tables))
    return kept


def _strip_tags(fields: dict[int, Field]) -> tuple[int, int]:
    tags = _TILES if _TILES[0] in fields else _STRIPS
    require(all(tag in fields for tag in tags), "no picture")
    return tags


def _strips(data: memoryview, fields: dict[int, Field], little: bool) -> list[Piece]:
    """Return the strips or tiles, without what is not of the picture."""
    starts, sizes = (fields[tag] for tag in _strip_tags(fields))
    require(starts.count == sizes.count <= _MAX_STRIPS, "strips without their sizes")
    places = list(zip(starts.numbers(little), sizes.numbers(little), strict=True))
    require(sum(size for _, size in places) <= len(data), "strips that overlap")
    compression = _value(fields, _COMPRESSION, _NONE, little)
    require(compression in _COMPRESSIONS, "an unknown compression")
    is_ycbcr = _value(fields, _PHOTOMETRIC, 0, little) == _YCBCR
    require(compression == _JPEG or not is_ycbcr, "colours that need unchecked tags")
    plain_bytes = _plain_bytes(fields, little)
    return [
        _strip(part(data, start, size), compression, plain_bytes[index % len(plain_bytes)])
        for index, (start, size) in enumerate(places)
    ]


def _strip(strip: memoryview, compression: int, plain_bytes: int) -> Piece:
    if compression == _NONE:
        return strip[:plain_bytes]
    if compression in _DEFLATE:
        return strip[: _deflated_bytes(strip, plain_bytes)]
    return b"".join(jpeg.rebuild(bytes(strip))) if compression == _JPEG else strip


def _deflated_bytes(strip: memoryview, plain_bytes: int) -> int:
    """Return where a compressed strip ends."""
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(strip, min(plain_bytes + 1, _MAX_INFLATED_BYTES))
    except zlib.error as error:
        raise NotRebuildable("a strip that cannot be inflated") from error
    return len(strip) - len(inflater.unused_data) - len(inflater.unconsumed_tail)


def _plain_bytes(fields: dict[int, Field], little: bool) -> list[int]:
    """Return the bytes of each strip of a plane, not compressed; or of any tile."""
    width, height = (_value(fields, tag, 0, little) for tag in (_WIDTH, _HEIGHT))
    depths = [1]
    if _BITS in fields:
        require(fields[_BITS].count <= _PICTURE[_BITS], "more samples than a pixel has")
        depths = fields[_BITS].numbers(little)
    samples = _value(fields, _SAMPLES, len(depths), little)
    is_separate = _value(fields, _PLANES, 1, little) == 2
    bits = max(depths) * (1 if is_separate else samples)
    if _TILE_WIDTH in fields:
        tile_width, tile_height = (
            _value(fields, tag, 0, little) for tag in (_TILE_WIDTH, _TILE_HEIGHT)
        )
        return [(tile_width * bits + 7) // 8 * tile_height]
    rows = max(min(_value(fields, _ROWS, height, little), height), 1)
    require(height // rows <= _MAX_STRIPS, "too many strips")
    line_bytes = (width * bits + 7) // 8
    strips = [line_bytes * rows] * (height // rows)
    return strips + ([line_bytes * (height % rows)] if height % rows else []) or [0]
