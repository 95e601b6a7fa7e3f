"""One sort from plan to proof, its undoing, and going on after a crash."""

import contextlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scene_model.errors import (
    FileSkipped,
    LibraryError,
    PathNotFound,
    SortRunning,
    SortUnfinished,
)
from scene_model.export.sorting.execute import execute, in_words
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import (
    Journal,
    Progress,
    journal_dir,
    last_journal,
    next_path,
    require_journal,
    write_journal,
)
from scene_model.export.sorting.plan import Kind, Plan, Step
from scene_model.export.sorting.revert import drop_made, forget, restore_times, revert, tidy
from scene_model.jobs.lock_file import acquire_lock
from scene_model.library.inventory import MovedFile

# Files that moved before libraries are told: few enough that a crash leaves few astray.
_TELL_EVERY = 200

# Tells the libraries that files moved; raises LibraryError.
Follow = Callable[[Sequence[MovedFile]], object]


class Outcome(NamedTuple):
    """One step taken, or back: its file, and what kept it, if so."""

    step: Step
    error: FileSkipped | None


def follow_nobody(moved: Sequence[MovedFile]) -> None:
    """Tell no library."""


def sort_files(
    plan: Plan,
    kind: Kind,
    source_folders: Sequence[str] = (),
    file_system: SortFileSystem | None = None,
    follow: Follow = follow_nobody,
) -> Generator[Outcome, None, None]:
    """Carry a plan out; yields each step when it is taken.

    source_folders: those files may leave, whose times undoing restores. Where DEST or the journal
    cannot be written, every step fails with the reason and nothing was touched. Raises
    SortRunning, SortUnfinished, JournalDamaged, and LibraryError when libraries could not be told.
    """
    if not plan.steps:
        return
    file_system, dest = file_system or SortFileSystem(), Path(plan.dest)
    missing = [str(folder) for folder in (dest, *dest.parents) if not os.path.lexists(folder)]
    above = [os.path.dirname(missing[-1])] if missing else []
    times = _times([*(source_folders if kind is Kind.MOVE else ()), *_existing(plan), *above])
    made: list[str] = []
    with contextlib.ExitStack() as stack:
        try:
            for folder in reversed(missing):
                file_system.make_one_folder(folder)
                made.append(folder)
            stack.enter_context(_claimed(dest))
            _require_finished(dest, file_system)
            journal = stack.enter_context(_begin(plan, kind, made, times, file_system))
        except OSError as error:
            stack.close()
            _unmake(made, dest)
            restore_times(times)
            yield from _all_stay(plan.steps, error)
            return
        yield from _acted(journal, follow, is_resumed=False)


def resume_sort(
    dest: Path, file_system: SortFileSystem | None = None, follow: Follow = follow_nobody
) -> Generator[Outcome, None, None]:
    """Go on with what a crash cut off: a sort, or its undoing; failed steps are tried again.

    Raises NothingSorted, SortRunning, JournalDamaged or LibraryError.
    """
    file_system, dest = file_system or SortFileSystem(), _absolute(dest)
    journal = require_journal(dest, file_system)
    if journal.progress.is_undoing:
        yield from undo_sort(dest, file_system, follow)
        return
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_claimed(dest))
            journal = stack.enter_context(require_journal(dest, file_system))
        except OSError as error:
            yield from _all_stay(journal.steps, error)
            return
        yield from _acted(journal, follow, is_resumed=True)


def undo_sort(
    dest: Path, file_system: SortFileSystem | None = None, follow: Follow = follow_nobody
) -> Generator[Outcome, None, None]:
    """Bring back what the last sort into a folder changed; yields each step when it is back.

    Raises NothingSorted, SortRunning, JournalDamaged or LibraryError.
    """
    file_system, dest = file_system or SortFileSystem(), _absolute(dest)
    journal = require_journal(dest, file_system)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_claimed(dest))
            journal = require_journal(dest, file_system)
            opened = stack.enter_context(contextlib.ExitStack())
            opened.enter_context(journal)
        except OSError as error:
            yield from _all_stay(journal.steps, error)
            return
        yield from _undone(journal, follow)
        opened.close()
        if journal.progress.is_all_back:
            forget(journal)
    if journal.progress.is_all_back:
        drop_made(journal)


