"""The photos' files: thumbnails, and originals: copied into the library, referenced or remote."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from scene_model.errors import NoFrames, OriginalChanged, OriginalMissing
from scene_model.library.files.file_system import PRIVATE_FOLDER_MODE, FileSystem
from scene_model.library.files.remote_originals import FetchedOriginals, FetchOriginal, shown_url
from scene_model.library.records import PhotoRecord
from scene_model.photos.colours import Pixels
from scene_model.photos.content import Content, VideoContent, content_bytes
from scene_model.photos.decode import MinimumSize
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.hashes import content_hash, file_content_hash
from scene_model.photos.raw.kinds import RAW_FORMATS
from scene_model.photos.thumbnail import (
    THUMBNAIL_LONG_SIDE,
    encode_jpeg,
    make_frame_strip,
    make_thumbnail,
)
from scene_model.photos.video.kinds import VIDEO_FORMATS

_SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "AVIF": ".avif",
    "GIF": ".gif",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "HEIF": ".heic",
    "JXL": ".jxl",
    **{name: f".{name.lower()}" for name in RAW_FORMATS | VIDEO_FORMATS},
}
PREVIEW_LONG_SIDE = 1280


def copy_location(folder: Path, photo_id: str, format_name: str) -> Path:
    """Return the path of an original's copy in a library folder; the file may not exist."""
    suffix = _SUFFIXES.get(format_name, ".bin")
    return folder / "originals" / photo_id[:2] / f"{photo_id}{suffix}"


class StoredOriginal(Protocol):
    """What says where a photo's original is: a record, or a row with these columns."""

    @property
    def id(self) -> str:
        """The content hash."""

    @property
    def format(self) -> str:
        """The format, as the library stores it."""

    @property
    def file_bytes(self) -> int:
        """The size."""

    @property
    def reference(self) -> Path | None:
        """The path of an original that is not copied into the library."""

    @property
    def remote_url(self) -> str | None:
        """The address of an original that is fetched when a person opens it."""


