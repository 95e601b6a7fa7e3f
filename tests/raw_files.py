"""Small RAW files as cameras lay them out: sensor data, an embedded JPEG preview, EXIF."""

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL = 1, 2, 3, 4, 5, 7, 10
_SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, UNDEFINED: 1, SRATIONAL: 8}
Values = bytes | str | Sequence[int]


@dataclass
class Directory:
    """The fields of a TIFF's directory by tag: a type, and the values.

    blobs: bytes of which a field holds the place. children: directories of which a field holds the
    places.
    """

    fields: dict[int, tuple[int, Values]] = field(default_factory=dict)
    blobs: dict[int, bytes] = field(default_factory=dict)
    children: dict[int, list["Directory"]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shot:
    """What a RAW file holds.

    photo: the picture, as it lies on the sensor. preview: the JPEG; None for none.
    orientation: as EXIF counts. latitude, longitude: degrees, minutes and seconds, north and west.
    missing_bytes: of the sensor's values, at their end. is_grey: the sensor sees no colours.
    """

    photo: Image.Image
    preview: bytes | None
    orientation: int = 1
    taken: str = "2021:07:03 18:45:12"
    latitude: tuple[int, int, int] = (38, 43, 30)
    longitude: tuple[int, int, int] = (9, 8, 24)
    xmp: bytes = b""
    missing_bytes: int = 0
    is_grey: bool = False


def write_tiff(first: Sequence[Directory], header: bytes = b"II*\0", after: bytes = b"") -> bytes:
    """Write a chain of directories with what they hold.

    header: of four bytes. after: bytes between the header and the first directory.
    """
    order = "<" if header[:2] == b"II" else ">"
    start = 8 + len(after)
    body, place = bytearray(), start
    next_places = []
    for directory in first:
        written, at = _write(directory, start + len(body), order)
        next_places.append((at, start + len(body) + len(written)))
        body += written
    result = bytearray(header + struct.pack(f"{order}I", place) + after + body)
    struct.pack_into(f"{order}I", result, 4, next_places[0][0])
    for (at, _), (following, _) in zip(next_places, next_places[1:], strict=False):
        (count,) = struct.unpack_from(f"{order}H", result, at)
        struct.pack_into(f"{order}I", result, at + 2 + 12 * count, following)
    return bytes(result)


def _write(directory: Directory, start: int, order: str) -> tuple[bytes, int]:
    """Return a directory with what it holds, for a place in the file, and its own place."""
    body, fields = bytearray(), dict(directory.fields)
    for tag, blob in directory.blobs.items():
        body += bytes(len(body) % 2)
        fields[tag] = (LONG, [start + len(body)])
        body += blob
    for tag, children in directory.children.items():
        places = []
        for child in children:
            body += bytes(len(body) % 2)
            written, at = _write(child, start + len(body), order)
            places.append(at)
            body += written
        fields[tag] = (LONG, places)
    body += bytes(len(body) % 2)
    entries = bytearray()
    for tag, (kind, values) in sorted(fields.items()):
        content, count = _content(kind, values, order)
        if len(content) > 4:
            body += bytes(len(body) % 2)
            content, place = struct.pack(f"{order}I", start + len(body)), content
            body += place
        entries += struct.pack(f"{order}HHI", tag, kind, count) + content.ljust(4, b"\0")
    body += bytes(len(body) % 2)
    at = start + len(body)
    return bytes(body + struct.pack(f"{order}H", len(fields)) + entries + bytes(4)), at


def _content(kind: int, values: Values, order: str) -> tuple[bytes, int]:
    if isinstance(values, str):
        values = values.encode() + b"\0"
    if isinstance(values, bytes):
        return values, len(values) // _SIZES[kind]
    code = {BYTE: "B", SHORT: "H", LONG: "I", RATIONAL: "I", SRATIONAL: "i"}[kind]
    content = struct.pack(f"{order}{len(values)}{code}", *values)
    return content, len(content) // _SIZES[kind]


def mosaic(photo: Image.Image, white: int = 4095) -> np.ndarray:
    """The values of a sensor with the filters RG/GB, shape (height, width), uint16."""
    linear = (np.asarray(photo.convert("RGB"), dtype=float) / 255) ** 2.2 * white
    values = linear[..., 1].copy()
    values[::2, ::2] = linear[::2, ::2, 0]
    values[1::2, 1::2] = linear[1::2, 1::2, 2]
    return values.astype(np.uint16)


def _camera(shot: Shot, make: str, model: str) -> Directory:
    """A first directory: camera, orientation, time, place."""
    gps = Directory(
        {
            1: (ASCII, "N"),
            2: (RATIONAL, [n for part in shot.latitude for n in (part, 1)]),
            3: (ASCII, "W"),
            4: (RATIONAL, [n for part in shot.longitude for n in (part, 1)]),
        }
    )
    details = Directory({0x9003: (ASCII, shot.taken), 0xA434: (ASCII, "50mm f/1.8")})
    fields: dict[int, tuple[int, Values]] = {
        271: (ASCII, make),
        272: (ASCII, model),
        274: (SHORT, [shot.orientation]),
        306: (ASCII, "2022:01:01 00:00:00"),
    }
    if shot.xmp:
        fields[700] = (BYTE, shot.xmp)
    return Directory(fields, children={0x8769: [details], 0x8825: [gps]})


def _sensor(shot: Shot) -> Directory:
    """The directory of the sensor's values, not compressed, sixteen bits each."""
    width, height = shot.photo.size
    photo = shot.photo.convert("L") if shot.is_grey else shot.photo
    data = mosaic(photo).tobytes()
    return Directory(
        {
            254: (LONG, [0]),
            256: (LONG, [width]),
            257: (LONG, [height]),
            258: (SHORT, [16]),
            259: (SHORT, [1]),
            262: (SHORT, [34892 if shot.is_grey else 32803]),
            277: (SHORT, [1]),
            278: (LONG, [height]),
            279: (LONG, [len(data)]),
            33421: (SHORT, [2, 2]),
            33422: (BYTE, [0, 1, 1, 2]),
        },
        {273: data[: len(data) - shot.missing_bytes]},
    )


def _preview(shot: Shot) -> list[Directory]:
    if shot.preview is None:
        return []
    width, height = Image.open(io.BytesIO(shot.preview)).size
    fields: Mapping[int, tuple[int, Values]] = {
        254: (LONG, [1]),
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [8, 8, 8]),
        259: (SHORT, [7]),
        262: (SHORT, [6]),
        277: (SHORT, [3]),
        278: (LONG, [height]),
        279: (LONG, [len(shot.preview)]),
    }
    return [Directory(dict(fields), {273: shot.preview})]


