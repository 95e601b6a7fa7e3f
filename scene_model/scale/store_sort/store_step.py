"""One step of a sort to an object store: copy, verify, and for a move remove the source.

After a kill at any moment the file is at its source or, whole and verified, at its target.
"""

import contextlib
import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass

from scene_model.errors import FileSkipped
from scene_model.export.sorting.file_system import SortFileSystem, has_content
from scene_model.export.sorting.plan import Kind, Step
from scene_model.library.files.file_system import FULL
from scene_model.library.files.held_folder import READ, Entry, FolderTree
from scene_model.scale.reading.object_stores import MarkedObject
from scene_model.scale.store_sort.sort_objects import SortObjects
from scene_model.scale.store_sort.store_journal import StoreJournal

# S3 takes 5 GiB in one PUT, Azure 5,000 MiB; a request in parts could replace an object.
MAX_OBJECT_BYTES = 5_000_000_000
# Files above this are held in memory only one at a time.
_LARGE_BYTES = 64_000_000


@dataclass(frozen=True)
class StepContext:
    """What steps share. require_lock: raises SortRunning unless DEST's lock is still held."""

    journal: StoreJournal
    objects: SortObjects
    file_system: SortFileSystem
    require_lock: Callable[[], None]
    large: threading.Lock


def sort_step(context: StepContext, step: Step, tree: FolderTree) -> str:
    """Execute a step, also one that a kill cut off; returns the ETag of its object.

    Raises FileSkipped, OSError, or SortRunning when another run has taken DEST over.
    """
    source = tree.entry(step.source)
    try:
        status = source.lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        if (version := _moved_version(context, step)) is not None:
            return version
        raise FileSkipped(
            f"{step.source} no longer exists; it did when the sort was planned.",
            code="source_vanished",
        ) from error
    _require_unchanged(status, step)
    stored = context.objects.status(step.target)
    if _is_noted_copy(context.journal, step, stored):
        return stored.version if stored is not None else ""
    version = _put(context, step, source, stored)
    try:
        version = _verified(context, step, version)
        if context.journal.kind is Kind.MOVE:
            _remove_source(context, step, source)
    except (FileSkipped, OSError):
        with contextlib.suppress(FileSkipped, OSError):
            # A network drive can remove a file and report an error.
            if version and has_content(source, step.sha256):
                remove_ours(context, step, version)
        raise
    return version


def remove_ours(context: StepContext, step: Step, version: str) -> None:
    """Remove the object of a step if it is still the one of an ETag; raises FileSkipped.

    Stores remove whatever is at a key: between the question and the removal, a moment remains.
    """
    context.require_lock()
    status = context.objects.status(step.target)
    if status is None:
        return
    if status.mark != context.journal.mark(step) or status.version != version:
        raise changed(step)
    context.objects.remove(step.target)


def changed(step: Step) -> FileSkipped:
    """Return the error for an object that somebody replaced."""
    return FileSkipped(
        f"{step.target} was changed after it was sorted; it is left in place. It came from "
        f"{step.source}.",
        code="changed_since",
    )


def translate_os_error(error: OSError, step: Step) -> FileSkipped:
    """Translate the operating system's error about a step's file on this computer."""
    reason = error.strerror or type(error).__name__
    if isinstance(error, FileExistsError):
        return source_taken(step)
    if error.errno in FULL:
        return FileSkipped(
            f"No space left for {step.source} ({step.bytes / 1e6:,.1f} MB). Free some space, then "
            "try again.",
            code="target_full",
        )
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return FileSkipped(
            f"No permission to read, write or remove {step.source}: {reason}. Change the "
            "permissions, then run `resume`.",
            code="target_read_only",
        )
    if isinstance(error, NotADirectoryError):
        return FileSkipped(
            f"{error.filename} is a symbolic link or a file, which a sort does not follow. Move it "
            "away and try again.",
            code="target_taken",
        )
    return FileSkipped(f"{step.source} or {step.target} could not be sorted: {reason}.")