def _acted(journal: Journal, follow: Follow, is_resumed: bool) -> Iterator[Outcome]:
    moved, reached, broken = _Moved(journal.kind, follow), 0, None
    try:
        for step, error in execute(journal, is_resumed):
            if error is None:
                moved.add(step, back=False)
            reached += 1
            yield Outcome(step, error)
    except OSError as error:  # the journal finds no room: the rest waits for `resume`
        broken = error
    moved.tell_all()
    if broken is None:
        journal.note_if_room("finished")
    else:
        yield from _all_stay(journal.steps[reached:], broken)


def _all_stay(steps: Sequence[Step], error: OSError) -> Iterator[Outcome]:
    """Say of each file why it was not touched: nothing can be written in DEST."""
    return (Outcome(step, in_words(error, step)) for step in steps)


def _undone(journal: Journal, follow: Follow) -> Iterator[Outcome]:
    moved, is_all_back = _Moved(journal.kind, follow), True
    for step in journal.steps:  # a crash may have come before libraries were told
        if step.number in journal.progress.undone:
            moved.add(step, back=True)
    for step, error in revert(journal):
        is_all_back &= error is None
        if error is None:
            moved.add(step, back=True)
        yield Outcome(step, error)
    moved.tell_all()
    journal.progress.is_all_back = is_all_back
    if is_all_back:
        tidy(journal)
    else:
        journal.note_if_room("settled")


class _Moved:
    """Files that moved and libraries have not been told of."""

    def __init__(self, kind: Kind, follow: Follow) -> None:
        self._is_move, self._follow = kind is Kind.MOVE, follow
        self._waiting: list[MovedFile] = []

    def add(self, step: Step, back: bool) -> None:
        """Tell of a step, sooner or later; a library that is busy is asked again at the end."""
        if not self._is_move:
            return
        places = (step.target, step.source) if back else (step.source, step.target)
        self._waiting.append(MovedFile(step.sha256, Path(places[0]), Path(places[1])))
        if len(self._waiting) % _TELL_EVERY == 0:
            with contextlib.suppress(LibraryError):
                self.tell_all()

    def tell_all(self) -> None:
        """Tell of all that wait; raises LibraryError."""
        if self._waiting:
            self._follow(self._waiting)
            self._waiting = []


@contextlib.contextmanager
def _claimed(dest: Path) -> Iterator[None]:
    """Hold DEST, so that no other sort works on it; raises SortRunning, or OSError."""
    claim = acquire_lock(journal_dir(dest))
    if claim is None:
        raise SortRunning(
            f"Another sort, undo or resume works on {dest}. Wait for its end, or stop it."
        )
    try:
        yield
    finally:
        claim.release()


def _require_finished(dest: Path, file_system: SortFileSystem) -> None:
    last = last_journal(dest, file_system)
    if last is not None and last.progress.is_cut_off:
        what = "undoing the last sort" if last.progress.is_undoing else "the last sort"
        raise SortUnfinished(
            f"In {dest}, {what} was cut off. Go on with it first (`resume`), or take it back "
            "(`undo`)."
        )


def _begin(
    plan: Plan,
    kind: Kind,
    made: list[str],
    times: dict[str, tuple[int, int]],
    file_system: SortFileSystem,
) -> Journal:
    journal = Journal(
        next_path(Path(plan.dest)),
        plan.dest,
        kind,
        made,
        plan.folders,
        times,
        plan.steps,
        Progress(),
        file_system,
    )
    write_journal(journal)
    return journal


def _unmake(made: list[str], dest: Path) -> None:
    with contextlib.suppress(OSError):
        journal_dir(dest).rmdir()
    for folder in reversed(made):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def _existing(plan: Plan) -> list[str]:
    """Folders that are there and get entries: DEST, and those the plan did not have to make."""
    new = set(plan.folders)
    # Those that hold files, and those that hold new folders.
    holding = {os.path.dirname(step.target) for step in plan.steps}
    holding |= {os.path.dirname(folder) for folder in plan.folders}
    return [folder for folder in dict.fromkeys([plan.dest, *sorted(holding)]) if folder not in new]


def _times(folders: Sequence[str]) -> dict[str, tuple[int, int]]:
    found = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            stat = os.stat(folder)
            found[folder] = (stat.st_atime_ns, stat.st_mtime_ns)
    return found


def _absolute(dest: Path) -> Path:
    path = dest.expanduser().absolute()
    if not path.is_dir():
        raise PathNotFound(f"There is no folder {dest}.")
    return path
