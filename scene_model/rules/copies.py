"""Copies of photos that rules make in folders, with the journal of a sort; undone with their run.

After the transaction of a run its photos are copied as `sort --copy` does it. Each run has journals
of its own in the folder, named by the run's token. So a start after a kill continues what is
begun, and undoing a run removes exactly its copies.
"""

import contextlib
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
from scene_model.library.files.held_folder import FolderTree
from scene_model.library.files.remote_originals import require_here
from scene_model.library.rules.dry_run import DryRun
from scene_model.library.rules.rule_actions import Action, copy_action, copy_folder_problem
from scene_model.library.rules.run_copies import RunCopies, copied_photos, unfinished_copies
from scene_model.library.rules.run_files import COPIES, FileState, settle_files
from scene_model.library.store import Library
from scene_model.rules.run_file_writer import RunFileWriter

# What is for the owner of a computer alone, in words.
COPYING = "copy photos into folders of the server's disk"
# What concerns one file; anything else would fail the next files, too.
_OF_ONE_FILE = ("source_vanished", "changed_since", "target_taken", "name_too_long")


@dataclass(frozen=True, slots=True)
class _StoredFile(SourceFile):
    """An original in the library; its file there may have another name."""

    stored_name: str

    @property
    def name(self) -> str:
        """The name of the photo."""
        return self.stored_name


class RuleCopier(RunFileWriter[RunCopies]):
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
        super().__init__(library, COPIES, "copies")
        self._model = model
        self._require_personal = require_personal
        self._file_system = file_system or SortFileSystem()

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
        return [run for run in runs if self._model or run.state is FileState.UNDOING]

    def _write(self, run: RunCopies) -> None:
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
        state = FileState.FAILED if stopping else FileState.DONE
        settle_files(self._library, COPIES, run, state, count, note)

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
        settle_files(self._library, COPIES, run, FileState.UNDONE, len(errors), note)

    def _plan(self, photo_ids: Sequence[str], folder: Path, template: str) -> Plan:
        assert self._model is not None  # noqa: S101 - `_unfinished` sees to it
        layout = Layout(template)
        model = Model(self._model.classifier, self._model.vocabulary, self._model.albums)
        classification = Classification(model, self._library, BY_CLASS, layout=layout)
        unreadable: list[Untouched] = []
        groups: list[tuple[Group, str]] = []
        for photo in self._library.records(photo_ids):
            try:
                require_here(photo)
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