def _jpeg(shot: Shot) -> list[Directory]:
    """A preview as the makers point to it, not as TIFF does."""
    if shot.preview is None:
        return []
    fields: dict[int, tuple[int, Values]] = {259: (SHORT, [6]), 514: (LONG, [len(shot.preview)])}
    return [Directory(fields, {513: shot.preview})]


def dng(shot: Shot, crop: tuple[int, int, int, int] | None = None) -> bytes:
    """An Adobe DNG. crop: left, top, width and height of what is shown of the sensor."""
    make, model = "Fairphone", "FP4"
    first = _camera(shot, make, model)
    first.fields |= {
        50706: (BYTE, [1, 4, 0, 0]),
        50707: (BYTE, [1, 1, 0, 0]),
        50708: (ASCII, f"{make} {model}"),
        50721: (SRATIONAL, [n for v in (1, 0, 0, 0, 1, 0, 0, 0, 1) for n in (v, 1)]),
        50728: (RATIONAL, [1, 1, 1, 1, 1, 1]),
        50778: (SHORT, [21]),
    }
    sensor = _sensor(shot)
    sensor.fields[50717] = (LONG, [4095])
    if crop is not None:
        sensor.fields |= {50719: (LONG, crop[:2]), 50720: (LONG, crop[2:])}
    first.children[330] = [sensor, *_preview(shot)]
    return write_tiff([first])


def nef(shot: Shot) -> bytes:
    """Nikon's NEF; NRW is the same."""
    first = _camera(shot, "NIKON CORPORATION", "NIKON Z 6")
    first.children[330] = [*_jpeg(shot), _sensor(shot)]
    return write_tiff([first], b"MM\0*")


def arw(shot: Shot) -> bytes:
    """Sony's ARW."""
    first = _camera(shot, "SONY", "ILCE-7M3")
    for preview in _jpeg(shot):
        first.fields |= preview.fields
        first.blobs |= preview.blobs
    first.children[330] = [_sensor(shot)]
    return write_tiff([first])


def pef(shot: Shot) -> bytes:
    """Pentax's PEF: the sensor's values in the first directory, the preview in another."""
    first, sensor = _camera(shot, "PENTAX", "PENTAX K-5"), _sensor(shot)
    first.fields |= sensor.fields
    first.blobs |= sensor.blobs
    return write_tiff([first, *_jpeg(shot)], b"II*\0")


