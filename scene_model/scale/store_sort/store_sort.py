"""Sort the photos of a folder to an object store, resume that, and undo it."""

import contextlib
import socket
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path

from scene_model.errors import (
    BatchError,
    FileSkipped,
    SortRunning,
    SortUnfinished,
    StoreUnavailable,
)
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.folder_times import read_times, restore_times
from scene_model.export.sorting.journal import common_folder
from scene_model.export.sorting.move_reports import MoveReporter
from scene_model.export.sorting.plan import Kind, Plan, Step
from scene_model.export.sorting.transaction import Outcome
from scene_model.jobs.in_order import in_order
from scene_model.library.files.file_system import FULL
from scene_model.library.files.held_folder import FolderTree
from scene_model.scale.object_parts import ObjectLock
from scene_model.scale.reading.object_stores import ObjectStores
from scene_model.scale.store_sort.sort_objects import SortObjects, StoreTargets, checked_dest
from scene_model.scale.store_sort.store_journal import State, StoreJournal, StoreJournals
from scene_model.scale.store_sort.store_revert import revert_step
from scene_model.scale.store_sort.store_step import StepContext, sort_step, translate_os_error
from scene_model.scale.store_sort.stored_file import FollowToStore, StoredFile, no_follow

# Each request waits for the store; the network is the limit long before this many threads are.
_WORKERS = 8
_TIMEOUT_S = 60.0
# Without recent notes, what runs after a kill reads objects that were verified before.
_NOTE_EVERY_S = 30.0


class StoreSort:
    """The sorts of a DEST in an object store. Methods raise StoreUnavailable and SortRunning."""

    def __init__(
        self,
        dest: str,
        copies: Path,
        file_system: SortFileSystem | None = None,
        follow: FollowToStore = no_follow,
        workers: int = _WORKERS,
    ) -> None:
        """dest: URL of the prefix. copies: see `StoreJournals`. Raises BatchError."""
        self.dest = checked_dest(dest)
        self._file_system, self._follow = file_system or SortFileSystem(), follow
        self._workers, self._copies = workers, copies.expanduser()
        self._objects = SortObjects(self._file_system, _TIMEOUT_S)
        self._journals = StoreJournals(self.dest, self._copies, self._file_system)

    def existing(self) -> StoreTargets:
        """List what DEST has already, for a plan."""
        return StoreTargets(self.dest, ObjectStores(_TIMEOUT_S), self._objects)

    def kind(self) -> Kind | None:
        """Return the kind of the last sort; None when it cannot be read."""
        return self._journals.last_kind()

    def sort(
        self, plan: Plan, kind: Kind, source_folders: Sequence[str] = ()
    ) -> Generator[Outcome, None, None]:
        """Execute a plan; yields each step when it is done.

        source_folders: see `sort_files`. When DEST cannot be written, every step fails with that
        error and nothing is changed. Raises SortUnfinished, and LibraryError when a library was
        not updated.
        """
        if not plan.steps:
            return
        with contextlib.ExitStack() as stack:
            try:
                lock = stack.enter_context(self._locked())
                self._require_finished()
                journal = self._begin(plan.steps, kind, source_folders)
            except (OSError, StoreUnavailable) as error:
                yield from (Outcome(step, self._not_begun(error)) for step in plan.steps)
                return
            yield from self._execute(journal, lock)

    def resume(self) -> Generator[Outcome, None, None]:
        """Resume a sort, or its undo, after a crash; failed steps are tried again.

        Raises NothingSorted, JournalDamaged, FolderRefused on another computer, or LibraryError.
        """
        with self._locked() as lock:
            self._journals.remove_leftovers()
            journal = self._journals.require()
            if journal.notes.state in (State.UNDOING, State.SETTLED):
                yield from self._revert(journal, lock)
            else:
                yield from self._execute(journal, lock)

    def undo(self, source: Path | None = None) -> Generator[Outcome, None, None]:
        """Undo the last sort; yields each step when it is reverted.

        source: the folder that stands for SOURCE on another computer. Raises as `resume`.
        """
        with self._locked() as lock:
            self._journals.remove_leftovers()
            yield from self._revert(self._journals.require(source), lock)

    def _begin(
        self, steps: Sequence[Step], kind: Kind, source_folders: Sequence[str]
    ) -> StoreJournal:
        root = source_folders[0] if source_folders else common_folder(steps)
        left = source_folders if kind is Kind.MOVE else ()
        with FolderTree(root) as tree:
            modes = [_mode(tree, step) for step in steps]
        times = read_times(left, [root])
        return self._journals.begin(kind, root, list(steps), modes, times)

    def _execute(self, journal: StoreJournal, lock: ObjectLock) -> Iterator[Outcome]:
        journal.notes.state, notes = State.SORTING, journal.notes
        reporter = MoveReporter(self._follow)
        context = self._context(journal, lock)
        noted_at = time.monotonic()

        def sort_group(steps: list[Step]) -> list[tuple[Outcome, str]]:
            with FolderTree(journal.source_root) as tree:
                return list(_sorted_group(context, steps, tree))

        for group in in_order(_groups(journal.steps), sort_group, self._workers):
            for outcome, version in group:
                number = outcome.step.number
                if outcome.error is None:
                    notes.failed.discard(number)
                    notes.versions[number] = version
                    if journal.kind is Kind.MOVE:
                        reporter.add(_moved(outcome.step, is_stored=True))
                else:
                    notes.failed.add(number)
                yield outcome
            if time.monotonic() - noted_at > _NOTE_EVERY_S:
                self._note_if_possible(journal)
                noted_at = time.monotonic()
        reporter.flush()
        notes.state = State.FINISHED
        self._note_if_possible(journal)

    def _revert(self, journal: StoreJournal, lock: ObjectLock) -> Iterator[Outcome]:
        journal.notes.state = State.UNDOING
        self._journals.note(journal)
        reporter = MoveReporter(self._follow)
        context, is_reverted = self._context(journal, lock), True

        def revert_group(steps: list[Step]) -> list[Outcome | None]:
            with FolderTree(journal.source_root) as tree:
                return [_reverted(context, step, tree) for step in reversed(steps)]

        groups = reversed(list(_groups(journal.steps)))
        for outcomes in in_order(groups, revert_group, self._workers):
            for outcome in outcomes:
                if outcome is None:
                    continue
                is_reverted &= outcome.error is None
                if outcome.error is None and journal.kind is Kind.MOVE:
                    reporter.add(_moved(outcome.step, is_stored=False))
                yield outcome
        reporter.flush()
        if is_reverted:
            restore_times(journal.times, [journal.source_root])
            self._require_lock(lock)
            self._journals.remove(journal)
        else:
            journal.notes.state = State.SETTLED
            self._note_if_possible(journal)

    def _context(self, journal: StoreJournal, lock: ObjectLock) -> StepContext:
        def require_lock() -> None:
            try:
                self._require_lock(lock)
            except StoreUnavailable as error:
                raise FileSkipped(error.message, code="target_unavailable") from error

        large = threading.Lock()
        return StepContext(journal, self._objects, self._file_system, require_lock, large)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[ObjectLock]:
        """Hold DEST's lock, an object; raises SortRunning while another sort has it."""
        self._file_system.before_step("lock", self.dest)
        try:
            lock = ObjectLock(self._journals.parts, "a sort, undo or resume in")
        except BatchError as error:
            raise SortRunning(error.message) from error
        try:
            yield lock
        finally:
            with contextlib.suppress(StoreUnavailable):  # it counts no more after a while
                lock.release()

    def _require_lock(self, lock: ObjectLock) -> None:
        if not lock.is_held():
            raise SortRunning(
                f"Another process has taken over the sort in {self.dest} from "
                f"{socket.gethostname()}, which was silent for too long. This one stops; nothing "
                "is lost."
            )

    def _require_finished(self) -> None:
        notes = self._journals.last_state()
        if notes is not None and notes.is_cut_off:
            operation = "undo of the last sort" if notes.state is State.UNDOING else "last sort"
            raise SortUnfinished(
                f"The {operation} in {self.dest} was interrupted. Run `resume` to complete it, or "
                "`undo` to revert the sort."
            )

    def _not_begun(self, error: OSError | StoreUnavailable) -> FileSkipped:
        if isinstance(error, OSError):
            message = (
                f"The journal of the sort cannot be written to {self._copies}: "
                f"{error.strerror or type(error).__name__}. Nothing was changed."
            )
            if error.errno in FULL:
                return FileSkipped(message, code="target_full")
            return FileSkipped(message, code="target_read_only")
        return FileSkipped(f"{error.message} Nothing was changed.", code="target_unavailable")

    def _note_if_possible(self, journal: StoreJournal) -> None:
        with contextlib.suppress(StoreUnavailable):  # the store and SOURCE show the same
            self._journals.note(journal)


