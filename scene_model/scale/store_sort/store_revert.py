"""Revert one step of a sort to an object store: what stays is never less than one whole copy."""

import contextlib
import os
import sys
import time

from scene_model.errors import FileSkipped
from scene_model.export.sorting.file_system import has_content, open_new
from scene_model.export.sorting.plan import Kind, Step
from scene_model.library.files.held_folder import Entry, FolderTree
from scene_model.scale.reading.object_stores import MarkedObject
from scene_model.scale.store_sort.store_step import (
    StepContext,
    changed,
    remove_ours,
    source_taken,
)


def revert_step(context: StepContext, step: Step, tree: FolderTree) -> bool:
    """Revert a step; returns whether there was anything to revert.

    Raises FileSkipped, OSError, or SortRunning when another run has taken DEST over.
    """
    source, notes = tree.entry(step.source), context.journal.notes
    stored = _status(context, step)
    is_ours = stored is not None and stored.mark == context.journal.mark(step)
    is_source_there = _is_there(source)
    if is_source_there or context.journal.kind is Kind.COPY:
        if stored is None or not is_ours:
            if stored is not None and step.number in notes.versions:
                raise changed(step)
            return step.number not in notes.failed
        _remove_copy(context, step, source, stored)
    elif stored is not None and is_ours:
        _move_back(context, step, source)
    elif step.number in notes.failed:
        return False  # it had vanished before it was sorted
    elif stored is not None:
        raise changed(step)
    else:
        raise FileSkipped(
            f"Neither {step.target} nor {step.source} exists any more. If you moved the file, put "
            "it back and undo again.",
            code="source_vanished",
        )
    return True


def _status(context: StepContext, step: Step) -> MarkedObject | None:
    try:
        return context.objects.status(step.target)
    except FileSkipped as skip:
        if skip.code == "name_unusable":  # so nothing was written there
            return None
        raise


def _is_there(source: Entry) -> bool:
    """Whether anything is at a source; False where its folder is gone. Raises OSError."""
    try:
        source.lstat()
    except FileNotFoundError:
        return False
    return True


def _remove_copy(context: StepContext, step: Step, source: Entry, stored: MarkedObject) -> None:
    """Remove an object whose source is still there."""
    if not _has_content(source, step):
        if context.journal.kind is Kind.MOVE:
            raise source_taken(step)
        raise FileSkipped(
            f"{step.source} was removed or changed, so {step.target} may be the last copy and is "
            "not removed.",
            code="source_vanished",
        )
    version = stored.version
    if not version or context.journal.notes.versions.get(step.number) != version:
        # No ETag was noted before a kill: the content decides.
        answer = context.objects.read_back(step.target)
        if answer is None or answer[1] != step.sha256:
            raise changed(step)
        version = answer[0].version
    remove_ours(context, step, version)


def _has_content(source: Entry, step: Step) -> bool:
    try:
        return has_content(source, step.sha256)
    except OSError:
        return False


def _move_back(context: StepContext, step: Step, source: Entry) -> None:
    """Download the file of a moved object, verify it, and remove the object."""
    file_system, part = context.file_system, context.journal.part(source, step)
    source.folder.create()
    file_system.remove_entry(part)  # left by a kill
    try:
        with open_new(part) as file:
            answer = context.objects.download(step.target, file)
            if answer is None or answer[1] != step.sha256:
                raise changed(step)
            file_system.before_step("flush", part.path)
            if sys.platform != "win32":
                os.fchmod(file.fileno(), context.journal.modes[step.number])
                os.utime(file.fileno(), ns=(time.time_ns(), step.mtime_ns))
            os.fsync(file.fileno())
        if sys.platform == "win32":  # where closing may change the time
            os.utime(part.path, ns=(time.time_ns(), step.mtime_ns))
        file_system.rename_new(part, source)
    except (FileSkipped, OSError):
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    file_system.flush_entries(source.folder)
    if not has_content(source, step.sha256):
        raise FileSkipped(
            f"{step.source} reads back different from what was written. Check the disk; "
            f"{step.target} is left in place.",
            code="copy_differs",
        )
    remove_ours(context, step, answer[0].version)
