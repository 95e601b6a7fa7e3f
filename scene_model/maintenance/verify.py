"""Checking a library: every original against its hash, every row against its files, both ways.

It only reads, unless it is told to repair. Repairing removes no file: what belongs to no photo
goes to LIBRARY/trash/orphans-DATE/, where it can be taken back from.
"""

import datetime
import io
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image
from sqlalchemy import Connection

from scene_model.errors import EmbeddingMissing, LibraryDamaged, PhotoNotFound, SceneError
from scene_model.library.inventory import (
    StoredPhoto,
    files_below,
    files_of,
    original_of,
    stored_photos,
)
from scene_model.library.store import Library
from scene_model.library.trash import finish_emptying, trash_dir, unfinished
from scene_model.photos.hashes import file_content_hash

# A file that was written just now may be part of an addition at work: it is looked at again
# after a while before it is called one that belongs to nothing.
_YOUNG_S = 60.0
SETTLE_S = 2.0

Watch = Callable[[int, int], None]
"""Gets the count of photos checked so far, and of all."""
LookAgain = Callable[[str], None]
"""Lets the network look at a photo again, and keeps what it sees; raises SceneError."""


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it should be.

    code: what scripts match on. photo: id of the photo, if it is one's. file: absolute path of
    the file, if it is one's. message: for the person who reads it. is_repaired: it was, and the
    message says how.
    """

    code: str
    message: str
    photo: str | None = None
    file: Path | None = None
    is_repaired: bool = False


@dataclass(frozen=True)
class Verified:
    """What a check found. orphans_dir: where a repair put what belongs to no photo."""

    photo_count: int
    problems: tuple[Problem, ...] = ()
    orphans_dir: Path | None = None

    @property
    def left(self) -> tuple[Problem, ...]:
        """Problems that are not repaired."""
        return tuple(problem for problem in self.problems if not problem.is_repaired)


@dataclass
class _Repair:
    """Where things are put out of the way; the folder is made when the first one comes."""

    library: Library
    name: str = field(
        default_factory=lambda: f"orphans-{datetime.datetime.now().astimezone():%Y-%m-%dT%H%M%S}"
    )

    @property
    def folder(self) -> Path:
        return trash_dir(self.library) / self.name

    def put_aside(self, path: Path) -> Path:
        """Move a file of the library; its place inside the folder tells where it was."""
        target = self.folder / path.relative_to(self.library.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        return path.rename(target)


def verify(
    library: Library,
    repair: bool = False,
    workers: int = 1,
    watch: Watch = lambda _done, _all: None,
    settle_s: float = SETTLE_S,
    look_again: LookAgain | None = None,
) -> Verified:
    """Check a library, which may be in use meanwhile; see the module for what repairing does.

    watch: told how far it is. look_again: what mends an embedding. settle_s: how long files
    written just now are given to find their row.
    """
    repairs = _Repair(library) if repair else None
    try:
        problems = list(_unfinished(library, repair))
        problems += _database(library, repairs)
        with library.database.reader.begin() as connection:
            photos = stored_photos(connection)
        problems += _photos(library, photos, _Mender(library, repair, look_again), workers, watch)
        problems += _strays(library, repairs, settle_s)
    except LibraryDamaged as error:
        broken = Problem("damaged_database", error.message)
        return Verified(0, (broken,))
    orphans = repairs.folder if repairs is not None and repairs.folder.is_dir() else None
    return Verified(len(photos), tuple(problems), orphans)


def _unfinished(library: Library, repair: bool) -> Iterator[Problem]:
    if repair:
        finish_emptying(library)
    for listing in unfinished(library):
        yield Problem(
            "unfinished_emptying",
            "Emptying the trash was cut off. Repairing goes on with it.",
            file=listing,
        )


def _database(library: Library, repairs: _Repair | None) -> Iterator[Problem]:
    with library.database.reader.begin() as connection:
        for (said,) in connection.exec_driver_sql("PRAGMA integrity_check"):
            if said != "ok":
                yield _damaged(said)
        lost = _rows_without_photo(connection)
    for table, row_ids in lost.items():
        problem = Problem(
            "row_without_photo",
            f"{len(row_ids):,} rows of the table {table} refer to rows that are not there.",
        )
        if repairs is not None:
            file = _put_rows_aside(repairs, table, row_ids)
            problem = replace(
                problem, message=f"{problem.message} Moved to {file.name}.", is_repaired=True
            )
        yield problem


def _damaged(said: str) -> Problem:
    return Problem(
        "damaged_database", f"The database is damaged: {said}. Restore the latest backup."
    )


def _rows_without_photo(connection: Connection) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for table, row_id, *_ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        found.setdefault(table, []).append(row_id)
    return found


def _put_rows_aside(repairs: _Repair, table: str, row_ids: Sequence[int]) -> Path:
    file = repairs.folder / f"{table}.jsonl"
    with repairs.library.database.writer.begin() as connection:
        # The names of tables come from SQLite itself.
        query = f"SELECT * FROM {table} WHERE rowid = ?"  # noqa: S608
        rows = [
            row._asdict()
            for row_id in row_ids
            for row in connection.exec_driver_sql(query, (row_id,))
        ]
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{json.dumps(row, default=str)}\n" for row in rows)
        file.write_text(lines, encoding="utf-8")
        for row_id in row_ids:
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE rowid = ?", (row_id,))  # noqa: S608
    return file


def _photos(
    library: Library, photos: Sequence[StoredPhoto], mender: "_Mender", workers: int, watch: Watch
) -> Iterator[Problem]:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="verify")

    def check(photo: StoredPhoto) -> list[Problem]:
        found = (_original(library, photo), _thumbnail(library, photo), _embedding(library, photo))
        return [mender.mend(problem) for problem in found if problem is not None]

    try:
        for done, problems in enumerate(pool.map(check, photos), 1):
            watch(done, len(photos))
            # The trash may have been emptied of it since its row was read.
            if problems and _is_there(library, problems[0].photo):
                yield from problems
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _original(library: Library, photo: StoredPhoto) -> Problem | None:
    path = original_of(library, photo)
    try:
        if not path.is_file():
            code, said = "missing_original", "is not there any more"
        elif file_content_hash(path) != photo.id:
            code, said = "changed_original", "is not what was added: its bytes changed"
        else:
            return None
    except OSError as error:
        code, said = "unreadable_original", f"cannot be read: {error.strerror}"
    advice = "Put it back there." if photo.reference else "Put it back from a backup."
    return Problem(code, f"{photo.name}: The original {said}. {advice}", photo.id, path)


def _thumbnail(library: Library, photo: StoredPhoto) -> Problem | None:
    path = library.files.thumbnail_location(photo.id)
    if not path.is_file():
        code, said = "missing_thumbnail", "is missing"
    elif not _is_picture(path):
        code, said = "damaged_thumbnail", "cannot be decoded"
    else:
        return None
    return Problem(code, f"{photo.name}: The thumbnail {said}.", photo.id, path)


def _embedding(library: Library, photo: StoredPhoto) -> Problem | None:
    try:
        library.embedding(photo.id)
    except EmbeddingMissing:
        said = "What the network saw is missing or damaged. Tagging the photo again mends it."
        return Problem("missing_embedding", f"{photo.name}: {said}", photo.id)
    except PhotoNotFound:
        return None
    return None


@dataclass(frozen=True)
class _Mender:
    """Makes anew what follows from an original that is sound."""

    library: Library
    is_asked: bool
    look_again: LookAgain | None

    def mend(self, problem: Problem) -> Problem:
        """Mend what can be mended; the problem then says so."""
        if not self.is_asked or problem.photo is None:
            return problem
        try:
            if problem.code in ("missing_thumbnail", "damaged_thumbnail"):
                self.library.files.new_thumbnail(self.library.photo(problem.photo))
            elif problem.code == "missing_embedding" and self.look_again is not None:
                self.look_again(problem.photo)
            else:
                return problem
        except (SceneError, OSError) as error:
            message = f"{problem.message} It cannot be made anew: {error}"
            return replace(problem, message=message)
        return replace(problem, message=f"{problem.message} Made anew.", is_repaired=True)


def _is_picture(path: Path) -> bool:
    try:
        with Image.open(io.BytesIO(path.read_bytes()), formats=("WEBP",)) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError):
        return False
    return True


def _is_there(library: Library, photo_id: str | None) -> bool:
    with library.database.reader.begin() as connection:
        query = "SELECT 1 FROM photos WHERE id = ?"
        return connection.exec_driver_sql(query, (photo_id,)).first() is not None


def _strays(library: Library, repairs: _Repair | None, settle_s: float) -> Iterator[Problem]:
    """Files that belong to no photo, those half written among them."""
    suspects = _unexpected(library, _candidates(library))
    if any(_is_young(path) for path in suspects):
        before = {path: _stamp(path) for path in suspects}
        time.sleep(settle_s)
        still = [path for path in suspects if (stamp := _stamp(path)) and stamp == before[path]]
        suspects = _unexpected(library, still)
    for path in suspects:
        problem = Problem(*_says_of(library, path), file=path)
        if repairs is None:
            yield problem
        else:
            yield from _put_aside(repairs, problem, path)


def _candidates(library: Library) -> Iterator[Path]:
    for name in ("originals", "thumbnails", "new"):
        yield from files_below(library.folder / name)


def _unexpected(library: Library, paths: Iterable[Path]) -> list[Path]:
    with library.database.reader.begin() as connection:
        photos = stored_photos(connection)
    expected = {path for photo in photos for path in files_of(library, photo)}
    return [path for path in paths if path not in expected]


def _says_of(library: Library, path: Path) -> tuple[str, str]:
    shown = path.relative_to(library.folder)
    # An earlier version of this program wrote beside the place a file was for.
    if shown.parts[0] == "new" or path.name.startswith(".new-"):
        return "leftover_file", f"{shown} was never written to its end."
    kind = "original" if shown.parts[0] == "originals" else "thumbnail"
    return f"orphan_{kind}", f"{shown} belongs to no photo."


def _put_aside(repairs: _Repair, problem: Problem, path: Path) -> Iterator[Problem]:
    """Move a stray out of the way, unless it has found its photo meanwhile."""
    library = repairs.library
    # Under the lock that adding takes, so that no row comes in between.
    with library.database.writer.begin() as connection:
        photo = stored_photos(connection, path.name.partition(".")[0])
        if photo and path in files_of(library, photo[0]):
            return
        try:
            target = repairs.put_aside(path)
        except FileNotFoundError:
            return
        except OSError as error:
            message = f"{problem.message} It cannot be moved: {error.strerror}."
            yield replace(problem, message=message)
            return
    shown = target.relative_to(library.folder)
    yield replace(problem, message=f"{problem.message} Moved to {shown}.", is_repaired=True)


def _is_young(path: Path) -> bool:
    stamp = _stamp(path)
    return stamp is not None and time.time() - stamp[0] / 1e9 < _YOUNG_S


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.lstat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
