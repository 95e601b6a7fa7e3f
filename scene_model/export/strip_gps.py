"""A copy of a photo without the place where it was taken; the picture data are not changed.

The file is rebuilt from what is known to be harmless: see `scene_model.export.strip`.
"""

from collections.abc import Callable

from scene_model.export.strip import bmp, gif, heif, jpeg, png, tiff, webp
from scene_model.export.strip.parts import NotRebuildable, Piece
from scene_model.photos.sniff import sniff

_REBUILD: dict[str, Callable[[bytes], list[Piece]]] = {
    "JPEG": jpeg.rebuild,
    "PNG": png.rebuild,
    "WebP": webp.rebuild,
    "GIF": gif.rebuild,
    "TIFF": tiff.rebuild,
    "BMP": bmp.rebuild,
    "HEIF": heif.rebuild,
    "AVIF": heif.rebuild,
}


def strip_gps(data: bytes) -> bytes | None:
    """Rebuild a photo file without its place; a file that was rebuilt stays the same.

    Kept are the picture, its colours, camera, date, exposure, tags, rating, title and author.
    Returns None for what cannot be rebuilt with certainty.
    """
    rebuild = _REBUILD.get(sniff(data).name)
    if rebuild is None:
        return None
    try:
        return b"".join(rebuild(data))
    except NotRebuildable:
        return None
