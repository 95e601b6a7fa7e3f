"""Copies of photos that rules make in folders, with the journal of a sort; undone with their run.

After the transaction of a run its photos are copied as `sort --copy` does it. Each run has journals
of its own in the folder, named by the run's token. So a start after a kill continues what is
begun, and undoing a run removes exactly its copies.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scene_model.classifier.model import CurrentModel, Model
from scene_model.errors import (
    FileSkipped,
    InvalidRule,
    NothingSorted,
    SceneError,
    SortRunning,
    UnreadableFile,
)
from scene_model.export.archive import safe_name
from scene_model.export.sorting.classification import BY_CLASS, Classification
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import Journal, journals_of_run
from scene_model.export.sorting.layout import Layout
from scene_model.export.sorting.plan import Kind, Plan, ScannedPhoto, Untouched, make_plan
from scene_model.export.sorting.scan import Group, SkippedFile, SourceFile, is_library_folder
from scene_model.export.sorting.transaction import Outcome, resume_sort, sort_files, undo_sort
from scene_model.jobs.lock_file import acquire_lock
from scene_model.library.held_folder import FolderTree
from scene_model.library.rules.dry_run import DryRun
from scene_model.library.rules.rule_actions import Action, copy_action, copy_folder_problem
from scene_model.library.rules.run_copies import (
    CopyState,
    RunCopies,
    copied_photos,
    settle_copies,
    unfinished_copies,
)
from scene_model.library.rules.run_rows import RuleRun, find_run
from scene_model.library.rules.run_undo import undo_run
from scene_model.library.store import Library

_LOCK_NAME = "rule-copies"
# What is for the owner of a computer alone, in words.
COPYING = "copy photos into folders of the server's disk"
# What concerns one file; anything else would fail the next files, too.
_OF_ONE_FILE = ("source_vanished", "changed_since", "target_taken", "name_too_long")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _StoredFile(SourceFile):
    """An original in the library; its file there may have another name."""

    stored_name: str

    @property
    def name(self) -> str:
        """The name of the photo."""
        return self.stored_name


class RuleCopier:
    """Copies what runs of rules have to copy, and removes it again when they are undone."""

    def __init__(
        self,
        library: Library,
        model: CurrentModel | None = None,
        file_system: SortFileSystem | None = None,
        require_personal: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Set up.

        model: for the destinations; without one, copies are only removed. require_personal: raises
        NotForVisitors on a shared server, where a rule that copies pauses.
        """
        self._library, self._model = library, model
        self._require_personal = require_personal
        self._file_system = file_system or SortFileSystem()

    def finish(self) -> None:
        """Do what is left to do of all runs, also of a process that was killed.

        If another process is at it, that one does it. What fails is recorded with its run.
        """
        postponed: set[tuple[int, str]] = set()
        while runs := [r for r in self._unfinished() if (r.run_id, r.state) not in postponed]:
            lock = acquire_lock(self._library.folder / _LOCK_NAME)
            if lock is None:
                return
            try:
                # Read again: another process may have done them before we got the lock.
                states = {run.run_id: run for run in self._unfinished()}
                for run in (states[run.run_id] for run in runs if run.run_id in states):
                    if (run.run_id, run.state) in postponed or not self._finish(run):
                        postponed.add((run.run_id, run.state))
            finally:
                lock.release()

    def preview(self, shown: DryRun) -> DryRun:
        """Return a dry run with what would be copied where."""
        action = copy_action(shown.rule.actions)
        if action is None or not shown.copied:
            return shown
        plan = self._plan(shown.copied, Path(action.value), action.layout)
        folders = Counter(
            Path(step.target).parent.relative_to(plan.dest).as_posix() for step in plan.steps
        )
        errors = [file.reason for file in plan.untouched if file.error is not None]
        return replace(
            shown,
            folders=tuple(sorted(folders.items())),
            in_place=len(plan.untouched) - len(errors),
            not_copied=len(errors),
            first_reason=errors[0] if errors else None,
        )

    def _unfinished(self) -> list[RunCopies]:
        runs = unfinished_copies(self._library)
        return [run for run in runs if self._model or run.state is CopyState.UNDOING]

    def _finish(self, run: RunCopies) -> bool:
        """Copy or remove what a run has to; False where it must wait for something."""
        try:
            if run.state is CopyState.UNDOING:
                self._remove(run)
            else:
                self._copy(run)
        except SortRunning:
            return False
        except Exception as error:  # one bad run never fails the others
            if not isinstance(error, SceneError | OSError):
                logger.exception("the copies of a rule failed")
            return self._failed(run, str(getattr(error, "message", error)))
        return True

    def _failed(self, run: RunCopies, reason: str) -> bool:
        if run.state is CopyState.UNDOING:  # tried again at the next start
            note = f"Its copies are not removed yet. {reason}"
            settle_copies(self._library, run, CopyState.UNDOING, None, note)
            return False
        settle_copies(self._library, run, CopyState.FAILED, None, reason)
        return True

    def _copy(self, run: RunCopies) -> None:
        self._require_personal(COPYING)
        if problem := copy_folder_problem(run.folder):
            raise InvalidRule(problem)
        outcomes = list(self._copied(run))
        count = sum(isinstance(o, Outcome) and o.error is None for o in outcomes)
        if gone := copy_folder_problem(run.folder):  # its disk was unplugged
            raise InvalidRule(gone)
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        stopping = [error for error in errors if not _is_of_one_file(error)]
        reason = next(iter(stopping or errors), None)
        note = None if reason is None else _note(reason.message, len(errors), "copied")
        state = CopyState.FAILED if stopping else CopyState.DONE
        settle_copies(self._library, run, state, count, note)

    def _copied(self, run: RunCopies) -> Iterator[Outcome | Untouched]:
        """Copy the photos of a run, those of each drive with a journal of its own."""
        photo_ids = copied_photos(self._library, run.run_id)
        for drive, ids in _by_drive(self._library, photo_ids).items():
            name = f"{run.token} {drive}"
            begun = journals_of_run(run.folder, name, self._file_system)
            if begun:  # before a kill, or until the disk was full
                if not begun[0].progress.is_undoing:  # else a person took it back in the folder
                    _make_folders(begun[0])
                    yield from resume_sort(run.folder, self._file_system, run=name)
                planned = {step.sha256 for step in begun[0].steps}
                others = [photo_id for photo_id in ids if photo_id not in planned]
                yield from self._plan(others, run.folder, run.layout).untouched
                continue
            plan = self._plan(ids, run.folder, run.layout)
            yield from plan.untouched
            yield from sort_files(plan, Kind.COPY, file_system=self._file_system, run=name)

    def _remove(self, run: RunCopies) -> None:
        if not run.folder.is_dir():
            raise InvalidRule(f"The folder {run.folder} does not exist. Connect its disk.")
        count, errors = 0, []
        # A run with photos of several drives has several journals.
        for journal in journals_of_run(run.folder, run.token, self._file_system):
            with contextlib.suppress(NothingSorted):
                undone = undo_sort(run.folder, self._file_system, run=journal.run)
                for outcome in undone:
                    count += outcome.error is None
                    errors += [outcome.error] if outcome.error else []
        note = _note(errors[0].message, len(errors), "removed") if errors else None
        settle_copies(self._library, run, CopyState.UNDONE, len(errors), note)

    def _plan(self, photo_ids: Sequence[str], folder: Path, template: str) -> Plan:
        assert self._model is not None  # noqa: S101 - `_unfinished` sees to it
        layout = Layout(template)
        model = Model(self._model.classifier, self._model.vocabulary, self._model.albums)
        classification = Classification(model, self._library, BY_CLASS, layout=layout)
        unreadable: list[Untouched] = []
        groups: list[tuple[Group, str]] = []
        for photo in self._library.records(photo_ids):
            try:
                path = self._library.files.original(photo).resolve()
                status = path.stat()
            except (SceneError, OSError) as error:
                unreadable.append(_untouched(photo.name, error))
                continue
            file = _StoredFile(
                str(path), status.st_size, status.st_mtime_ns, status.st_ino, safe_name(photo.name)
            )
            groups.append((Group(file), photo.id))

        def scanned() -> Iterator[ScannedPhoto]:
            for item in classification.of_stored(groups):
                if isinstance(item, SkippedFile):
                    unreadable.append(Untouched(item.path, item.error.message, item.error))
                else:
                    yield item

        plan = make_plan(scanned(), folder, layout, classification.noun)
        plan.untouched = unreadable + plan.untouched
        return plan


