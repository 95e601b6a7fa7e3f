"""Run a sort from its plan, undo it, and resume it after a crash."""

import contextlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scene_model.errors import (
    FileSkipped,
    FolderRefused,
    PathNotFound,
    SortRunning,
    SortUnfinished,
)
from scene_model.export.sorting.execute import execute, translate_os_error
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.folder_times import Times, read_times, restore_times
from scene_model.export.sorting.journal import (
    Journal,
    Progress,
    common_folder,
    journal_dir,
    last_journal,
    new_token,
    next_path,
    require_journal,
    require_journal_dir,
    write_journal,
)
from scene_model.export.sorting.move_reports import MoveReporter
from scene_model.export.sorting.plan import Kind, Plan, Step
from scene_model.export.sorting.revert import (
    clean_up,
    remove_created_dest,
    remove_journal,
    revert,
)
from scene_model.jobs.lock_file import acquire_lock, lock_path
from scene_model.library.inventory import MovedFile

# Updates the references of libraries after moves; raises LibraryError.
Follow = Callable[[Sequence[MovedFile]], object]


class Outcome(NamedTuple):
    """One executed or reverted step, with its error or None."""

    step: Step
    error: FileSkipped | None


def no_follow(moved: Sequence[MovedFile]) -> None:
    """Update no library."""


def sort_files(
    plan: Plan,
    kind: Kind,
    source_folders: Sequence[str] = (),
    file_system: SortFileSystem | None = None,
    follow: Follow = no_follow,
    run: str = "",
) -> Generator[Outcome, None, None]:
    """Execute a plan; yields each step when it is done.

    source_folders: SOURCE, then the folders in it that files may leave; undo restores their times.
    run: see `Journal`.
    When DEST or the journal cannot be written, every step fails with that error and nothing is
    changed. Raises SortRunning, SortUnfinished, JournalDamaged, FolderRefused when a link is in
    the place of our own files, and LibraryError when a library was not updated.
    """
    if not plan.steps:
        return
    file_system, dest = file_system or SortFileSystem(), Path(plan.dest)
    missing = [str(folder) for folder in (dest, *dest.parents) if not os.path.lexists(folder)]
    above = [os.path.dirname(missing[-1])] if missing else []
    source_root = source_folders[0] if source_folders else common_folder(plan.steps)
    roots = (plan.dest, source_root)
    left = source_folders if kind is Kind.MOVE else ()
    times = read_times([*left, *_existing_folders(plan), *above], roots)
    made: list[str] = []
    with contextlib.ExitStack() as stack:
        try:
            for folder in reversed(missing):
                file_system.make_folder(Path(folder))
                made.append(folder)
            stack.enter_context(_locked(dest))
            _require_finished(dest, file_system)
            journal = stack.enter_context(
                _begin(plan, kind, source_root, made, times, file_system, run)
            )
        except OSError as error:
            stack.close()
            _remove_created(made, dest)
            restore_times(times, roots)
            yield from _fail_all(plan.steps, error)
            return
        yield from _execute_all(journal, follow, is_resumed=False)


def resume_sort(
    dest: Path,
    file_system: SortFileSystem | None = None,
    follow: Follow = no_follow,
    run: str = "",
) -> Generator[Outcome, None, None]:
    """Resume a sort, or its undo, after a crash; failed steps are tried again.

    run: of which rule, see `Journal`; empty for the last sort. Raises NothingSorted, SortRunning,
    JournalDamaged, FolderRefused or LibraryError.
    """
    file_system, dest = file_system or SortFileSystem(), _absolute(dest)
    journal = require_journal(dest, file_system, run)
    if journal.progress.is_undoing:
        yield from undo_sort(dest, file_system, follow, run)
        return
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_locked(dest))
            journal = stack.enter_context(require_journal(dest, file_system, run))
        except OSError as error:
            yield from _fail_all(journal.steps, error)
            return
        yield from _execute_all(journal, follow, is_resumed=True)


def undo_sort(
    dest: Path,
    file_system: SortFileSystem | None = None,
    follow: Follow = no_follow,
    run: str = "",
) -> Generator[Outcome, None, None]:
    """Undo the last sort into a folder; yields each step when it is reverted.

    run: of which rule, see `Journal`; empty for the last sort. Raises NothingSorted, SortRunning,
    JournalDamaged, FolderRefused or LibraryError.
    """
    file_system, dest = file_system or SortFileSystem(), _absolute(dest)
    journal = require_journal(dest, file_system, run)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_locked(dest))
            journal = require_journal(dest, file_system, run)
            opened = stack.enter_context(contextlib.ExitStack())
            opened.enter_context(journal)
        except OSError as error:
            yield from _fail_all(journal.steps, error)
            return
        yield from _revert_all(journal, follow)
        opened.close()
        if journal.progress.is_reverted:
            remove_journal(journal)
    if journal.progress.is_reverted:
        remove_created_dest(journal)


