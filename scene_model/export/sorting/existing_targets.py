"""What is at the targets of a plan already: in a folder of this computer, or elsewhere."""

import os
from pathlib import Path
from typing import Protocol

from scene_model.errors import FileSkipped
from scene_model.export.sorting.scan import SourceFile
from scene_model.photos.hashes import file_content_hash


class ExistingTargets(Protocol):
    """The place that photos are sorted into, as a plan asks about it; nothing is changed.

    separator: between the folders of a path. `scale` has those of an object store.
    """

    separator: str

    def names(self, folder: str, is_dest: bool) -> list[str]:
        """Return the names in a folder; none where it does not exist. Raises FileSkipped.

        is_dest: the folder is DEST itself, which may be a link.
        """
        ...

    def is_source(self, path: str, photo: SourceFile) -> bool:
        """Whether a path is the photo itself."""
        ...

    def content_hash(self, path: str, size: int) -> str | None:
        """Return the SHA-256 of the file at a path; None if its size is another, or unreadable.

        Raises FileSkipped where a store does not answer.
        """
        ...


class DiskTargets:
    """Folders of this computer."""

    separator = os.sep

    def names(self, folder: str, is_dest: bool) -> list[str]:
        """As `ExistingTargets.names`."""
        if is_dest and not os.path.lexists(folder):
            return []
        try:
            if not is_dest and Path(folder).is_symlink():
                raise FileSkipped(
                    f"{folder} is a symbolic link, which a sort does not follow.",
                    code="target_taken",
                )
            return os.listdir(folder)
        except OSError as error:
            raise FileSkipped(
                f"{folder} cannot be used as a folder: {error.strerror or error}. Choose "
                "another DEST.",
                code="target_taken",
            ) from error

    def is_source(self, path: str, photo: SourceFile) -> bool:
        """As `ExistingTargets.is_source`."""
        try:
            return path == photo.path and Path(path).lstat().st_ino == photo.inode
        except OSError:
            return False

    def content_hash(self, path: str, size: int) -> str | None:
        """As `ExistingTargets.content_hash`."""
        try:
            if Path(path).lstat().st_size != size or not Path(path).is_file():
                return None
            return file_content_hash(Path(path))
        except OSError:
            return None