class PhotoFiles:
    """The files of one library; referenced originals are only read.

    Reading never fetches: a remote original is missing until `fetch` brought it here.
    """

    def __init__(
        self,
        folder: Path,
        file_system: FileSystem,
        decoders: Decoders,
        fetch: FetchOriginal | None = None,
    ) -> None:
        """folder: the library folder; its missing subfolders are created. fetch: see `Library`."""
        self.folder, self._file_system = folder, file_system
        self.fetched = FetchedOriginals(folder, file_system, fetch)
        self._decoders = decoders
        self.new_dir = folder / "new"
        for name in ("originals", "thumbnails", "new"):
            file_system.make_folder(folder / name, PRIVATE_FOLDER_MODE)
        file_system.clear_leftovers(self.new_dir)

    def copy_location(self, photo_id: str, format_name: str) -> Path:
        """Return the path of the library's copy of an original; the file may not exist."""
        return copy_location(self.folder, photo_id, format_name)

    def location(self, photo: StoredOriginal) -> Path:
        """Return the path of a photo's original: its reference, the fetched or the copied file."""
        if photo.remote_url is not None:
            return self.fetched.location(photo.id)
        return photo.reference or self.copy_location(photo.id, photo.format)

    def thumbnail_location(self, photo_id: str) -> Path:
        """Return the path of a thumbnail, whether or not it exists."""
        return self.folder / "thumbnails" / photo_id[:2] / f"{photo_id}.webp"

    def frames_location(self, photo_id: str) -> Path:
        """Return the path of the frames of a video, whether or not it exists."""
        return self.thumbnail_location(photo_id).with_suffix(".frames.webp")

    def copied_bytes(self, content: Content) -> int:
        """Return how many bytes `store_copy` writes: none of a video that was received."""
        return 0 if self._is_received(content) else content_bytes(content)

    def store_copy(self, photo_id: str, format_name: str, content: Content) -> None:
        """Write a copy of an original, unless one of the same size exists.

        Raises OSError; of a video, which is read again, also UnreadableFile.
        """
        path = self.copy_location(photo_id, format_name)
        if _has_size(path, content_bytes(content)):
            return
        if not isinstance(content, VideoContent):
            self._file_system.write_whole(path, content, self.new_dir)
            return
        # The received file is removed when the photo is stored. A file of a person is never
        # linked: what they change in it would change the original.
        is_linked = self._is_received(content) and self._file_system.link_whole(
            path, content.path, self.new_dir
        )
        if not is_linked:
            self._file_system.copy_whole(path, content.path, self.new_dir, content.sha256)

    def _is_received(self, content: Content) -> bool:
        received = (self.folder / "incoming", self.folder / "inbox")
        return isinstance(content, VideoContent) and any(map(content.path.is_relative_to, received))

    def store_thumbnail(self, photo_id: str, pixels: Pixels) -> None:
        """Write a thumbnail of upright RGB pixels, unless one exists; raises OSError."""
        path = self.thumbnail_location(photo_id)
        if not path.exists():
            self._file_system.write_whole(path, make_thumbnail(pixels), self.new_dir)

    def store_frames(self, photo_id: str, frames: Sequence[Pixels]) -> None:
        """Write the frames of a video, unless they exist; raises OSError."""
        path = self.frames_location(photo_id)
        if frames and not path.exists():
            self._file_system.write_whole(path, make_frame_strip(frames), self.new_dir)

    def has_original(self, photo: StoredOriginal) -> bool:
        """Check by size that the original exists, without reading it."""
        return _has_size(self.location(photo), photo.file_bytes)

    def fetch(self, photo: PhotoRecord, may_wait: bool = True) -> None:
        """Bring a remote original here, and a thumbnail that is missing; raises OSError too.

        Does nothing for other photos. Raises as `FetchedOriginals.fetch` does.
        """
        if photo.remote_url is None:
            return
        self.fetched.fetch(photo, may_wait)
        if not self.thumbnail_location(photo.id).exists():
            self.recreate_thumbnail(photo)

    def original(self, photo: PhotoRecord) -> Path:
        """Return the path of the original; raises OriginalMissing with the path."""
        path = self.location(photo)
        if not path.is_file():
            raise _missing(photo)
        return path

    def verified_original(self, photo: PhotoRecord) -> Path:
        """Return the path of the original after checking its content hash.

        Raises OriginalMissing or OriginalChanged.
        """
        path = self.original(photo)
        try:
            current_hash = file_content_hash(path)
        except OSError as error:
            raise _unreadable(photo, error) from error
        if current_hash != photo.id:
            raise self._changed(photo)
        return path

    def original_bytes(self, photo: PhotoRecord) -> bytes:
        """Return the original's bytes; checks and raises as `verified_original` does."""
        path = self.original(photo)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise _unreadable(photo, error) from error
        if content_hash(data) != photo.id:
            raise self._changed(photo)
        return data

    def content(self, photo: PhotoRecord) -> Content:
        """Return the original's content; checks and raises as `original_bytes` and `video` do."""
        return self.video(photo) if photo.is_video else self.original_bytes(photo)

    def video(self, photo: PhotoRecord) -> VideoContent:
        """Return a video after checking its size: to check its hash would take seconds.

        Raises NoFrames for a picture, OriginalMissing or OriginalChanged.
        """
        if not photo.is_video:
            raise NoFrames(f"{photo.id[:12]} is a picture, not a video: it has no frames.")
        path = self.original(photo)
        if not _has_size(path, photo.file_bytes):
            raise self._changed(photo)
        return VideoContent(path, photo.id, photo.file_bytes, photo.format)

    def preview(self, photo: PhotoRecord) -> bytes:
        """Return a screen-sized WebP; browsers cannot show every original format."""
        size = MinimumSize(short_side=1, long_side=PREVIEW_LONG_SIDE)
        return self._resized(photo, size, PREVIEW_LONG_SIDE)

    def full_size(self, photo: PhotoRecord) -> bytes:
        """Return the whole photo as a JPEG, upright, for formats that browsers cannot show."""
        return encode_jpeg(self._decoded(photo, None))

    def recreate_thumbnail(self, photo: PhotoRecord) -> bytes:
        """Make a thumbnail from the original, write it and return it; raises OSError too."""
        thumbnail = self._resized(photo, MinimumSize(), THUMBNAIL_LONG_SIDE)
        self._file_system.write_whole(self.thumbnail_location(photo.id), thumbnail, self.new_dir)
        return thumbnail

    def recreate_frames(self, photo: PhotoRecord) -> bytes:
        """Decode the frames of a video, write them and return them; raises OSError too."""
        frames = make_frame_strip(self._decoders.decode_video(self.video(photo)).photo.frames)
        self._file_system.write_whole(self.frames_location(photo.id), frames, self.new_dir)
        return frames

    def _changed(self, photo: PhotoRecord) -> OriginalChanged:
        if photo.remote_url is not None:
            self.fetched.forget(photo.id)  # opened again, it is fetched again
        return _changed(photo)

    def _resized(self, photo: PhotoRecord, minimum: MinimumSize, long_side: int) -> bytes:
        return make_thumbnail(self._decoded(photo, minimum), long_side)

    def _decoded(self, photo: PhotoRecord, minimum: MinimumSize | None) -> Pixels:
        data = self.content(photo)
        if isinstance(data, VideoContent):
            return self._decoders.decode_video(data, minimum, only_poster=True).photo.pixels
        # The photo was accepted when it was added; a limit lowered since must not reject it.
        limits = replace(self._decoders.limits, max_file_bytes=len(data), max_pixels=2**40)
        return self._decoders.decode(data, minimum, limits).photo.pixels


def _has_size(path: Path, file_bytes: int) -> bool:
    try:
        return path.stat().st_size == file_bytes
    except OSError:
        return False


# Messages about a copy name only the photo, so that visitors do not learn the library's path.
# Messages about a reference name its path, because only the owner can fix it.
def _missing(photo: PhotoRecord) -> OriginalMissing:
    if photo.remote_url is not None:
        return OriginalMissing(
            f"The original of {photo.name} is at {shown_url(photo.remote_url)} and was not "
            "fetched. Open the photo to fetch it.",
            code="original_not_fetched",
        )
    if photo.reference is not None:
        return OriginalMissing(
            f"The original of {photo.name} is no longer at {photo.reference}. "
            "Move it back, or add the photo again from its new place."
        )
    return OriginalMissing(
        f"The original of {photo.id[:12]} is missing from the library folder. "
        "Restore it from a backup, or add the photo again."
    )


def _changed(photo: PhotoRecord) -> OriginalChanged:
    if photo.remote_url is not None:
        return OriginalChanged(
            f"The file that was fetched for {photo.name} was damaged and is removed. Open the "
            "photo again."
        )
    if photo.reference is not None:
        return OriginalChanged(
            f"The original of {photo.name}, {photo.reference}, was changed on disk after it was "
            "added. Its new content is a different photo: add it again."
        )
    return OriginalChanged(
        f"The original of {photo.id[:12]} was changed on disk after it was added. "
        "Restore it from a backup."
    )


def _unreadable(photo: PhotoRecord, error: OSError) -> OriginalMissing:
    location = photo.reference or "the library folder"
    return OriginalMissing(
        f"The original of {photo.id[:12]} cannot be read: {error.strerror}. "
        f"Check the permissions of {location}."
    )