def _execute_all(journal: Journal, follow: Follow, is_resumed: bool) -> Iterator[Outcome]:
    moves, count, journal_error = MoveReporter(follow), 0, None
    try:
        for step, error in execute(journal, is_resumed):
            if error is None and journal.kind is Kind.MOVE:
                moves.add(_moved(step))
            count += 1
            yield Outcome(step, error)
    except OSError as error:  # no space for the journal: `resume` does the remaining steps
        journal_error = error
    moves.flush()
    if journal_error is None:
        journal.note_if_room("finished")
    else:
        yield from _fail_all(journal.steps[count:], journal_error)


def _fail_all(steps: Sequence[Step], error: OSError) -> Iterator[Outcome]:
    """Yield every step as failed, because nothing can be written in DEST."""
    return (Outcome(step, translate_os_error(error, step)) for step in steps)


def _revert_all(journal: Journal, follow: Follow) -> Iterator[Outcome]:
    moves, is_reverted = MoveReporter(follow), True
    is_move = journal.kind is Kind.MOVE
    for step in journal.steps:  # a crash may have come before the libraries were updated
        if is_move and step.number in journal.progress.undone:
            moves.add(_moved_back(step))
    for step, error in revert(journal):
        is_reverted &= error is None
        if is_move and error is None:
            moves.add(_moved_back(step))
        yield Outcome(step, error)
    moves.flush()
    journal.progress.is_reverted = is_reverted
    if is_reverted:
        clean_up(journal)
    else:
        journal.note_if_room("settled")


def _moved(step: Step) -> MovedFile:
    return MovedFile(step.sha256, Path(step.source), Path(step.target))


def _moved_back(step: Step) -> MovedFile:
    return MovedFile(step.sha256, Path(step.target), Path(step.source))


@contextlib.contextmanager
def _locked(dest: Path) -> Iterator[None]:
    """Hold DEST's lock file; raises SortRunning when another sort holds it, or OSError.

    Raises FolderRefused when a link is in the place of the lock file or of the journals.
    """
    require_journal_dir(dest)
    if (path := lock_path(journal_dir(dest))).is_symlink():
        raise FolderRefused(
            f"{path} is a link, not the lock file that a sort makes there. Remove it, or choose "
            "another DEST."
        )
    lock = acquire_lock(journal_dir(dest))
    if lock is None:
        raise SortRunning(
            f"Another sort, undo or resume is running in {dest}. Wait until it ends, or stop it."
        )
    try:
        yield
    finally:
        lock.release()


def _require_finished(dest: Path, file_system: SortFileSystem) -> None:
    last = last_journal(dest, file_system)
    if last is not None and last.progress.is_cut_off:
        operation = "undo of the last sort" if last.progress.is_undoing else "last sort"
        raise SortUnfinished(
            f"The {operation} into {dest} was interrupted. Run `resume` to complete it, or `undo` "
            "to revert the sort."
        )


def _begin(
    plan: Plan,
    kind: Kind,
    source_root: str,
    made: list[str],
    times: Times,
    file_system: SortFileSystem,
    run: str,
) -> Journal:
    journal = Journal(
        path=next_path(Path(plan.dest)),
        dest=plan.dest,
        planned_dest=plan.dest,
        source_root=source_root,
        kind=kind,
        made=made,
        folders=plan.folders,
        times=times,
        steps=plan.steps,
        progress=Progress(),
        file_system=file_system,
        token=new_token(),
        run=run,
    )
    write_journal(journal)
    return journal


def _remove_created(made: list[str], dest: Path) -> None:
    with contextlib.suppress(OSError):
        journal_dir(dest).rmdir()
    for folder in reversed(made):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def _existing_folders(plan: Plan) -> list[str]:
    """Return the existing folders that get new entries, DEST among them."""
    new = set(plan.folders)
    parents = {os.path.dirname(step.target) for step in plan.steps}
    parents |= {os.path.dirname(folder) for folder in plan.folders}
    return [folder for folder in dict.fromkeys([plan.dest, *sorted(parents)]) if folder not in new]


def _absolute(dest: Path) -> Path:
    path = dest.expanduser().absolute()
    if not path.is_dir():
        raise PathNotFound(f"There is no folder {dest}.")
    return path