def srw(shot: Shot) -> bytes:
    """Samsung's SRW."""
    first = _camera(shot, "SAMSUNG", "NX300")
    first.children[330] = [*_jpeg(shot), _sensor(shot)]
    return write_tiff([first])


def cr2(shot: Shot) -> bytes:
    """Canon's CR2: four directories, the last with lossless JPEG; this one's sensor is grey."""
    first = _camera(shot, "Canon", "Canon EOS 40D")
    for preview in _preview(shot):
        first.fields |= preview.fields | {259: (SHORT, [6])}
        first.blobs |= preview.blobs
    width, height = shot.photo.size
    data = grey_lossless_jpeg(width, height)
    sensor = Directory(
        {259: (SHORT, [6]), 279: (LONG, [len(data)]), 0xC640: (SHORT, [0, 0, width])}, {273: data}
    )
    return write_tiff(
        [first, Directory({254: (LONG, [1])}), Directory({254: (LONG, [1])}), sensor],
        after=b"CR\2\0\0\0\0\0",
    )


def grey_lossless_jpeg(width: int, height: int, bits: int = 14) -> bytes:
    """A lossless JPEG of two components whose differences are all zero: a bit for each value."""
    frame = struct.pack(">BHHB", bits, height, width // 2, 2) + bytes([1, 0x11, 0, 2, 0x11, 0])
    codes = bytes([0, 1, *[0] * 15, 0])
    scan = bytes([2, 1, 0, 2, 0, 1, 0, 0])
    parts = [(0xC3, frame), (0xC4, codes), (0xDA, scan)]
    header = b"".join(
        bytes([0xFF, code]) + struct.pack(">H", len(part) + 2) + part for code, part in parts
    )
    return b"\xff\xd8" + header + bytes(width * height // 8 + 8) + b"\xff\xd9"


def orf(shot: Shot) -> bytes:
    """Olympus's ORF; its preview is in the maker's notes."""
    first, sensor = _camera(shot, "OLYMPUS CORPORATION", "E-M5"), _sensor(shot)
    first.fields |= sensor.fields
    first.blobs |= sensor.blobs
    return write_tiff([first, *_jpeg(shot)], b"IIRO")


def rw2(shot: Shot) -> bytes:
    """Panasonic's RW2."""
    first = _camera(shot, "Panasonic", "DMC-LX3")
    width, height = shot.photo.size
    data = mosaic(shot.photo).tobytes()
    first.fields |= {
        1: (UNDEFINED, b"0310"),
        2: (SHORT, [width]),
        3: (SHORT, [height]),
        4: (SHORT, [0]),
        5: (SHORT, [0]),
        6: (SHORT, [height]),
        7: (SHORT, [width]),
        9: (SHORT, [1]),
        10: (SHORT, [16]),
    }
    first.blobs[0x118] = data
    if shot.preview is not None:
        first.fields[0x2E] = (UNDEFINED, shot.preview)
    return write_tiff([first], b"IIU\0")


def raf(shot: Shot) -> bytes:
    """Fujifilm's RAF; its EXIF is that of the preview."""
    assert shot.preview is not None
    exif = Image.Exif()
    exif.load(write_tiff([_camera(shot, "FUJIFILM", "X-T2")]))
    preview = io.BytesIO()
    Image.open(io.BytesIO(shot.preview)).save(preview, "JPEG", quality=95, exif=exif)
    width, height = shot.photo.size
    tags = struct.pack(">I", 2)
    tags += struct.pack(">HHHH", 0x100, 4, height, width) + struct.pack(
        ">HHHH", 0x121, 4, height, width
    )
    data = mosaic(shot.photo).astype(np.uint16).tobytes()
    jpeg = without_jfif(preview.getvalue())
    jpeg += bytes(len(jpeg) % 4)
    start = 160
    head = b"FUJIFILMCCD-RAW 0201FF389501" + b"X-T2".ljust(32, b"\0") + b"0100" + bytes(20)
    places = [
        start,
        len(jpeg),
        start + len(jpeg),
        len(tags),
        start + len(jpeg) + len(tags),
        len(data),
    ]
    return (head + struct.pack(">6I", *places)).ljust(start, b"\0") + jpeg + tags + data


def without_jfif(jpeg: bytes) -> bytes:
    """A JPEG as cameras write it: EXIF is its first segment."""
    return jpeg[:2] + jpeg[4 + int.from_bytes(jpeg[4:6], "big") :]


MAKERS = {
    "DNG": dng,
    "NEF": nef,
    "ARW": arw,
    "PEF": pef,
    "SRW": srw,
    "CR2": cr2,
    "ORF": orf,
    "RW2": rw2,
    "RAF": raf,
}
