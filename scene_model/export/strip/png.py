"""PNG and animated PNG: known chunks; EXIF, XMP, profile and short texts rebuilt."""

import zlib

from scene_model.export.strip import exif, icc, xmp
from scene_model.export.strip.parts import MAX_PARTS, NotRebuildable, Piece, number, part, require
from scene_model.export.strip.text import is_harmless

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_INFLATED_BYTES = 16 << 20
# Chunks of the picture itself; those of fixed size with their bytes.
_PICTURE = frozenset({b"IDAT", b"fdAT", b"IEND"})
_SIZES = {
    b"IHDR": 13,
    b"acTL": 8,
    b"fcTL": 26,
    b"cHRM": 32,
    b"gAMA": 4,
    b"sRGB": 1,
    b"pHYs": 9,
    b"tIME": 7,
    b"cICP": 4,
    b"mDCV": 24,
    b"cLLI": 8,
}
_LARGEST_SIZES = {b"PLTE": 768, b"tRNS": 256, b"bKGD": 6, b"sBIT": 4}
_TEXTS = frozenset({b"Title", b"Author", b"Copyright", b"Creation Time", b"Software"})
_XMP = b"XML:com.adobe.xmp\0"


def rebuild(data: bytes) -> list[Piece]:
    """Return the pieces of a rebuilt PNG; raises NotRebuildable."""
    require(data.startswith(SIGNATURE), "no PNG")
    view = memoryview(data)
    pieces: list[Piece] = [SIGNATURE]
    read_keys: set[bytes] = set()
    position = len(SIGNATURE)
    for _ in range(MAX_PARTS):
        size = number(view, position, 4)
        chunk = part(view, position, size + 12)
        kind = bytes(chunk[4:8])
        if _is_of_picture(kind, size):
            pieces.append(chunk)
        else:
            require(kind[:1].islower(), "an unknown critical chunk")
            content = bytes(chunk[8:-4])
            key = content.partition(b"\0")[0] if kind in (b"tEXt", b"iTXt") else kind
            rebuilt = None if key in read_keys else _rebuilt(kind, content)
            read_keys.add(key)  # the first of each kind counts
            if rebuilt:
                pieces.append(_chunk(kind, rebuilt))
        if kind == b"IEND":
            return pieces
        position += size + 12
    raise NotRebuildable("too many chunks")


def _is_of_picture(kind: bytes, size: int) -> bool:
    if kind == b"IEND":
        require(size == 0, "content in IEND")
    return (
        kind in _PICTURE
        or (kind in _SIZES and size == _SIZES[kind])
        or (kind in _LARGEST_SIZES and size <= _LARGEST_SIZES[kind])
    )


def _rebuilt(kind: bytes, content: bytes) -> bytes | None:
    """Return the content of a chunk of metadata; None to leave it out."""
    if kind == b"eXIf":
        return exif.rebuild(content.removeprefix(b"Exif\0\0"))
    if kind == b"iTXt" and content.startswith(_XMP):
        packet = xmp.rebuild(_international_text(content[len(_XMP) :]))
        return packet and _XMP + b"\0\0\0\0" + packet
    if kind == b"iCCP":
        profile = icc.rebuild(_inflated(content.partition(b"\0")[2][1:]))
        return profile and b"icc\0\0" + zlib.compress(profile)
    if kind == b"tEXt":
        keyword, _, text = content.partition(b"\0")
        return content if keyword in _TEXTS and is_harmless(text.decode("latin-1")) else None
    return None


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + checksum


def _international_text(content: bytes) -> bytes:
    """Return the text of an iTXt chunk, from the flag of its compression on."""
    is_compressed = content[:1] == b"\1"
    text = content[2:].partition(b"\0")[2].partition(b"\0")[2]
    return _inflated(text) if is_compressed else text


def _inflated(compressed: bytes) -> bytes:
    """Inflate within bounds; what cannot be inflated is empty."""
    try:
        return zlib.decompressobj().decompress(compressed, _MAX_INFLATED_BYTES)
    except zlib.error:
        return b""
