"""The content of a file: a picture's bytes, or a video, which is never held in memory."""

from dataclasses import dataclass
from pathlib import Path

from scene_model.errors import FileTooLarge, UnreadableFile
from scene_model.photos.decode import PhotoLimits, check_file_bytes, read_photo_file
from scene_model.photos.hashes import content_hash, file_content_hash
from scene_model.photos.sniff import FileKind, sniff
from scene_model.photos.video.kinds import VIDEO_FORMATS, VIDEO_SUFFIXES

# As much as tells a video from a picture.
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class VideoContent:
    """A video on disk.

    sha256: of its bytes when it was read; empty where nobody asked. kind: one of `VIDEO_FORMATS`.
    """

    path: Path
    sha256: str
    file_bytes: int
    kind: str


Content = bytes | VideoContent


def read_content(path: Path, limits: PhotoLimits, with_hash: bool = True) -> Content:
    """Read a picture's file whole, or the hash of a video, by what the file begins with.

    with_hash: False for a video that is only decoded, which saves reading all of it. Raises
    UnreadableFile or FileTooLarge.
    """
    kind = _video_kind(path)
    if kind is None:
        return read_photo_file(path, limits)
    try:
        file_bytes = path.stat().st_size
        check_video_bytes(file_bytes, limits)
        sha256 = file_content_hash(path) if with_hash else ""
        return VideoContent(path, sha256, file_bytes, kind)
    except OSError as error:
        raise _unreadable(error) from error


def content_id(content: Content) -> str:
    """Return the SHA-256 of the content, the photo's id."""
    return content.sha256 if isinstance(content, VideoContent) else content_hash(content)


def content_bytes(content: Content) -> int:
    """Return the size of the content in bytes."""
    return content.file_bytes if isinstance(content, VideoContent) else len(content)


def check_named_bytes(name: str, file_bytes: int, limits: PhotoLimits) -> None:
    """Raise FileTooLarge for a file that is not here yet; videos are told by their names."""
    if Path(name).suffix.lower() in VIDEO_SUFFIXES:
        check_video_bytes(file_bytes, limits)
    else:
        check_file_bytes(file_bytes, limits)


def most_bytes(name: str, limits: PhotoLimits) -> int:
    """Return the largest size of a file that is accepted under a name."""
    is_video = Path(name).suffix.lower() in VIDEO_SUFFIXES
    return limits.max_video_bytes if is_video else limits.max_file_bytes


def _video_kind(path: Path) -> str | None:
    """Return the format of a video that is read; None for everything else."""
    try:
        if not path.is_file():
            raise UnreadableFile(f"{path.name} is not a regular file.")
        with path.open("rb") as file:
            sniffed = sniff(file.read(_HEAD_BYTES))
    except OSError as error:
        raise _unreadable(error) from error
    is_video = sniffed.kind is FileKind.VIDEO and sniffed.name in VIDEO_FORMATS
    return sniffed.name if is_video else None


def check_video_bytes(file_bytes: int, limits: PhotoLimits) -> None:
    """Raise FileTooLarge when a video has more bytes than the limit."""
    if file_bytes > limits.max_video_bytes:
        raise FileTooLarge(
            f"The video has {file_bytes:,} bytes; the limit is {limits.max_video_bytes:,}. "
            "Raise SCENE_MAX_VIDEO_BYTES to accept it."
        )


def _unreadable(error: OSError) -> UnreadableFile:
    reason = error.strerror or type(error).__name__
    return UnreadableFile(f"The file cannot be read: {reason}.")
