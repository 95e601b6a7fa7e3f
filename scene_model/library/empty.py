"""A library without photos, which answers for every visitor who has stored nothing yet."""

import errno
import os
from pathlib import Path
from typing import NoReturn

from sqlalchemy import event

from scene_model.errors import LibraryReadOnly
from scene_model.library.files.file_system import FileSystem
from scene_model.library.store import Library


class _Sealed(FileSystem):
    """File operations that write nothing once `is_sealed` is set."""

    is_sealed = False

    def before_step(self, step: str, path: Path) -> None:
        """Raise OSError after the library was made."""
        if self.is_sealed and not step.startswith("remove"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


class EmptyLibrary(Library):
    """Refuses every write: whoever writes needs a library of their own."""

    def __init__(self, folder: Path) -> None:
        """Make the library in a folder; raises LibraryUnavailable."""
        sealed = _Sealed()
        super().__init__(folder, sealed)
        sealed.is_sealed = True

        @event.listens_for(self.database.writer, "begin")
        def refuse(_: object) -> NoReturn:
            raise LibraryReadOnly(
                "This library holds nothing yet, so nothing in it can be changed. Reload the page, "
                "and add photos first."
            )
