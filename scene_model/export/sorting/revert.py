"""Revert a sort: each file returns to its source path, or is reported with the reason."""

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from scene_model.errors import FileSkipped
from scene_model.export.sorting.execute import (
    RealFolders,
    is_as_planned,
    remove_part,
    translate_os_error,
)
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import Journal
from scene_model.export.sorting.plan import Kind, Step


def revert(journal: Journal) -> Iterator[tuple[Step, FileSkipped | None]]:
    """Revert the steps of an open journal, last first; yields each with its error or None.

    A copy or a link is removed only if its source still exists unchanged: it could be the last
    copy. Reverting continues when the disk is too full for notes, because it may free space.
    """
    progress, not_done = journal.progress, journal.progress.failed - journal.progress.done
    folders = RealFolders(journal.dest)
    journal.note_if_room("undoing")
    for step in reversed(journal.steps):
        if step.number in progress.undone or step.number in not_done:
            continue
        error: FileSkipped | None = None
        try:
            folders.require(step.target)
            _revert_step(journal, step, was_done=step.number in progress.done)
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
        _remove_if_empty(folder, journal.file_system)
    restore_times(journal.times)


def restore_times(times: Mapping[str, tuple[int, int]]) -> None:
    """Restore folders' access and modification times, in ns."""
    for folder, times_ns in times.items():
        with contextlib.suppress(OSError):
            os.utime(folder, ns=times_ns)


def remove_journal(journal: Journal) -> None:
    """Remove the journal: the last step under DEST's lock."""
    journal.remove()
    _remove_if_empty(str(journal.path.parent), journal.file_system)


def remove_created_dest(journal: Journal) -> None:
    """Remove DEST if the sort created it; call after the lock file is removed."""
    for folder in reversed(journal.made):
        _remove_if_empty(folder, journal.file_system)
    restore_times(journal.times)


def _remove_if_empty(folder: str, file_system: SortFileSystem) -> None:
    with contextlib.suppress(OSError):  # not empty, or already removed
        file_system.remove_empty_folder(folder)


def _revert_step(journal: Journal, step: Step, was_done: bool) -> None:
    kind = journal.kind
    source, target = _lstat(step.source), _lstat(step.target)
    if kind is not Kind.HARDLINK:
        remove_part(journal, step, step.target, step.source)
        remove_part(journal, step, step.source, step.target)
    if kind is Kind.MOVE:
        _move_back(journal, step, source, target, was_done)
    elif target is not None:
        _remove_target(step, kind, journal.file_system, source, target, was_done)


def _move_back(
    journal: Journal,
    step: Step,
    source: os.stat_result | None,
    target: os.stat_result | None,
    was_done: bool,
) -> None:
    file_system = journal.file_system
    if source is None:
        if target is None:
            raise FileSkipped(
                f"Neither {step.target} nor {step.source} exists any more. If you moved the file, "
                "put it back and undo again.",
                code="source_vanished",
            )
        if not is_as_planned(step.target, step):
            raise _changed(step)
        _restore_source(journal, step)
    elif target is None:
        return  # never moved, or already reverted
    elif os.path.samestat(source, target):
        file_system.remove(Path(step.target))
    elif is_as_planned(step.source, step):
        # On two disks: cut off between the copy and the removal, of the sort or of its undo.
        if is_as_planned(step.target, step) and source.st_dev != target.st_dev:
            file_system.remove(Path(step.target))
        elif was_done:
            raise _changed(step)
    elif was_done:
        raise _source_taken(step)


def _restore_source(journal: Journal, step: Step) -> None:
    file_system = journal.file_system
    Path(step.source).parent.mkdir(parents=True, exist_ok=True)
    try:
        file_system.rename_new(step.target, step.source)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = journal.part_path(step.source, step)
        file_system.copy_new(step.target, step.source, part, step.sha256)
        file_system.remove(Path(step.target))


def _remove_target(
    step: Step,
    kind: Kind,
    file_system: SortFileSystem,
    source: os.stat_result | None,
    target: os.stat_result,
    was_done: bool,
) -> None:
    if source is not None and os.path.samestat(source, target):
        if kind is Kind.HARDLINK:
            file_system.remove(Path(step.target))
        elif was_done:
            raise _changed(step)
        return
    if not was_done and not (kind is Kind.COPY and is_as_planned(step.target, step)):
        return  # not written by the sort
    if not is_as_planned(step.target, step):
        raise _changed(step)
    if source is None or not is_as_planned(step.source, step):
        raise FileSkipped(
            f"{step.source} was removed or changed, so {step.target} may be the last copy and is "
            "not removed.",
            code="source_vanished",
        )
    file_system.remove(Path(step.target))


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


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _translate_os_error(error: OSError, step: Step) -> FileSkipped:
    if isinstance(error, FileExistsError):
        return _source_taken(step)
    return translate_os_error(error, step)
