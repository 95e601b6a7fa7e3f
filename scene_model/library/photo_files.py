"""The photos' files: originals byte for byte, kept here or left where they are, and thumbnails."""

from pathlib import Path

from scene_model.errors import OriginalChanged, OriginalMissing
from scene_model.library.file_system import FileSystem
from scene_model.library.records import PhotoRecord
from scene_model.photos.decode import MinimumSize, PhotoLimits, Pixels, decode_photo
from scene_model.photos.hashes import content_hash, file_content_hash
from scene_model.photos.thumbnail import THUMBNAIL_LONG_SIDE, make_thumbnail

_SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "AVIF": ".avif",
    "GIF": ".gif",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "HEIF": ".heic",
}
PREVIEW_LONG_SIDE = 1280


class PhotoFiles:
    """The files of one library; a file that is a photo's by reference is only ever read."""

    def __init__(self, folder: Path, file_system: FileSystem) -> None:
        """Take the library's folder; the folders in it are made where they are missing."""
        self.folder, self._file_system = folder, file_system
        self.new_dir = folder / "new"
        for name in ("originals", "thumbnails", "new"):
            file_system.make_folder(folder / name)
        file_system.clear_leftovers(self.new_dir)

    def copy_location(self, photo_id: str, format_name: str) -> Path:
        """Where the library's copy of an original belongs, whether or not it is there."""
        suffix = _SUFFIXES.get(format_name, ".bin")
        return self.folder / "originals" / photo_id[:2] / f"{photo_id}{suffix}"

    def location(self, photo: PhotoRecord) -> Path:
        """Where a photo's original should be: its reference, or the library's copy."""
        return photo.reference or self.copy_location(photo.id, photo.format)

    def thumbnail_location(self, photo_id: str) -> Path:
        """Where a thumbnail belongs, whether or not it is there."""
        return self.folder / "thumbnails" / photo_id[:2] / f"{photo_id}.webp"

    def keep_copy(self, photo_id: str, format_name: str, data: bytes) -> None:
        """Keep a copy of an original, unless a whole one is there; raises OSError."""
        path = self.copy_location(photo_id, format_name)
        if not _has_size(path, len(data)):
            self._file_system.write_whole(path, data, self.new_dir)

    def keep_thumbnail(self, photo_id: str, pixels: Pixels) -> None:
        """Keep a thumbnail of upright RGB pixels, unless there is one; raises OSError."""
        path = self.thumbnail_location(photo_id)
        if not path.exists():
            self._file_system.write_whole(path, make_thumbnail(pixels), self.new_dir)

    def is_there(self, photo: PhotoRecord) -> bool:
        """Tell by its size whether the original is in its place, without reading it."""
        return _has_size(self.location(photo), photo.file_bytes)

    def original(self, photo: PhotoRecord) -> Path:
        """Where the original lies; raises OriginalMissing, which names the place."""
        path = self.location(photo)
        if not path.is_file():
            raise _missing(photo)
        return path

    def verified_original(self, photo: PhotoRecord) -> Path:
        """Where the original lies, after checking that it is still what was added.

        Raises OriginalMissing or OriginalChanged.
        """
        path = self.original(photo)
        try:
            found = file_content_hash(path)
        except OSError as error:
            raise _unreadable(photo, error) from error
        if found != photo.id:
            raise _changed(photo)
        return path

    def original_bytes(self, photo: PhotoRecord) -> bytes:
        """The original, checked to be what was added; raises as `verified_original` does."""
        path = self.original(photo)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise _unreadable(photo, error) from error
        if content_hash(data) != photo.id:
            raise _changed(photo)
        return data

    def preview(self, photo: PhotoRecord) -> bytes:
        """A picture large enough for a screen, as WebP: browsers cannot show every original."""
        size = MinimumSize(short_side=1, long_side=PREVIEW_LONG_SIDE)
        return self._smaller(photo, size, PREVIEW_LONG_SIDE)

    def new_thumbnail(self, photo: PhotoRecord) -> bytes:
        """Make a thumbnail anew from the original, and keep it; raises OSError too."""
        made = self._smaller(photo, MinimumSize(), THUMBNAIL_LONG_SIDE)
        self._file_system.write_whole(self.thumbnail_location(photo.id), made, self.new_dir)
        return made

    def _smaller(self, photo: PhotoRecord, minimum: MinimumSize, long_side: int) -> bytes:
        data = self.original_bytes(photo)
        # It was decoded when it was added; a lower limit set since must not hide it.
        limits = PhotoLimits(max_file_bytes=len(data), max_pixels=2**40)
        return make_thumbnail(decode_photo(data, limits, minimum).pixels, long_side)


def _has_size(path: Path, file_bytes: int) -> bool:
    try:
        return path.stat().st_size == file_bytes
    except OSError:
        return False


# A copy is named by its photo alone: where the library lies is not everybody's business. A
# reference is named by its path, because only its owner knows what became of it.
def _missing(photo: PhotoRecord) -> OriginalMissing:
    if photo.reference is not None:
        return OriginalMissing(
            f"The original of {photo.name} is not at {photo.reference} any more. "
            "Put it back there, or add the photo again from where it is now."
        )
    return OriginalMissing(
        f"The original of {photo.id[:12]} is not in the library folder any more. "
        "Put it back from a backup, or add the photo again."
    )


def _changed(photo: PhotoRecord) -> OriginalChanged:
    if photo.reference is not None:
        return OriginalChanged(
            f"The original of {photo.name}, {photo.reference}, was changed on disk since it was "
            "added. As it is now it is another photo: add it again."
        )
    return OriginalChanged(
        f"The original of {photo.id[:12]} was changed on disk since it was added. "
        "Put it back from a backup."
    )


def _unreadable(photo: PhotoRecord, error: OSError) -> OriginalMissing:
    where = photo.reference or "the library folder"
    return OriginalMissing(
        f"The original of {photo.id[:12]} cannot be read: {error.strerror}. "
        f"Check the permissions of {where}."
    )
