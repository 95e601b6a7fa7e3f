"""EXIF, written anew with the tags of an allow list: camera, date, exposure, orientation.

The numbers of tags and types are those of Exif 3.0 and TIFF 6.0.
"""

from collections.abc import Callable, Sequence

from scene_model.export.strip import ifd
from scene_model.export.strip.ifd import Field, is_little
from scene_model.export.strip.parts import NotRebuildable, Piece, number
from scene_model.export.strip.text import is_digits, is_exif_date, is_harmless, is_offset

_SHORT, _LONG, _RATIONAL = ifd.SHORT, ifd.LONG, ifd.RATIONAL
_UNDEFINED, _SIGNED_RATIONAL = ifd.UNDEFINED, ifd.SIGNED_RATIONAL
_EXIF_IFD, _INTEROP_IFD = 0x8769, 0xA005
_MAX_TEXT_BYTES = 1000
_XP_KEYWORDS = 0x9C9E  # of Windows, in UTF-16

_Texts = Callable[[str], bool]
_Numbers = tuple[tuple[int, ...], int]
_IMAGE_TEXTS: dict[int, _Texts] = {
    0x010F: is_harmless,  # maker
    0x0110: is_harmless,  # model
    0x0131: is_harmless,  # software
    0x013B: is_harmless,  # artist
    0x8298: is_harmless,  # copyright
    0x0132: is_exif_date,
}
_EXPOSURE_TEXTS: dict[int, _Texts] = {
    **dict.fromkeys((0x9003, 0x9004), is_exif_date),
    **dict.fromkeys((0x9010, 0x9011, 0x9012), is_offset),
    **dict.fromkeys((0x9290, 0x9291, 0x9292), is_digits),
    **dict.fromkeys((0xA433, 0xA434), is_harmless),  # maker and model of the lens
}
_INTEROP_TEXTS: dict[int, _Texts] = {0x0001: lambda text: text in ("R98", "R03", "THM")}


def _numbers(kinds: tuple[int, ...], count: int, *tags: int) -> dict[int, _Numbers]:
    return dict.fromkeys(tags, (kinds, count))


# Tags with the types and the most values that they have.
_IMAGE_NUMBERS = {
    # Orientation, unit, position of chroma, rating.
    **_numbers((_SHORT,), 1, 0x0112, 0x0128, 0x0213, 0x4746, 0x4749),
    **_numbers((_RATIONAL,), 1, 0x011A, 0x011B),  # resolution
}
_EXPOSURE_NUMBERS = {
    # Time, aperture, compression, largest aperture, distance, focal length, index, zoom, gamma.
    **_numbers((_RATIONAL,), 1, 0x829A, 0x829D, 0x9102, 0x9202, 0x9205, 0x9206, 0x920A),
    **_numbers((_RATIONAL,), 1, 0xA20E, 0xA20F, 0xA215, 0xA404, 0xA500),
    **_numbers((_SIGNED_RATIONAL,), 1, 0x9201, 0x9203, 0x9204),  # shutter, brightness, bias
    **_numbers((_RATIONAL,), 4, 0xA432),  # focal lengths and apertures of the lens
    # Exposure program, metering, light source, flash, colour space, sensing method, scene type, …
    **_numbers((_SHORT,), 1, 0x8822, 0x8830, 0x9207, 0x9208, 0x9209, 0xA001, 0xA210, 0xA217),
    **_numbers((_SHORT,), 1, *range(0xA401, 0xA404), *range(0xA405, 0xA40B), 0xA40C, 0xA460),
    **_numbers((_SHORT,), 2, 0x8827),  # sensitivity
    **_numbers((_LONG,), 1, 0x8831, 0x8832, 0x8833),
    **_numbers((_SHORT, _LONG), 1, 0xA002, 0xA003),  # width and height
    **_numbers((_UNDEFINED,), 1, 0xA300, 0xA301),
    **_numbers((_UNDEFINED,), 4, 0x9000, 0x9101, 0xA000),  # versions, components
}


def rebuild(data: Piece) -> bytes | None:
    """Return EXIF with its harmless tags, in its byte order; None where there are none.

    data: from the byte order mark on; what cannot be read has none.
    """
    try:
        little = is_little(data)
        image, exposure, interop = harmless_fields(data, number(data, 4, 4, little), little)
    except NotRebuildable:
        return None
    if not image and not exposure:
        return None
    header = bytes(data[:4]) + (8).to_bytes(4, "little" if little else "big")
    return header + write_linked(image, exposure, interop, 8, little)


def harmless_fields(data: Piece, start: int, little: bool) -> tuple[list[Field], ...]:
    """Return the harmless fields of a directory, of its exposure, of its interoperability."""
    image = ifd.read(data, start, little)
    exposure = _linked(image, _EXIF_IFD, data, little)
    interop = _linked(exposure, _INTEROP_IFD, data, little)
    return (
        _harmless(image, _IMAGE_NUMBERS, _IMAGE_TEXTS),
        _harmless(exposure, _EXPOSURE_NUMBERS, _EXPOSURE_TEXTS),
        _harmless(interop, {}, _INTEROP_TEXTS),
    )


def write_linked(
    image: Sequence[Field],
    exposure: Sequence[Field],
    interop: Sequence[Field],
    start: int,
    little: bool,
    next_start: int = 0,
) -> bytes:
    """Return a directory followed by those that it points to."""
    if not exposure:
        return ifd.write(image, start, little, next_start)
    link = ifd.long(_EXIF_IFD, 0, little)
    exposure_start = start + ifd.size_of([*image, link])
    image = [*image, ifd.long(_EXIF_IFD, exposure_start, little)]
    last = b""
    if interop:
        interop_start = exposure_start + ifd.size_of([*exposure, link])
        exposure = [*exposure, ifd.long(_INTEROP_IFD, interop_start, little)]
        last = ifd.write(interop, interop_start, little)
    first = ifd.write(image, start, little, next_start)
    return first + ifd.write(exposure, exposure_start, little) + last


def _linked(fields: dict[int, Field], tag: int, data: Piece, little: bool) -> dict[int, Field]:
    link = fields.get(tag)
    if link is None or link.type != ifd.LONG:
        return {}
    try:
        return ifd.read(data, link.numbers(little)[0], little)
    except NotRebuildable:
        return {}


def _harmless(
    fields: dict[int, Field], numbers: dict[int, _Numbers], texts: dict[int, _Texts]
) -> list[Field]:
    harmless = []
    for tag in sorted(fields):
        field = fields[tag]
        kinds, most = numbers.get(tag, ((), 0))
        if field.type in kinds and field.count <= most:
            harmless.append(field)
        elif tag in texts and field.type == ifd.ASCII:
            text = bytes(field.content[:_MAX_TEXT_BYTES]).partition(b"\0")[0]
            if texts[tag](text.decode("utf-8", "replace").strip()):
                harmless.append(Field(tag, ifd.ASCII, text + b"\0"))
        elif tag == _XP_KEYWORDS and texts is _IMAGE_TEXTS and field.type == ifd.BYTE:
            encoded = bytes(field.content[:_MAX_TEXT_BYTES])
            keywords = encoded.decode("utf-16-le", "replace").partition("\0")[0]
            if is_harmless(keywords):
                harmless.append(Field(tag, ifd.BYTE, f"{keywords}\0".encode("utf-16-le")))
    return harmless
