"""Begin a batch on disk: the ways in which files are listed, and received before their job starts.

See `incoming` for the layout.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from scene_model.errors import LibraryFull
from scene_model.ingest.incoming import LIST_NAME, IncomingBatch, PendingFiles
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.jobs.lock_file import LockFile, acquire_lock
from scene_model.library.files.file_system import PRIVATE_FOLDER_MODE, FileSystem, library_error


def receive(
    incoming_dir: Path,
    files: Iterable[tuple[str, bytes]],
    uploaded_at: str,
    file_system: FileSystem | None = None,
) -> IncomingBatch:
    """Write uploads to disk, one file at a time; raises LibraryUnavailable or LibraryFull.

    All or nothing: when it fails, the files already written are removed.
    """
    file_system = file_system or FileSystem()
    job_id = secrets.token_hex(16)
    new_folder, folder = incoming_dir.parent / "new" / job_id, incoming_dir / job_id
    received = []
    try:
        file_system.make_folder(new_folder, PRIVATE_FOLDER_MODE)
        for number, (name, data) in enumerate(files):
            file_system.require_space(incoming_dir, len(data))
            shown = name.encode("utf-8", "replace").decode("utf-8")
            item = IncomingFile(shown, f"{number:06d}", uploaded_at)
            file_system.write_flushed(new_folder / item.file, data)
            received.append(item)
        lock_file = _publish(new_folder, folder, received, file_system)
    except LibraryFull:
        file_system.remove_folder(new_folder)
        raise
    except OSError as error:
        file_system.remove_folder(new_folder)
        raise library_error(error, incoming_dir) from error
    return IncomingBatch(folder, tuple(received), file_system, lock_file)


def receive_paths(
    incoming_dir: Path,
    paths: Iterable[Path],
    uploaded_at: str,
    by_reference: bool,
    file_system: FileSystem | None = None,
) -> IncomingBatch:
    """List files of this computer, to be read where they are; raises LibraryUnavailable."""
    items = [
        IncomingFile(
            path.name.encode("utf-8", "replace").decode("utf-8"),
            f"{number:06d}",
            uploaded_at,
            source=str(path.absolute()),
            by_reference=by_reference,
        )
        for number, path in enumerate(paths)
    ]
    return _write_list(incoming_dir, items, file_system or FileSystem())


def receive_scanned(
    incoming_dir: Path, items: Sequence[IncomingFile], file_system: FileSystem
) -> IncomingBatch:
    """List files of watched folders or of an inbox; raises LibraryUnavailable."""
    return _write_list(incoming_dir, items, file_system)


def receive_export(
    incoming_dir: Path, items: Sequence[IncomingFile], file_system: FileSystem
) -> IncomingBatch:
    """List files of archives and exported folders; raises LibraryUnavailable."""
    return replace(_write_list(incoming_dir, items, file_system), is_export=True)


def announce(
    incoming_dir: Path, items: Sequence[IncomingFile], file_system: FileSystem
) -> IncomingBatch:
    """List files that will be sent; raises LibraryUnavailable."""
    batch = _write_list(incoming_dir, items, file_system)
    has_archives = any(item.is_archive for item in items)
    return replace(batch, files=(), pending=PendingFiles(items), has_archives=has_archives)


def _write_list(
    incoming_dir: Path, items: Sequence[IncomingFile], file_system: FileSystem
) -> IncomingBatch:
    job_id = secrets.token_hex(16)
    new_folder, folder = incoming_dir.parent / "new" / job_id, incoming_dir / job_id
    try:
        file_system.make_folder(new_folder, PRIVATE_FOLDER_MODE)
        lock_file = _publish(new_folder, folder, items, file_system)
    except OSError as error:
        file_system.remove_folder(new_folder)
        raise library_error(error, incoming_dir) from error
    return IncomingBatch(folder, tuple(items), file_system, lock_file)


def _publish(
    new_folder: Path, folder: Path, items: Sequence[IncomingFile], file_system: FileSystem
) -> LockFile:
    """Write the list and move the folder into place, locked before it is visible.

    Raises OSError.
    """
    listing = json.dumps([asdict(item) for item in items])
    file_system.write_flushed(new_folder / LIST_NAME, listing.encode("utf-8"))
    file_system.flush_folder(new_folder)
    lock_file = acquire_lock(folder)
    if lock_file is None:
        raise FileExistsError(f"{folder} is locked by another process")
    try:
        file_system.before_step("rename", folder)
        new_folder.rename(folder)
        file_system.flush_folder(folder.parent)
    except BaseException:
        lock_file.release()
        raise
    return lock_file
