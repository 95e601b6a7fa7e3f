"""Files that a sender announces: their names and sizes, before any byte arrives."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from scene_model.errors import SceneError
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.photos.content import check_named_bytes
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.names import refusal_by_name


@dataclass(frozen=True)
class Announced:
    """A file that will be sent: its name, or its path in the folder that was dropped."""

    path: str
    file_bytes: int


def refusal(file: Announced, limits: PhotoLimits) -> SceneError | None:
    """Return why a file is refused by its name or size; None when it may be sent."""
    try:
        check_named_bytes(file.path, file.file_bytes, limits)
    except SceneError as error:
        return error
    return refusal_by_name(file.path)


def listed(number: int, file: Announced, now: str, is_archive: bool) -> IncomingFile:
    """Return the entry of a file in the list of its batch. now: ISO 8601 with offset."""
    shown = file.path.encode("utf-8", "replace").decode("utf-8")
    name = PurePosixPath(shown.replace("\\", "/")).name or shown
    return IncomingFile(name, file_of(number), now, file.file_bytes, shown, is_archive=is_archive)


def file_of(number: int) -> str:
    """Return the name inside its batch of the file with a number."""
    return f"{number:06d}"
