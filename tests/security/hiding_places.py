"""Photos that hide where they were taken, in every place that their format has for it."""

import contextlib
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial

from PIL import Image

from tests.pictures import encode, textured

LATITUDE, LONGITUDE = "38.722252", "9.139337"
_DEGREES, _MINUTES, _SECONDS = (38, 1), (43, 1), (2011, 100)
_ISO_6709 = b"+38.722252-009.139337/"
_TEXT = f"taken at {LATITUDE}, -{LONGITUDE}"
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_HEADER = b"http://ns.adobe.com/xmp/extension/\0"

Hide = Callable[[bytes], bytes]


def leaks(data: bytes) -> list[str]:
    """Return how the coordinates are in a file: as text, as rationals, or in what inflates."""
    streams = [("", data), *(("inflated ", stream) for stream in inflated(data))]
    return [
        f"{kind}{name}"
        for kind, stream in streams
        for name, needle in _needles().items()
        if needle in stream
    ]


def _needles() -> dict[str, bytes]:
    values = [*_DEGREES, *_MINUTES, *_SECONDS]
    needles = {
        "little rationals": struct.pack("<6I", *values),
        "big rationals": struct.pack(">6I", *values),
    }
    for text in (LATITUDE, LONGITUDE):
        needles[text] = text.encode()
        needles[f"{text} in UTF-16"] = text.encode("utf-16-le")
        needles[f"{text} in hexadecimal"] = text.encode().hex().encode()
    return needles