def source_taken(step: Step) -> FileSkipped:
    """Return the error for another file at the place of a moved one."""
    return FileSkipped(
        f"{step.source} is now a different file; {step.target} is left in place. Move one of them "
        "away and undo again.",
        code="target_taken",
    )


def _moved_version(context: StepContext, step: Step) -> str | None:
    """Return the ETag of the object of a file that was moved before a kill; None if it was not."""
    if context.journal.kind is not Kind.MOVE:
        return None
    status = context.objects.status(step.target)
    if status is None or status.mark != context.journal.mark(step):
        return None
    if status.version and context.journal.notes.versions.get(step.number) == status.version:
        return status.version
    return _verified(context, step, status.version)  # somebody else may have removed the source


def _require_unchanged(status: os.stat_result, step: Step) -> None:
    is_unchanged = (
        stat.S_ISREG(status.st_mode)
        and status.st_size == step.bytes
        and status.st_mtime_ns == step.mtime_ns
        and status.st_ino == step.inode
    )
    if not is_unchanged:
        raise _changed_source(step)


def _changed_source(step: Step) -> FileSkipped:
    return FileSkipped(
        f"{step.source} was changed after the sort was planned, so it was not sorted. Sort again.",
        code="changed_since",
    )


def _is_noted_copy(journal: StoreJournal, step: Step, stored: MarkedObject | None) -> bool:
    """Whether an object is the copy that was verified before, by the ETag that was noted."""
    version = journal.notes.versions.get(step.number)
    is_same = stored is not None and stored.mark == journal.mark(step) and stored.version == version
    return journal.kind is Kind.COPY and bool(version) and is_same


def _put(context: StepContext, step: Step, source: Entry, stored: MarkedObject | None) -> str:
    """Write the object; returns its ETag, empty where an earlier request wrote it."""
    if step.bytes > MAX_OBJECT_BYTES:
        raise FileSkipped(
            f"{step.source} has {step.bytes:,} bytes; at most {MAX_OBJECT_BYTES:,} go to a store "
            "in one request. Copy it with the store's own program.",
            code="too_large",
        )
    status = stored
    if status is None:
        large = context.large if step.bytes > _LARGE_BYTES else contextlib.nullcontext()
        with large:
            data = _content(source, step)
            version = context.objects.put_new(step.target, data, context.journal.mark(step))
        if version is not None:
            return version
        status = context.objects.status(step.target)
    if status is None or status.mark != context.journal.mark(step):
        raise FileSkipped(
            f"{step.target} was created after the sort was planned; it is not overwritten. Sort "
            "again.",
            code="target_taken",
        )
    return ""


def _content(source: Entry, step: Step) -> bytes:
    with os.fdopen(source.open(READ), "rb") as file:
        _require_unchanged(os.fstat(file.fileno()), step)
        # A file that grows meanwhile is noticed by its hash.
        data = file.read(step.bytes + 1)
    if hashlib.sha256(data).hexdigest() != step.sha256:
        raise _changed_source(step)
    return data


def _verified(context: StepContext, step: Step, version: str) -> str:
    """Read an object back; returns its ETag. version: as it was written; empty if not known."""
    answer = context.objects.read_back(step.target)
    if answer is None:
        raise FileSkipped(
            f"{step.target} was removed right after it was written. Sort again.",
            code="changed_since",
        )
    stored, sha256 = answer
    if version and stored.version != version:
        raise changed(step)
    if stored.mark != context.journal.mark(step):
        raise FileSkipped(
            f"{step.target} has lost its metadata, without which `undo` would not recognise it. "
            "This store cannot be sorted to.",
            code="copy_differs",
        )
    if sha256 != step.sha256:
        raise FileSkipped(
            f"{step.target}, read back, differs from {step.source}. Check the store.",
            code="copy_differs",
        )
    return stored.version


def _remove_source(context: StepContext, step: Step, source: Entry) -> None:
    context.require_lock()
    _require_unchanged(source.lstat(), step)
    context.file_system.remove_entry(source)
    with contextlib.suppress(OSError):  # the file is at its target, whatever happens now
        context.file_system.flush_entries(source.folder)
