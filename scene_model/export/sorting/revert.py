"""Revert a sort: each file returns to its source path, or is reported with the reason."""

import contextlib
import errno
import os
from collections.abc import Iterator

from scene_model.errors import FileSkipped
from scene_model.export.sorting.execute import is_as_planned, remove_part, translate_os_error
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.folder_times import restore_times
from scene_model.export.sorting.journal import Journal
from scene_model.export.sorting.plan import Kind, Step
from scene_model.library.files.held_folder import Entry, FolderTree


def revert(journal: Journal) -> Iterator[tuple[Step, FileSkipped | None]]:
    """Revert the steps of an open journal, last first; yields each with its error or None.

    A copy or a link is removed only if its source still exists unchanged: it could be the last
    copy. Reverting continues when the disk is too full for notes, because it may free space.
    """
    progress, not_done = journal.progress, journal.progress.failed - journal.progress.done
    journal.note_if_room("undoing")
    for step in reversed(journal.steps):
        if step.number in progress.undone or step.number in not_done:
            continue
        error: FileSkipped | None = None
        try:
            source, target = journal.source(step), journal.target(step)
            _revert_step(journal, step, source, target, step.number in progress.done)
        except OSError as os_error:
            error = _translate_os_error(os_error, step)
        except FileSkipped as skip:
            error = skip
        if error is None:
            journal.note_if_room("undone", step.number)
        yield step, error


def clean_up(journal: Journal) -> None:
    """After a complete revert: remove created folders and restore the times of the others."""
    for folder in reversed(journal.folders):
        _remove_if_empty(journal.target_tree, folder, journal.file_system)
    restore_times(journal.times, journal.roots)


def remove_journal(journal: Journal) -> None:
    """Remove the journal: the last step under DEST's lock."""
    journal.remove()
    with FolderTree(journal.dest) as tree:
        _remove_if_empty(tree, str(journal.path.parent), journal.file_system)


def remove_created_dest(journal: Journal) -> None:
    """Remove DEST if the sort created it; call after the lock file is removed."""
    for folder in reversed(journal.made):
        with FolderTree(os.path.dirname(folder)) as tree:
            _remove_if_empty(tree, folder, journal.file_system)
    restore_times(journal.times, journal.roots)


def _remove_if_empty(tree: FolderTree, folder: str, file_system: SortFileSystem) -> None:
    with contextlib.suppress(OSError):  # not empty, or already removed
        file_system.remove_empty_folder(tree.entry(folder))


def _revert_step(
    journal: Journal, step: Step, source: Entry, target: Entry, was_done: bool
) -> None:
    is_target_there = _status(target) is not None  # a link instead of its folder is refused
    if journal.kind is not Kind.HARDLINK:
        remove_part(journal, step, target, source)
        remove_part(journal, step, source, target)
    if journal.kind is Kind.MOVE:
        _move_back(journal, step, source, target, was_done)
    elif is_target_there:
        _remove_target(journal, step, source, target, was_done)


def _move_back(journal: Journal, step: Step, source: Entry, target: Entry, was_done: bool) -> None:
    file_system = journal.file_system
    source_status, target_status = _source_status(source), _status(target)
    if source_status is None:
        if target_status is None:
            raise FileSkipped(
                f"Neither {step.target} nor {step.source} exists any more. If you moved the file, "
                "put it back and undo again.",
                code="source_vanished",
            )
        if not is_as_planned(target, step):
            raise _changed(step)
        _restore_source(journal, step, source, target)
    elif target_status is None:
        return  # never moved, or already reverted
    elif os.path.samestat(source_status, target_status):
        file_system.remove_entry(target)
    elif is_as_planned(source, step):
        # On two disks: cut off between the copy and the removal, of the sort or of its undo.
        if is_as_planned(target, step) and source_status.st_dev != target_status.st_dev:
            file_system.remove_entry(target)
        elif was_done:
            raise _changed(step)
    elif was_done:
        raise _source_taken(step)


def _restore_source(journal: Journal, step: Step, source: Entry, target: Entry) -> None:
    file_system = journal.file_system
    source.folder.create()
    try:
        file_system.rename_new(target, source)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        file_system.copy_new(target, source, journal.part(source, step), step.sha256)
        file_system.remove_entry(target)


def _remove_target(
    journal: Journal, step: Step, source: Entry, target: Entry, was_done: bool
) -> None:
    source_status = _source_status(source)
    if source_status is not None and os.path.samestat(source_status, target.lstat()):
        if journal.kind is Kind.HARDLINK:
            journal.file_system.remove_entry(target)
        elif was_done:
            raise _changed(step)
        return
    if not was_done and not (journal.kind is Kind.COPY and is_as_planned(target, step)):
        return  # not written by the sort
    if not is_as_planned(target, step):
        raise _changed(step)
    if source_status is None or not is_as_planned(source, step):
        raise FileSkipped(
            f"{step.source} was removed or changed, so {step.target} may be the last copy and is "
            "not removed.",
            code="source_vanished",
        )
    journal.file_system.remove_entry(target)


def _changed(step: Step) -> FileSkipped:
    return FileSkipped(
        f"{step.target} was changed after it was sorted; it is left in place, with your changes. "
        f"It came from {step.source}.",
        code="changed_since",
    )


def _source_taken(step: Step) -> FileSkipped:
    return FileSkipped(
        f"{step.source} is now a different file; {step.target} is left in place. Move one of them "
        "away and undo again.",
        code="target_taken",
    )


def _status(entry: Entry) -> os.stat_result | None:
    try:
        return entry.lstat()
    except FileNotFoundError:
        return None


def _source_status(source: Entry) -> os.stat_result | None:
    """Return a source's status; None when it, or its folder, is gone or was replaced."""
    with contextlib.suppress(NotADirectoryError):
        return _status(source)
    return None


def _translate_os_error(error: OSError, step: Step) -> FileSkipped:
    if isinstance(error, FileExistsError):
        return _source_taken(step)
    return translate_os_error(error, step)