@dataclass(frozen=True)
class UndoneRun:
    """What undoing a run did. photo_count: photos in the library that were changed back.

    copy_count: copies that were removed. run: the run afterwards, which names those that stay.
    """

    photo_count: int
    copy_count: int
    run: RuleRun


def undo_with_copies(
    library: Library, run_id: int, file_system: SortFileSystem | None = None
) -> UndoneRun:
    """Undo a run and remove its copies; raises RuleNotFound.

    A copy that was changed stays, and one whose original is gone.
    """
    before = find_run(library, run_id).copy_count or 0
    photo_count = undo_run(library, run_id)
    RuleCopier(library, file_system=file_system).finish()
    run = find_run(library, run_id)
    return UndoneRun(photo_count, max(0, before - (run.copy_count or 0)), run)


def checked_copy(action: Action) -> Action:
    """Return an action that copies, with its folder as an absolute path without links.

    Raises InvalidRule or InvalidLayout.
    """
    template = action.layout.strip()
    Layout(template)
    folder = Path(action.value.strip()).expanduser()
    if not action.value.strip() or not folder.is_absolute():
        raise InvalidRule(
            f"{action.value!r} is not the full path of a folder, such as "
            f"{Path.home() / 'Pictures'}. Type where the photos are copied to."
        )
    folder = folder.resolve()
    if problem := copy_folder_problem(folder):
        raise InvalidRule(problem)
    for above in (folder, *folder.parents):
        if is_library_folder(str(above)):
            raise InvalidRule(
                f"{folder} belongs to the library in {above}; photos cannot be copied into a "
                "library. Choose another folder."
            )
    return Action(action.kind, str(folder), template)


def _make_folders(journal: Journal) -> None:
    """Make the folders of copies that the undo of another run removed since they were planned."""
    with FolderTree(journal.dest) as tree:
        for folder in sorted({str(Path(step.target).parent) for step in journal.steps}):
            with contextlib.suppress(OSError):  # each step then says why it fails
                tree.folder(folder).create()


def _by_drive(library: Library, photo_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the ids by the drive of the original: a journal names files of one drive only."""
    by_drive: dict[str, list[str]] = {}
    for photo in library.records(photo_ids):
        by_drive.setdefault(library.files.location(photo).absolute().anchor, []).append(photo.id)
    return dict(sorted(by_drive.items()))


def _is_of_one_file(error: SceneError) -> bool:
    return error.code in _OF_ONE_FILE or not isinstance(error, FileSkipped)


def _note(reason: str, count: int, done: str) -> str:
    photos = "1 photo was" if count == 1 else f"{count:,} photos were"
    return f"{photos} not {done}: {reason}"


def _untouched(name: str, error: SceneError | OSError) -> Untouched:
    if isinstance(error, OSError):
        error = UnreadableFile(f"{name} cannot be read: {error.strerror or error}.")
    return Untouched(name, error.message, error)
