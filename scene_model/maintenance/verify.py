"""Check a library: its database, originals against their hashes, and files against rows.

The database comes first: nothing is compared with rows of a damaged one. Checking only reads.
With ``repair``, problems are repaired as they are found, see `repair`.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from scene_model.errors import (
    EmbeddingMissing,
    LibraryDamaged,
    PhotoError,
    PhotoNotFound,
    SceneError,
)
from scene_model.library.database.database_file import (
    DATABASE_NAME,
    ORIGINALS,
    PHOTO_ID,
    THUMBNAILS,
    WHAT_TO_DO,
    stored_files,
)
from scene_model.library.embeddings.backbone_embeddings import damaged_embeddings
from scene_model.library.inventory import (
    StoredPhoto,
    files_below,
    files_of,
    original_of,
    stored_photos,
)
from scene_model.library.store import Library
from scene_model.library.trash import unfinished_lists
from scene_model.maintenance.database_check import database_problems, page_problems
from scene_model.maintenance.problems import Problem, VerifyResult
from scene_model.maintenance.repair import RecomputeEmbedding, Repair
from scene_model.photos.decode import PhotoLimits, decode_photo
from scene_model.photos.hashes import file_content_hash
from scene_model.photos.video.kinds import VIDEO_FORMATS

# A recently written file may belong to an addition whose row is not written yet. It is reported
# only if it is unchanged and still without a row after SETTLE_S.
_RECENT_S = 60.0
SETTLE_S = 2.0
_THUMBNAIL_LIMITS = PhotoLimits(max_file_bytes=10_000_000, max_pixels=1_000_000)

OnProgress = Callable[[int, int], None]
"""Called with the number of photos checked so far, and the total."""


def verify(
    library: Library,
    repair: bool = False,
    workers: int = 1,
    on_progress: OnProgress = lambda _done, _total: None,
    settle_s: float = SETTLE_S,
    recompute_embedding: RecomputeEmbedding | None = None,
    is_database_checked: bool = False,
    fetch_remote: bool = False,
) -> VerifyResult:
    """Check a library, and repair it if asked; the library may be in use meanwhile.

    settle_s: how long recently written files are given to get their row. recompute_embedding:
    repairs missing embeddings; without it they are only reported. is_database_checked: the caller
    has called `damaged_database`. fetch_remote: fetch originals at URLs to check them; otherwise
    they are only counted.
    """
    if not is_database_checked:
        damage = damaged_database(library.folder, database_problems)
        if damage is not None:
            return damage  # what its rows say would lead repairs astray
    active_repair = Repair(library, recompute_embedding) if repair else None
    try:
        problems = list(_check_unfinished_emptying(library, active_repair))
        problems += _check_foreign_keys(library, active_repair)
        with library.database.reader.begin() as connection:
            photos = stored_photos(connection)
        foreign = [photo for photo in photos if not PHOTO_ID.fullmatch(photo.id)]
        problems += _check_ids(foreign, active_repair)
        photos = [photo for photo in photos if photo not in foreign]
        check = _check_fetched if fetch_remote else _check_original
        problems += _check_photos(library, photos, active_repair, workers, on_progress, check)
        problems += _check_orphans(library, active_repair, settle_s, len(photos))
    except LibraryDamaged as error:
        return VerifyResult(0, (Problem("damaged_database", error.message),))
    orphans_dir = active_repair.existing_orphans_dir if active_repair is not None else None
    remote = 0 if fetch_remote else sum(photo.remote_url is not None for photo in photos)
    return VerifyResult(len(photos), tuple(problems), orphans_dir, remote)


def damaged_database(
    folder: Path, problems_of: Callable[[Path], list[str]] = page_problems
) -> VerifyResult | None:
    """Check the database of a library; returns None when it is intact.

    problems_of: how thoroughly. Raises LibraryUnavailable when it cannot be opened.
    """
    file = folder / DATABASE_NAME
    messages = [f"The database is damaged: {problem}." for problem in problems_of(file)]
    if not messages:
        return None
    messages[0] += f" {WHAT_TO_DO}"
    problems = (Problem("damaged_database", message, file=file) for message in messages)
    return VerifyResult(0, tuple(problems))


def _check_unfinished_emptying(library: Library, repair: Repair | None) -> Iterator[Problem]:
    if repair is not None:
        repair.finish_emptying()
    for list_file in unfinished_lists(library):
        yield Problem(
            "unfinished_emptying",
            "Emptying the trash was interrupted. Repairing finishes it.",
            file=list_file,
        )


def _check_foreign_keys(library: Library, repair: Repair | None) -> Iterator[Problem]:
    with library.database.reader.begin() as connection:
        row_ids_by_table = _rows_without_photo(connection)
    for table, row_ids in row_ids_by_table.items():
        rows_refer = "1 row refers" if len(row_ids) == 1 else f"{len(row_ids):,} rows refer"
        problem = Problem(
            "row_without_photo",
            f"In the table {table}, {rows_refer} to a row that does not exist.",
        )
        yield problem if repair is None else repair.move_rows(problem, table, row_ids)


def _check_ids(foreign: Sequence[StoredPhoto], repair: Repair | None) -> Iterator[Problem]:
    """Check that ids are hashes: any other could name a file outside the library."""
    for photo in foreign:
        problem = Problem(
            "invalid_id", f"{photo.name}: The id {photo.id[:100]!r} is not the hash of a file."
        )
        yield problem if repair is None else repair.move_photo_row(problem, photo.id)


def _rows_without_photo(connection: Connection) -> dict[str, list[int]]:
    """Return the ids of rows that violate a foreign key, by table."""
    row_ids: dict[str, list[int]] = {}
    for table, row_id, *_ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        row_ids.setdefault(table, []).append(row_id)
    return row_ids


def _check_photos(
    library: Library,
    photos: Sequence[StoredPhoto],
    repair: Repair | None,
    workers: int,
    on_progress: OnProgress,
    check_original: Callable[[Library, StoredPhoto], Problem | None],
) -> Iterator[Problem]:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="verify")

    def check(photo: StoredPhoto) -> list[Problem]:
        checks = (
            *(check_original, _check_thumbnail, _check_frames),
            *(_check_embedding, _check_other_embeddings),
        )
        results = [check_file(library, photo) for check_file in checks]
        problems = [problem for problem in results if problem is not None]
        return problems if repair is None else [repair.recreate(problem) for problem in problems]

    try:
        for done, problems in enumerate(pool.map(check, photos), 1):
            on_progress(done, len(photos))
            # The photo may have been deleted from the trash since its row was read.
            if problems and _has_row(library, problems[0].photo):
                yield from problems
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _check_fetched(library: Library, photo: StoredPhoto) -> Problem | None:
    """Fetch an original at a URL, and check it; others as `_check_original`."""
    if photo.remote_url is None:
        return _check_original(library, photo)
    try:
        library.files.fetched.check(photo)
    except (SceneError, OSError) as error:
        code = error.code if isinstance(error, SceneError) else "unreadable_original"
        message = error.message if isinstance(error, SceneError) else str(error.strerror)
        return Problem(code, f"{photo.name}: {message}", photo.id)
    return None


def _check_original(library: Library, photo: StoredPhoto) -> Problem | None:
    if photo.remote_url is not None:
        return None  # nobody asked to fetch it
    path = original_of(library, photo)
    try:
        if not path.is_file():
            code, problem = "missing_original", "is missing"
        elif photo.reference is None and _is_linked(path):
            code, problem = "linked_original", "is a link, which a backup does not follow"
        elif file_content_hash(path) != photo.id:
            code, problem = "changed_original", "was changed on disk after it was added"
        else:
            return None
    except OSError as error:
        code, problem = "unreadable_original", f"cannot be read: {error.strerror}"
    advice = "Put the file back there." if photo.reference else "Restore it from a backup."
    return Problem(code, f"{photo.name}: The original {problem}. {advice}", photo.id, path)


def _is_linked(path: Path) -> bool:
    return path.is_symlink() or path.parent.is_symlink()


def _check_thumbnail(library: Library, photo: StoredPhoto) -> Problem | None:
    path = library.files.thumbnail_location(photo.id)
    if not path.is_file():
        code, problem = "missing_thumbnail", "is missing"
    elif not _is_decodable(path):
        code, problem = "damaged_thumbnail", "cannot be decoded"
    else:
        return None
    return Problem(code, f"{photo.name}: The thumbnail {problem}.", photo.id, path)


def _check_frames(library: Library, photo: StoredPhoto) -> Problem | None:
    if photo.format not in VIDEO_FORMATS:
        return None
    path = library.files.frames_location(photo.id)
    if not path.is_file():
        code, problem = "missing_frames", "are missing"
    elif not _is_decodable(path):
        code, problem = "damaged_frames", "cannot be decoded"
    else:
        return None
    return Problem(code, f"{photo.name}: The frames {problem}.", photo.id, path)


def _check_embedding(library: Library, photo: StoredPhoto) -> Problem | None:
    try:
        library.embedding(photo.id)
    except EmbeddingMissing:
        message = f"{photo.name}: The embedding is missing or damaged. Tag the photo again."
        return Problem("missing_embedding", message, photo.id)
    except PhotoNotFound:
        return None
    return None


def _check_other_embeddings(library: Library, photo: StoredPhoto) -> Problem | None:
    damaged = damaged_embeddings(library, photo.id)
    if not damaged:
        return None
    message = (
        f"{photo.name}: The embedding for the search is missing or damaged ({', '.join(damaged)}). "
        "Run `library embed` after a repair."
    )
    return Problem("missing_search_embedding", message, photo.id)


def _is_decodable(path: Path) -> bool:
    try:
        return decode_photo(path.read_bytes(), _THUMBNAIL_LIMITS, minimum=None).format == "WEBP"
    except (OSError, PhotoError):
        return False


def _has_row(library: Library, photo_id: str | None) -> bool:
    with library.database.reader.begin() as connection:
        query = "SELECT 1 FROM photos WHERE id = ?"
        return connection.exec_driver_sql(query, (photo_id,)).first() is not None


def _check_orphans(
    library: Library, repair: Repair | None, settle_s: float, photo_count: int
) -> Iterator[Problem]:
    """Find orphans: files that belong to no photo, including partly written files.

    photo_count: of the rows. When more originals than that have no row, rows were lost, and the
    files of photos stay where they are.
    """
    orphans = _without_row(library, _library_files(library))
    if any(_is_recent(path) for path in orphans):
        before = {path: _mtime_and_size(path) for path in orphans}
        time.sleep(settle_s)
        unchanged = [
            path
            for path in orphans
            if (current := _mtime_and_size(path)) and current == before[path]
        ]
        orphans = _without_row(library, unchanged)
    photo_files = set(orphans).intersection(
        (*stored_files(library.folder, ORIGINALS), *stored_files(library.folder, THUMBNAILS))
    )
    lost_count = sum(path.parts[-3] == ORIGINALS for path in photo_files)
    are_rows_lost = lost_count > photo_count
    for path in orphans:
        problem = _orphan_problem(library, path)
        if are_rows_lost and path in photo_files:
            yield replace(problem, message=f"{problem.message} {_rows_lost(lost_count)}")
        elif repair is None:
            yield problem
        else:
            yield from repair.move_orphan(problem, path)


def _rows_lost(count: int) -> str:
    originals = "1 original has" if count == 1 else f"{count:,} originals have"
    return (
        f"It is not moved, since {originals} no row, more than there are photos. Run `library "
        "rebuild`, or restore a backup."
    )


def _library_files(library: Library) -> Iterator[Path]:
    for name in ("originals", "thumbnails", "new"):
        yield from files_below(library.folder / name)


def _without_row(library: Library, paths: Iterable[Path]) -> list[Path]:
    with library.database.reader.begin() as connection:
        photos = stored_photos(connection)
    expected = {path for photo in photos for path in files_of(library, photo)}
    return [path for path in paths if path not in expected]


def _orphan_problem(library: Library, path: Path) -> Problem:
    relative = path.relative_to(library.folder)
    # An earlier version of this program wrote incomplete files next to their final place.
    if relative.parts[0] == "new" or path.name.startswith(".new-"):
        return Problem("leftover_file", f"{relative} is incomplete.", file=path)
    kind = "original" if relative.parts[0] == "originals" else "thumbnail"
    return Problem(f"orphan_{kind}", f"{relative} belongs to no photo.", file=path)


def _is_recent(path: Path) -> bool:
    stamp = _mtime_and_size(path)
    return stamp is not None and time.time() - stamp[0] / 1e9 < _RECENT_S


def _mtime_and_size(path: Path) -> tuple[int, int] | None:
    """Return the modification time in nanoseconds and the size; None when the file is gone."""
    try:
        stat = path.lstat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
