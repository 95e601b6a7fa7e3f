"""Decode the smallest photos in the process that asks: thumbnails, of which many data sets consist.

To hand a photo to another process costs as much as decoding one of 150 pixels. A plain JPEG as
small as this takes a fraction of a second whatever its bytes are, so it needs no limit of time and
no process that can be killed. One that carries what has to be parsed beside its pixels (EXIF, XMP,
a colour profile) goes to a decoder, as all others do.
"""

from dataclasses import replace

from scene_model.photos.decode import (
    DecodedPhoto,
    MinimumSize,
    PhotoLimits,
    decode_picture,
    open_picture,
)
from scene_model.photos.metadata import PhotoMetadata, read_metadata
from scene_model.photos.quality import measure_quality
from scene_model.photos.structure import is_progressive
from scene_model.photos.wrapped import WrappedPicture

_MOST_BYTES, _MOST_PIXELS = 100_000, 160_000
_START = b"\xff\xd8\xff"
# How the segments begin that hold something to parse; Pillow reads some of them with the header.
_PARSED_SEGMENTS = (b"Exif\0", b"http://ns.adobe.com/", b"ICC_PROFILE\0", b"MPF\0", b"Photoshop ")


def decode_small(
    data: bytes, minimum: MinimumSize | None, limits: PhotoLimits
) -> tuple[DecodedPhoto, PhotoMetadata] | None:
    """Decode a small plain JPEG and read its metadata; None for every other photo.

    Raises the errors of `decode_photo`.
    """
    if len(data) > _MOST_BYTES or not data.startswith(_START):
        return None
    if any(segment in data for segment in _PARSED_SEGMENTS):
        return None
    picture = open_picture(data, limits)
    is_small = picture.width * picture.height <= _MOST_PIXELS
    if not is_small or isinstance(picture, WrappedPicture) or is_progressive(picture):
        return None
    photo = decode_picture(picture, minimum)
    quality = None if minimum is None else measure_quality(photo.pixels)
    return replace(photo, quality=quality), read_metadata(picture, data)
