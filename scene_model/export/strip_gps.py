"""A copy of a photo without the place where it was taken; the image data is not changed.

Removes the place fields of EXIF, XMP and IPTC: coordinates and names. Maker notes of cameras are
not parsed and stay.
"""

import threading
from typing import Any

import exiv2

# Adobe's XMP toolkit inside exiv2 is not thread-safe.
_TOOLKIT = threading.Lock()
_EXIF = ("Exif.GPSInfo.", "Exif.Image.GPSTag")
_XMP = (
    *("Xmp.exif.GPS", "Xmp.iptc.Location", "Xmp.iptc.CountryCode", "Xmp.iptcExt.Location"),
    *("Xmp.photoshop.City", "Xmp.photoshop.State", "Xmp.photoshop.Country"),
)
_IPTC = tuple(
    f"Iptc.Application2.{field}"
    for field in ("City", "SubLocation", "ProvinceState", "CountryName", "CountryCode", "Location")
)


def strip_gps(data: bytes) -> bytes | None:
    """Remove the place from a photo file's bytes; without a place they are returned unchanged.

    Returns None for a format that cannot be read or rewritten.
    """
    with _TOOLKIT:
        try:
            image = exiv2.ImageFactory.open(data)
            image.readMetadata()
            return _rewritten(image) if _erase_place(image) else data
        except exiv2.Exiv2Error:
            return None


def _erase_place(image: Any) -> bool:
    """Erase the place fields; returns whether there were any."""
    exif, xmp, iptc = image.exifData(), image.xmpData(), image.iptcData()
    is_changed = False
    for fields, key_type, names in (
        (exif, exiv2.ExifKey, _EXIF),
        (xmp, exiv2.XmpKey, _XMP),
        (iptc, exiv2.IptcKey, _IPTC),
    ):
        for key in [field.key() for field in fields if field.key().startswith(names)]:
            position = fields.findKey(key_type(key))
            while position != fields.end():  # a field may occur several times
                fields.erase(position)
                position = fields.findKey(key_type(key))
            is_changed = True
    if is_changed:
        image.setExifData(exif)
        image.setXmpData(xmp)
        image.setIptcData(iptc)
    return is_changed


def _rewritten(image: Any) -> bytes:
    image.writeMetadata()
    file = image.io()
    try:
        return bytes(file.mmap())
    finally:
        file.munmap()