def inflated(data: bytes) -> Iterator[bytes]:
    """Yield all streams inside a file that zlib can begin to inflate."""
    start = data.find(b"\x78")
    while start >= 0:
        if data[start + 1 : start + 2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
            with contextlib.suppress(zlib.error):
                yield zlib.decompressobj().decompress(data[start:], 1 << 22)
        start = data.find(b"\x78", start + 1)


def exif_with_place() -> bytes:
    """EXIF with a camera, an orientation and a place, from the byte order mark on."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", "EOS 6D", 1
    exif.get_ifd(0x8769)[0x9003] = "2024:07:05 10:11:12"
    gps = exif.get_ifd(0x8825)
    place = tuple(part[0] / part[1] for part in (_DEGREES, _MINUTES, _SECONDS))
    gps.update({1: "N", 2: place, 3: "W", 4: place})
    return exif.tobytes().removeprefix(b"Exif\0\0")


def exif_of(tag: int, value: object, of_exposure: bool = True) -> bytes:
    """EXIF with one tag and no place of its own."""
    exif = Image.Exif()
    exif[0x0110] = "EOS 6D"
    (exif.get_ifd(0x8769) if of_exposure else exif)[tag] = value
    return exif.tobytes().removeprefix(b"Exif\0\0")


def xmp_with_place(is_readable: bool = True) -> bytes:
    """An XMP packet with keywords and a place."""
    text = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'exif:GPSLatitude="{LATITUDE}N" exif:GPSLongitude="{LONGITUDE}W">'
        "<dc:subject><rdf:Bag><rdf:li>tram</rdf:li>"
        f"<rdf:li>geo:lat={LATITUDE}</rdf:li></rdf:Bag></dc:subject>"
        f"</rdf:Description>{'</rdf:RDF></x:xmpmeta>' if is_readable else '<broken'}"
        '<?xpacket end="w"?>'
    )
    return text.encode()


def movie() -> bytes:
    """The part of a motion photo that moves: an MP4 with the place in its user data."""
    place = b"\xa9xyz" + len(_ISO_6709).to_bytes(2, "big") + b"\x15\xc7" + _ISO_6709
    udta = _box(b"udta", (len(place) + 4).to_bytes(4, "big") + place)
    header = _box(b"mvhd", bytes(4) + bytes(8) + b"\0\0\x03\xe8" + bytes(84))
    return _box(b"ftyp", b"mp42\0\0\0\0isommp42") + _box(b"moov", header + udta)


def _box(kind: bytes, content: bytes) -> bytes:
    return (len(content) + 8).to_bytes(4, "big") + kind + content


# JPEG


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def _in_segments(segments: Callable[[], bytes], data: bytes) -> bytes:
    return data[:2] + segments() + data[2:]


def _exif_segment(tiff: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + tiff)


def _placed_jpeg() -> bytes:
    """A small JPEG with a place in its EXIF."""
    return _in_segments(lambda: _exif_segment(exif_with_place()), encode(textured(64, 48)))


def _exif_twice() -> bytes:
    return _exif_segment(exif_of(0x9003, "2024:07:05 10:11:12")) + _exif_segment(exif_with_place())


def _thumbnail() -> bytes:
    """EXIF whose thumbnail is a JPEG with a place."""
    thumbnail = _placed_jpeg()
    entries = struct.pack("<HHII", 0x0103, 3, 1, 6)
    entries += struct.pack("<HHII", 0x0201, 4, 1, 56) + struct.pack(
        "<HHII", 0x0202, 4, 1, len(thumbnail)
    )
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HI", 0, 14) + struct.pack("<H", 3) + entries
    return _exif_segment(tiff + bytes(56 - len(tiff)) + thumbnail)


def _extended_xmp() -> bytes:
    """The half of an XMP packet that does not fit into the first segment."""
    digest = b"0123456789ABCDEF0123456789ABCDEF"
    packet = xmp_with_place()
    short = (
        packet.replace(LATITUDE.encode(), b"")
        .replace(LONGITUDE.encode(), b"")
        .replace(
            b'rdf:about=""',
            b'rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="'
            + digest
            + b'"',
        )
    )
    lengths = len(packet).to_bytes(4, "big") + bytes(4)
    return segment(0xE1, _XMP_HEADER + short) + segment(
        0xE1, _EXTENDED_HEADER + digest + lengths + packet
    )


def _xmp_twice() -> bytes:
    harmless = xmp_with_place().replace(LATITUDE.encode(), b"0").replace(LONGITUDE.encode(), b"0")
    return segment(0xE1, _XMP_HEADER + harmless) + segment(0xE1, _XMP_HEADER + xmp_with_place())


def _resource(kind: int, content: bytes) -> bytes:
    padded = content + bytes(len(content) % 2)
    block = b"8BIM" + kind.to_bytes(2, "big") + b"\0\0" + len(content).to_bytes(4, "big") + padded
    return segment(0xED, b"Photoshop 3.0\0" + block)


def _iptc() -> bytes:
    texts = ((25, b"tram"), (120, _TEXT.encode()), (90, _TEXT.encode()))
    return b"".join(
        bytes((0x1C, 2, field)) + len(text).to_bytes(2, "big") + text for field, text in texts
    )


def _profile(tag: bytes, text: bytes = _TEXT.encode()) -> bytes:
    """A colour profile with a text in one tag."""
    from PIL import ImageCms

    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    count = int.from_bytes(plain[128:132], "big")
    table = bytearray()
    for start in range(132, 132 + 12 * count, 12):
        offset = int.from_bytes(plain[start + 4 : start + 8], "big") + 12
        table += (
            plain[start : start + 4] + offset.to_bytes(4, "big") + plain[start + 8 : start + 12]
        )
    content = b"text\0\0\0\0" + text + b"\0"
    table += tag + (len(plain) + 12).to_bytes(4, "big") + len(content).to_bytes(4, "big")
    body = (count + 1).to_bytes(4, "big") + table + plain[132 + 12 * count :] + content
    return (128 + len(body)).to_bytes(4, "big") + plain[4:128] + body


def _profile_segment(tag: bytes) -> bytes:
    return segment(0xE2, b"ICC_PROFILE\0\x01\x01" + _profile(tag))


def _between_scans(data: bytes) -> bytes:
    """A comment before the last scan; in a baseline JPEG, before its only one."""
    start = data.rindex(b"\xff\xda")
    return data[:start] + segment(0xFE, _TEXT.encode()) + data[start:]


_COMMENT = 0x9286
_JPEG: dict[str, Hide] = {
    name: partial(_in_segments, segments)
    for name, segments in {
        "EXIF": lambda: _exif_segment(exif_with_place()),
        "EXIF twice": _exif_twice,
        "thumbnail": _thumbnail,
        "maker note": lambda: _exif_segment(exif_of(0x927C, b"Maker\0" + _TEXT.encode())),
        "user comment": lambda: _exif_segment(exif_of(_COMMENT, b"ASCII\0\0\0" + _TEXT.encode())),
        "unknown tag": lambda: _exif_segment(exif_of(0xC7A1, _TEXT, of_exposure=False)),
        "description": lambda: _exif_segment(exif_of(0x010E, _TEXT, of_exposure=False)),
        "artist": lambda: _exif_segment(exif_of(0x013B, _TEXT, of_exposure=False)),
        "after a text": lambda: _exif_segment(exif_of(0x013B, f"Ana\0{_TEXT}", of_exposure=False)),
        "keywords of Windows": lambda: _exif_segment(
            exif_of(0x9C9E, _TEXT.encode("utf-16-le"), of_exposure=False)
        ),
        "XMP": lambda: segment(0xE1, _XMP_HEADER + xmp_with_place()),
        "extended XMP": _extended_xmp,
        "XMP twice": _xmp_twice,
        "unreadable XMP": lambda: segment(0xE1, _XMP_HEADER + xmp_with_place(is_readable=False)),
        "IPTC": lambda: _resource(0x0404, _iptc()),
        "resource of Photoshop": lambda: _resource(0x040B, _TEXT.encode()),
        "XMP of Photoshop": lambda: _resource(0x0424, xmp_with_place()),
        "comment": lambda: segment(0xFE, _TEXT.encode()),
        "unknown segment": lambda: segment(0xE9, b"Maker\0" + _TEXT.encode()),
        "JFIF extension": lambda: segment(0xE0, b"JFXX\0\x10" + _placed_jpeg()),
        "profile": lambda: _profile_segment(b"cprt"),
        "unknown tag of a profile": lambda: _profile_segment(b"zzzz"),
    }.items()
}
_JPEG |= {
    "motion photo": lambda data: data + movie(),
    "second picture": lambda data: data + _placed_jpeg(),
    "after the end": lambda data: data + _TEXT.encode(),
    "between scans": _between_scans,
}

# PNG


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + checksum


def _before_pixels(kind: bytes, content: Callable[[], bytes], data: bytes) -> bytes:
    start = data.index(b"IDAT") - 4
    return data[:start] + chunk(kind, content()) + data[start:]


def _raw_profile(content: bytes) -> bytes:
    text = f"\nexif\n{len(content):8d}\n{content.hex()}\n".encode()
    return b"Raw profile type exif\0\0" + zlib.compress(text)


_XMP_KEYWORD = b"XML:com.adobe.xmp\0"
_PNG: dict[str, Hide] = {
    name: partial(_before_pixels, kind, content)
    for name, kind, content in (
        ("eXIf", b"eXIf", exif_with_place),
        ("raw profile", b"zTXt", lambda: _raw_profile(exif_with_place() + _TEXT.encode())),
        ("unknown EXIF", b"eXIf", lambda: exif_of(0xC7A1, _TEXT, of_exposure=False)),
        ("zTXt", b"zTXt", lambda: b"Comment\0\0" + zlib.compress(_TEXT.encode())),
        ("tEXt", b"tEXt", lambda: b"Title\0" + _TEXT.encode("latin-1")),
        ("iTXt", b"iTXt", lambda: b"Comment\0\0\0en\0\0" + _TEXT.encode()),
        ("XMP", b"iTXt", lambda: _XMP_KEYWORD + b"\0\0\0\0" + xmp_with_place()),
        (
            "compressed XMP",
            b"iTXt",
            lambda: _XMP_KEYWORD + b"\1\0\0\0" + zlib.compress(xmp_with_place()),
        ),
        ("profile", b"iCCP", lambda: b"x\0\0" + zlib.compress(_profile(b"cprt"))),
        ("unknown chunk", b"prVt", _TEXT.encode),
    )
}
_PNG["after the end"] = lambda data: data + movie()

# WebP


def _riff(data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    content = data[8:]
    for kind, body in chunks:
        content += kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)
    return b"RIFF" + len(content).to_bytes(4, "little") + content


_WEBP: dict[str, Hide] = {
    "EXIF": lambda data: _riff(data, (b"EXIF", exif_with_place())),
    "EXIF of JPEG": lambda data: _riff(data, (b"EXIF", b"Exif\0\0" + exif_with_place())),
    "EXIF twice": lambda data: _riff(
        data, (b"EXIF", exif_of(0x9003, "2024:07:05 10:11:12")), (b"EXIF", exif_with_place())
    ),
    "XMP": lambda data: _riff(data, (b"XMP ", xmp_with_place())),
    "unreadable XMP": lambda data: _riff(data, (b"XMP ", xmp_with_place(is_readable=False))),
    "unknown chunk": lambda data: _riff(data, (b"note", _TEXT.encode())),
    "after the end": lambda data: data + movie(),
}


def _in_frame(data: bytes) -> bytes:
    """An animation whose first frame has an unknown chunk."""
    del data
    frames = [textured(64, 48, seed) for seed in range(2)]
    animation = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    start = animation.index(b"ANMF")
    size = int.from_bytes(animation[start + 4 : start + 8], "little")
    note = _TEXT.encode() + bytes(len(_TEXT) % 2)
    frame = animation[start + 8 : start + 8 + size] + b"note"
    frame += len(note).to_bytes(4, "little") + note
    after_frame = animation[start + 8 + size + size % 2 :]
    length = len(frame).to_bytes(4, "little")
    content = animation[8 : start + 4] + length + frame + after_frame
    return b"RIFF" + len(content).to_bytes(4, "little") + content


_WEBP["in a frame"] = _in_frame

# GIF


def _before_trailer(extension: bytes, data: bytes) -> bytes:
    return data[:-1] + extension + b";"


_GIF: dict[str, Hide] = {
    "comment": partial(_before_trailer, b"!\xfe" + bytes((len(_TEXT),)) + _TEXT.encode() + b"\0"),
    "XMP": partial(
        _before_trailer,
        b"!\xff\x0bXMP DataXMP" + xmp_with_place() + b"\x01" + bytes(range(255, -1, -1)) + b"\0",
    ),
    "unknown extension": partial(
        _before_trailer, b"!\x77" + bytes((len(_TEXT),)) + _TEXT.encode() + b"\0"
    ),
    "after the end": lambda data: data + movie(),
}

# BMP


def _bmp_gap(data: bytes) -> bytes:
    start = int.from_bytes(data[10:14], "little")
    gap = _TEXT.encode()
    return (
        data[:10] + (start + len(gap)).to_bytes(4, "little") + data[14:start] + gap + data[start:]
    )


_BMP: dict[str, Hide] = {"gap": _bmp_gap, "after the end": lambda data: data + movie()}

# TIFF


def _tiff_with(tag: int, kind: int, content: Callable[[int], bytes], data: bytes) -> bytes:
    """Add a tag to a little-endian TIFF; content: the value, by where it will be."""
    start = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[start : start + 2], "little")
    old = data[start + 2 : start + 2 + 12 * count]
    entries = [old[at : at + 12] for at in range(0, len(old), 12)]
    place = len(data) + len(data) % 2 + 2 + 12 * (count + 1) + 4
    value = content(place)
    size = 1 if kind == _LONG else len(value)
    entries.append(struct.pack("<HHII", tag, kind, size, place))
    entries.sort(key=lambda entry: int.from_bytes(entry[:2], "little"))
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    padded = data + bytes(len(data) % 2)
    return padded[:4] + len(padded).to_bytes(4, "little") + padded[8:] + directory + value


def _gps(place: int) -> bytes:
    """A directory of coordinates, for a place in a file."""
    rationals = struct.pack("<6I", *_DEGREES, *_MINUTES, *_SECONDS)
    values = place + 2 + 12 * 4 + 4
    entries = struct.pack("<HHI4s", 1, 2, 2, b"N") + struct.pack("<HHII", 2, 5, 3, values)
    entries += struct.pack("<HHI4s", 3, 2, 2, b"W") + struct.pack("<HHII", 4, 5, 3, values)
    return struct.pack("<H", 4) + entries + bytes(4) + rationals


_TEXT_TYPE, _BYTES, _LONG = 2, 1, 4


def _after_strip(data: bytes) -> bytes:
    """An uncompressed TIFF with text in its strip after the last pixel."""
    picture = Image.open(io.BytesIO(data)).convert("L")
    strip = picture.tobytes() + _TEXT.encode()
    tags = ((256, picture.width), (257, picture.height), (258, 8), (259, 1), (262, 1))
    entries = [*tags, (273, 8 + 2 + 8 * 12 + 4), (278, picture.height), (279, len(strip))]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 8) + directory + bytes(4) + strip


_TIFF: dict[str, Hide] = {
    "after a strip": _after_strip,
    "GPS": partial(_tiff_with, 0x8825, _LONG, _gps),
    "XMP": partial(_tiff_with, 700, _BYTES, lambda _: xmp_with_place()),
    "IPTC": partial(_tiff_with, 33723, _BYTES, lambda _: _iptc()),
    "description": partial(_tiff_with, 270, _TEXT_TYPE, lambda _: _TEXT.encode() + b"\0"),
    "unknown tag": partial(_tiff_with, 65_000, _TEXT_TYPE, lambda _: _TEXT.encode() + b"\0"),
    "after the end": lambda data: data + movie(),
}

# HEIF and AVIF


def _heif_with(options: Callable[[], dict[str, bytes]], data: bytes) -> bytes:
    picture = Image.open(io.BytesIO(data))
    return encode(picture, picture.format or "", **options())


_HEIF: dict[str, Hide] = {
    "EXIF": partial(_heif_with, lambda: {"exif": b"Exif\0\0" + exif_with_place()}),
    "XMP": partial(_heif_with, lambda: {"xmp": xmp_with_place()}),
    "motion photo": lambda data: data + _box(b"mpvd", movie()),
    "unknown box": lambda data: data + _box(b"uuid", bytes(16) + _TEXT.encode()),
    "free box": lambda data: data + _box(b"free", _TEXT.encode()),
}

HIDING_PLACES: dict[str, dict[str, Hide]] = {
    "JPEG": _JPEG,
    "PNG": _PNG,
    "WEBP": _WEBP,
    "GIF": _GIF,
    "BMP": _BMP,
    "TIFF": _TIFF,
    "HEIF": _HEIF,
    "AVIF": _HEIF,
}
_OPTIONS: dict[str, list[tuple[str, dict[str, object]]]] = {
    "JPEG": [
        ("RGB", {}),
        ("RGB", {"progressive": True}),
        ("L", {}),
        ("CMYK", {}),
        ("RGB", {"restart_marker_blocks": 3}),
        ("RGB", {"quality": 30, "subsampling": 0}),
    ],
    "PNG": [("RGB", {}), ("P", {}), ("RGBA", {}), ("L", {}), ("RGB", {"save_all": True})],
    # An empty profile makes the extended form, which has metadata.
    "WEBP": [
        ("RGB", {"icc_profile": b"x"}),
        ("RGBA", {"icc_profile": b"x", "lossless": True}),
        ("RGB", {"save_all": True}),
    ],
    "GIF": [("RGB", {}), ("RGB", {"save_all": True}), ("P", {"transparency": 0})],
    "BMP": [("RGB", {}), ("P", {}), ("L", {}), ("1", {})],
    "TIFF": [
        ("RGB", {}),
        ("RGB", {"compression": "tiff_lzw"}),
        ("RGB", {"compression": "tiff_adobe_deflate"}),
        ("RGB", {"compression": "jpeg"}),
        ("RGB", {"compression": "packbits"}),
    ],
    "HEIF": [("RGB", {}), ("RGBA", {})],
    "AVIF": [("RGB", {}), ("RGBA", {})],
}


def pictures(format_name: str) -> list[bytes]:
    """Return small pictures in the variants of a format; the first is the usual one."""
    frames = [textured(64, 48, seed) for seed in range(3)]
    return [
        encode(
            frames[0].convert(mode),
            format_name,
            **options,
            **({"append_images": frames[1:]} if "save_all" in options else {}),
        )
        for mode, options in _OPTIONS[format_name]
    ]


CASES = [(name, place) for name, places in HIDING_PLACES.items() for place in places]
