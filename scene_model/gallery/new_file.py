"""Writing one new file: whole or not at all, and never over another."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from scene_model.errors import PathNotFound, TargetExists


@contextlib.contextmanager
def new_file(file: Path) -> Iterator[BinaryIO]:
    """Open FILE.part, which becomes FILE when all is written to it; else it is gone again.

    One that a kill left behind is written anew. Raises TargetExists or PathNotFound, and OSError
    as writing does.
    """
    if os.path.lexists(file):
        raise _exists(file)
    if not file.parent.is_dir():
        raise PathNotFound(f"There is no folder {file.parent} to write {file.name} to.")
    path = file.with_name(f"{file.name}.part")
    path.unlink(missing_ok=True)
    with path.open("xb") as part:
        identity = os.fstat(part.fileno())
        try:
            yield part
            part.flush()
            os.fsync(part.fileno())
            part.close()  # Windows renames no open file
            _publish(path, identity, file)
        finally:
            part.close()
            if _is(path, identity):
                path.unlink()


def _publish(path: Path, identity: os.stat_result, file: Path) -> None:
    """Give a whole file its name, unless something else took it meanwhile."""
    if not _is(path, identity):
        raise TargetExists(f"Another run began to write {file} meanwhile; this one is given up.")
    try:
        os.link(path, file)  # unlike a rename, never over another file
    except FileExistsError as error:
        raise _exists(file) from error
    except OSError:  # a file system without links: a memory card, say
        if os.path.lexists(file):
            raise _exists(file) from None
        path.rename(file)


def _exists(file: Path) -> TargetExists:
    return TargetExists(f"{file} is there already, and is not overwritten. Name another file.")


def _is(path: Path, identity: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), identity)
    except OSError:
        return False
