"""A copy of a photo that does not tell where it was taken; its pixels are the original's own.

EXIF, XMP and IPTC fields of a place go, in words as in numbers. What a camera maker wrote into
notes of its own form is not read, and stays.
"""

import threading
from typing import Any

import exiv2

# Adobe's XMP toolkit inside exiv2 is made for one thread.
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
    """Take the place out of a photo file's bytes; those that tell none come back as they are.

    None where a file of its kind cannot be read or written anew.
    """
    with _TOOLKIT:
        try:
            image = exiv2.ImageFactory.open(data)
            image.readMetadata()
            return _written_without(image) if _erase_place(image) else data
        except exiv2.Exiv2Error:
            return None


def _erase_place(image: Any) -> bool:
    """Erase the fields of a place; tells whether there was one."""
    exif, xmp, iptc = image.exifData(), image.xmpData(), image.iptcData()
    found = False
    for fields, key_type, names in (
        (exif, exiv2.ExifKey, _EXIF),
        (xmp, exiv2.XmpKey, _XMP),
        (iptc, exiv2.IptcKey, _IPTC),
    ):
        for key in [field.key() for field in fields if field.key().startswith(names)]:
            place = fields.findKey(key_type(key))
            while place != fields.end():  # some fields may stand there several times
                fields.erase(place)
                place = fields.findKey(key_type(key))
            found = True
    if found:
        image.setExifData(exif)
        image.setXmpData(xmp)
        image.setIptcData(iptc)
    return found


def _written_without(image: Any) -> bytes:
    image.writeMetadata()
    file = image.io()
    try:
        return bytes(file.mmap())
    finally:
        file.munmap()
