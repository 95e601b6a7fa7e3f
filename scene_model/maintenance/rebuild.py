"""Rebuild a library's database: the newest intact copy, and a row for every other original.

A file marks a database that is being rebuilt, so that nobody opens it half-built; a rebuild that
was interrupted continues with the next one.

LIBRARY/rebuilding                 the mark
LIBRARY/trash/database-DATE/       the database that was replaced
"""

import contextlib
import datetime
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scene_model.errors import EmbeddingMissing, OriginalChanged, SceneError
from scene_model.library.database.database_file import (
    DATABASE_NAME,
    ORIGINALS,
    REBUILDING_NAME,
    stored_files,
)
from scene_model.library.embeddings.backbone_embeddings import damaged_embeddings, forget_damaged
from scene_model.library.embeddings.embedding_files import remove_projections
from scene_model.library.files.file_system import (
    PRIVATE_FOLDER_MODE,
    PRIVATE_MODE,
    FileSystem,
    library_error,
)
from scene_model.library.store import Library
from scene_model.maintenance.daily_copy import database_copies
from scene_model.maintenance.database_check import database_problems
from scene_model.maintenance.restore import require_not_in_use
from scene_model.photos.hashes import file_content_hash

AddOriginal = Callable[[Path], object]
"""Classifies an original of the library and writes its row; raises SceneError."""
OnProgress = Callable[[int, int], None]
"""Called with the number of originals done so far, and the total."""


@dataclass(frozen=True)
class StartedRebuild:
    """What a rebuild begins with.

    copy: the copy that replaced the database; None where the database was intact, or none is.
    moved_aside: where the replaced database was moved.
    """

    copy: Path | None
    moved_aside: Path | None


@dataclass(frozen=True)
class RebuiltOriginal:
    """One original that had no row. error: why it still has none."""

    file: Path
    error: SceneError | None = None


def start_rebuild(folder: Path, with_copies: bool = True) -> StartedRebuild:
    """Put the newest intact copy in place of a missing or damaged database, and set the mark.

    with_copies: False begins with an empty database, and moves one aside that is intact. Raises
    LibraryInUse or LibraryUnavailable.
    """
    require_not_in_use(folder)
    file, is_continued = folder / DATABASE_NAME, (folder / REBUILDING_NAME).exists()
    try:
        _set_mark(folder)
        remove_projections(folder)
        is_kept = with_copies or is_continued
        if is_kept and _has_content(file) and not database_problems(file):
            return StartedRebuild(None, None)
        moved_aside = _move_aside(folder)
        copy = _newest_intact(folder) if with_copies else None
        if copy is not None:
            _put_in_place(copy, folder)
    except OSError as error:
        raise library_error(error, folder) from error
    return StartedRebuild(copy, moved_aside)


def add_missing_rows(
    library: Library,
    add_original: AddOriginal,
    on_progress: OnProgress = lambda _done, _total: None,
) -> Iterator[RebuiltOriginal]:
    """Add a row for each original that has none; yields each of them.

    A file whose content is not that of its name gets none.
    """
    existing_ids = {*library.find(), *library.find(trashed=True)}
    originals = [
        path
        for path in sorted(stored_files(library.folder, ORIGINALS))
        if path.stem not in existing_ids
    ]
    for done, path in enumerate(originals, 1):
        try:
            if file_content_hash(path) != path.stem:
                raise OriginalChanged(
                    f"{path} was changed on disk after it was added. Restore it from a backup."
                )
            add_original(path)
        except SceneError as error:
            yield RebuiltOriginal(path, error)
        except OSError as error:
            yield RebuiltOriginal(path, library_error(error, library.folder))
        else:
            yield RebuiltOriginal(path)
        on_progress(done, len(originals))


def without_embedding(library: Library) -> list[str]:
    """Return the photos whose embedding is not where their row says: the copy is older."""
    missing = []
    for photo_id in (*library.find(), *library.find(trashed=True)):
        try:
            library.embedding(photo_id)
        except EmbeddingMissing:
            missing.append(photo_id)
    return missing


def forget_moved_embeddings(library: Library) -> None:
    """Delete the rows of search embeddings that are not where these say: the copy is older."""
    for photo_id in (*library.find(), *library.find(trashed=True)):
        if damaged_embeddings(library, photo_id):
            forget_damaged(library, photo_id)


def finish_rebuild(folder: Path) -> None:
    """Remove the mark: the library may be opened again."""
    (folder / REBUILDING_NAME).unlink(missing_ok=True)


def _set_mark(folder: Path) -> None:
    descriptor = os.open(folder / REBUILDING_NAME, os.O_CREAT | os.O_WRONLY, PRIVATE_MODE)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    FileSystem().flush_folder(folder)


def _has_content(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 0


def _move_aside(folder: Path) -> Path | None:
    """Move the database and its log to the trash folder; returns where, None without any."""
    parts = [path for path in folder.glob(f"{DATABASE_NAME}*") if path.is_file()]
    if not any(map(_has_content, parts)):
        for path in parts:
            path.unlink()
        return None
    now = datetime.datetime.now().astimezone()
    target = folder / "trash" / f"database-{now:%Y-%m-%dT%H%M%S.%f}"
    target.mkdir(PRIVATE_FOLDER_MODE, parents=True)
    # The log first: left alone, it would be applied to the next database.
    for path in sorted(parts, reverse=True):
        path.rename(target / path.name)
    return target


def _newest_intact(folder: Path) -> Path | None:
    for copy in database_copies(folder):
        with contextlib.suppress(SceneError):
            if not database_problems(copy):
                return copy
    return None


def _put_in_place(copy: Path, folder: Path) -> None:
    new_dir = folder / "new"
    new_dir.mkdir(PRIVATE_FOLDER_MODE, exist_ok=True)
    temporary = new_dir / f"{DATABASE_NAME}.part"
    shutil.copyfile(copy, temporary)
    temporary.chmod(PRIVATE_MODE)
    with temporary.open("rb+") as opened:
        os.fsync(opened.fileno())
    temporary.replace(folder / DATABASE_NAME)
    FileSystem().flush_folder(folder)
