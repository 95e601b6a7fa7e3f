"""Taking a sort back: every file at its old place, or named with the reason why not."""

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from scene_model.errors import ChangedSince, FileSkipped, SourceVanished, TargetTaken
from scene_model.export.sorting.execute import in_words, is_as_planned, part_of
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import Journal
from scene_model.export.sorting.plan import Kind, Step


def revert(journal: Journal) -> Iterator[tuple[Step, FileSkipped | None]]:
    """Take the steps of an open journal back, last first; yield each with what kept it.

    A copy or a link is removed only while its original is there and the same: it might be the
    last one. Undoing goes on where the journal finds no room for notes: it may make some.
    """
    progress, never = journal.progress, journal.progress.failed - journal.progress.done
    journal.note_if_room("undoing")
    for step in reversed(journal.steps):
        if step.number in progress.undone or step.number in never:
            continue
        error: FileSkipped | None = None
        try:
            _back(step, journal.kind, journal.file_system, was_done=step.number in progress.done)
        except OSError as problem:
            error = _in_words(problem, step)
        except FileSkipped as problem:
            error = problem
        if error is None:
            journal.note_if_room("undone", step.number)
        yield step, error


def tidy(journal: Journal) -> None:
    """Once all is back: remove the folders that were made, and give the others their times."""
    for folder in reversed(journal.folders):
        _drop(folder, journal.file_system)
    restore_times(journal.times)


def restore_times(times: Mapping[str, tuple[int, int]]) -> None:
    """Give folders that files left and came back to the times they had."""
    for folder, had in times.items():
        with contextlib.suppress(OSError):
            os.utime(folder, ns=had)


def forget(journal: Journal) -> None:
    """Remove the journal: the last thing while DEST is held."""
    journal.remove()
    _drop(str(journal.path.parent), journal.file_system)


def drop_made(journal: Journal) -> None:
    """Remove DEST if it was made for the sort, once the lock's name has gone from it."""
    for folder in reversed(journal.made):
        _drop(folder, journal.file_system)
    restore_times(journal.times)


def _drop(folder: str, file_system: SortFileSystem) -> None:
    with contextlib.suppress(OSError):  # something else is in it, or it is gone
        file_system.drop_folder(folder)


def _back(step: Step, kind: Kind, file_system: SortFileSystem, was_done: bool) -> None:
    source, target = _found(step.source), _found(step.target)
    for place in (step.source, step.target):
        part = part_of(place, step)
        if kind is not Kind.HARDLINK and os.path.lexists(part):
            file_system.remove(Path(part))
    if kind is Kind.MOVE:
        _move_back(step, file_system, source, target, was_done)
    elif target is not None:
        _remove_twin(step, kind, file_system, source, target, was_done)


def _move_back(
    step: Step,
    file_system: SortFileSystem,
    source: os.stat_result | None,
    target: os.stat_result | None,
    was_done: bool,
) -> None:
    if source is None:
        if target is None:
            raise SourceVanished(
                f"{step.target} is not there any more, and neither is {step.source}. If you moved "
                "it, put it back and undo again."
            )
        if not is_as_planned(step.target, step):
            raise _changed(step)
        _carry_back(step, file_system)
    elif target is None:
        return  # it never went, or is back
    elif os.path.samestat(source, target):
        file_system.remove(Path(step.target))
    elif is_as_planned(step.source, step):
        # On two disks: between the copy and the removal, of the sort or of this.
        if is_as_planned(step.target, step) and source.st_dev != target.st_dev:
            file_system.remove(Path(step.target))
        elif was_done:
            raise _changed(step)
    elif was_done:
        raise TargetTaken(
            f"Something else has come to be at {step.source}; {step.target} stays where it is. "
            "Move one of them away and undo again."
        )


def _carry_back(step: Step, file_system: SortFileSystem) -> None:
    Path(step.source).parent.mkdir(parents=True, exist_ok=True)
    try:
        file_system.rename_new(step.target, step.source)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        file_system.copy_new(step.target, step.source, part_of(step.source, step), step.sha256)
        file_system.remove(Path(step.target))


def _remove_twin(
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
        return  # somebody else's
    if not is_as_planned(step.target, step):
        raise _changed(step)
    if source is None or not is_as_planned(step.source, step):
        raise SourceVanished(
            f"{step.source} is not there any more, or was changed: {step.target} may be the last "
            "of that content and stays."
        )
    file_system.remove(Path(step.target))


def _changed(step: Step) -> ChangedSince:
    return ChangedSince(
        f"{step.target} was changed since it was put there; it stays, with your changes. "
        f"It came from {step.source}."
    )


def _found(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _in_words(error: OSError, step: Step) -> FileSkipped:
    if isinstance(error, FileExistsError):
        return TargetTaken(
            f"Something else has come to be at {step.source}; {step.target} stays where it is. "
            "Move one of them away and undo again."
        )
    return in_words(error, step)