def _sorted_group(
    context: StepContext, steps: Iterable[Step], tree: FolderTree
) -> Iterator[tuple[Outcome, str]]:
    """Execute the steps of a photo and its companions, which stay where it stays."""
    is_lead_sorted = True
    for step in steps:
        version, error = "", None
        try:
            if not is_lead_sorted:
                lead = Path(context.journal.steps[step.lead].source).name
                raise FileSkipped(f"It belongs to {lead}, which was not sorted.", code="lead_stays")
            version = sort_step(context, step, tree)
        except OSError as os_error:
            error = translate_os_error(os_error, step)
        except FileSkipped as skip:
            error = skip
        if step.lead == step.number:
            is_lead_sorted = error is None
        yield Outcome(step, error), version


def _reverted(context: StepContext, step: Step, tree: FolderTree) -> Outcome | None:
    """Revert a step; None when there was nothing to revert."""
    try:
        return Outcome(step, None) if revert_step(context, step, tree) else None
    except OSError as error:
        return Outcome(step, translate_os_error(error, step))
    except FileSkipped as error:
        return Outcome(step, error)


def _groups(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Yield each photo with its companions."""
    group: list[Step] = []
    for step in steps:
        if group and step.lead == step.number:
            yield group
            group = []
        group.append(step)
    if group:
        yield group


def _moved(step: Step, is_stored: bool) -> StoredFile:
    return StoredFile(step.sha256, Path(step.source), step.target, is_stored)


def _mode(tree: FolderTree, step: Step) -> int:
    with contextlib.suppress(OSError):  # the step itself says why it fails
        return tree.entry(step.source).lstat().st_mode & 0o777
    return 0o600
