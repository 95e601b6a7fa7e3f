"""An exported folder, listed like an archive; its files are read where they are."""

import datetime
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from scene_model.errors import ArchiveError
from scene_model.ingest.archives.members import Member, ReadSmall, shown_path


class FolderSource:
    """A folder with everything below it; links are not followed."""

    def __init__(self, path: Path) -> None:
        """List its files; raises ArchiveError."""
        self.path = path
        self.unreadable: list[OSError] = []
        self.files = tuple(self._walk())
        if not self.files and self.unreadable:
            reason = self.unreadable[0].strerror
            raise ArchiveError(f"The folder {path.name} cannot be read: {reason}.")

    def listing(self, is_read: ReadSmall, limit: int) -> Iterator[tuple[Member, bytes | None]]:
        """Yield the files with the content of those picked.

        Files and folders that cannot be read are in ``unreadable``.
        """
        for number, path in enumerate(self.files):
            try:
                status = path.stat()
            except OSError as error:
                self.unreadable.append(error)
                continue
            try:
                changed = datetime.datetime.fromtimestamp(int(status.st_mtime)).isoformat()
            except (OSError, ValueError, OverflowError):
                changed = None
            relative = f"{self.path.name}/{path.relative_to(self.path).as_posix()}"
            member = Member(shown_path(relative), number, status.st_size, changed, file=str(path))
            data = None
            if status.st_size <= limit and is_read(member):
                try:
                    data = path.read_bytes()
                except OSError as error:
                    self.unreadable.append(error)
                    continue
            yield member, data

    def copy(self, number: int, target: Path) -> None:
        """Write the content of a file to another."""
        shutil.copyfile(self.files[number], target)

    def close(self) -> None:
        """Do nothing: no file is open."""

    def _walk(self) -> Iterator[Path]:
        for parent, folders, names in os.walk(self.path, onerror=self.unreadable.append):
            folders.sort()
            for name in sorted(names):
                path = Path(parent) / name
                if path.is_file() and not path.is_symlink():
                    yield path
