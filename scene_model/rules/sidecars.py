"""XMP sidecars that rules write beside originals outside the library; removed with their run.

A sidecar that exists stays as it is, whoever wrote it. A row with the hash of the content is stored
before each file is created, see `run_sidecars`: so a start after a kill continues what is begun,
and undoing a run removes exactly the files that nobody changed since.
"""

import contextlib
import errno
import hashlib
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scene_model.classifier.model import CurrentModel
from scene_model.errors import OriginalMissing, UnreadableFile
from scene_model.export.sidecar import Keyword, merge_keywords
from scene_model.export.sidecar_sync import keywords_of
from scene_model.export.sorting.file_system import SortFileSystem, has_content
from scene_model.library.files.file_system import FULL
from scene_model.library.files.held_folder import Entry, FolderTree
from scene_model.library.photo_query import in_batches
from scene_model.library.records import PhotoRecord
from scene_model.library.rules.dry_run import DryRun, SidecarCounts
from scene_model.library.rules.rule_actions import sidecar_action
from scene_model.library.rules.run_files import SIDECARS, FileState, RunFiles, settle_files
from scene_model.library.rules.run_sidecars import (
    SidecarRow,
    count_sidecars,
    forget_sidecars,
    note_sidecars,
    photos_with_sidecars,
    settle_removed,
    sidecar_rows,
    unfinished_sidecars,
)
from scene_model.library.store import Library
from scene_model.photos.xmp import sidecar_path
from scene_model.rules.run_file_writer import RunFileWriter

# What is for the owner of a computer alone, in words.
WRITING_SIDECARS = "write sidecars beside photos of the server's disk"
_BATCH = 200
# Errors of one photo; the next photos would meet any other error as well.
_OF_ONE_FILE = {
    errno.EACCES,
    errno.EPERM,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
}

logger = logging.getLogger(__name__)


@dataclass
class _Progress:
    """Which photos of a run got no sidecar.

    existing: those that have one. empty: those without anything to write.
    """

    existing: int = 0
    empty: int = 0
    errors: list[str] = field(default_factory=list)


class RuleSidecars(RunFileWriter[RunFiles]):
    """Writes the sidecars of runs, and removes them again when the runs are undone."""

    def __init__(
        self,
        library: Library,
        model: CurrentModel | None = None,
        file_system: SortFileSystem | None = None,
        require_personal: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Set up.

        model: for the names of tags; without one, sidecars are only removed. require_personal:
        raises NotForVisitors on a shared server, where a rule that writes sidecars pauses.
        """
        super().__init__(library, SIDECARS, "sidecars")
        self._model, self._require_personal = model, require_personal
        self._file_system = file_system or SortFileSystem()

    def preview(self, shown: DryRun) -> DryRun:
        """Return a dry run with the number of sidecars that would be written."""
        if sidecar_action(shown.rule.actions) is None or shown.failure is not None:
            return shown
        progress = _Progress()
        written = 0
        for batch in in_batches(shown.with_sidecars, _BATCH):
            written += len(self._without_sidecar(batch, progress))
        counts = SidecarCounts(
            written,
            progress.existing,
            progress.empty,
            shown.stored,
            len(progress.errors),
            next(iter(progress.errors), None),
        )
        return replace(shown, sidecars=counts)

    def _unfinished(self) -> Sequence[RunFiles]:
        runs = unfinished_sidecars(self._library)
        return [run for run in runs if self._model or run.state is FileState.UNDOING]

    def _write(self, run: RunFiles) -> None:
        self._require_personal(WRITING_SIDECARS)
        progress, failure = _Progress(), None
        written = self._written_before(run)
        photo_ids = photos_with_sidecars(self._library, run.run_id)
        try:
            for batch in in_batches((i for i in photo_ids if i not in written), _BATCH):
                self._write_batch(run, self._without_sidecar(batch, progress), progress)
        except OSError as error:
            failure = _failure(error)
        state = FileState.DONE if failure is None else FileState.FAILED
        count = count_sidecars(self._library, run.run_id)
        note = failure or _note(progress)
        settle_files(self._library, SIDECARS, run, state, count, note)

    def _written_before(self, run: RunFiles) -> set[str]:
        """Return the ids of the photos whose sidecars a run wrote before a kill or a failure."""
        written, unwritten = set(), []
        for row in sidecar_rows(self._library, run.run_id):
            try:
                with FolderTree(str(row.path.parent)) as tree:
                    target = tree.entry(str(row.path))
                    with contextlib.suppress(OSError):
                        self._remove_part(target, row)
                    is_absent = row.path.parent.is_dir() and not _is_written(target, row)
            except OSError:
                is_absent = False  # as where its disk is not connected: the file may be there
            if is_absent:
                unwritten.append(row.path)
            else:
                written.add(row.photo_id)
        forget_sidecars(self._library, run.run_id, unwritten)
        return written

    def _without_sidecar(
        self, photo_ids: Sequence[str], progress: _Progress
    ) -> list[tuple[PhotoRecord, Path]]:
        """Return the photos that have none, each with the path of one."""
        missing = []
        for photo in self._library.records(photo_ids):
            if photo.reference is None:
                continue
            try:
                path = sidecar_path(self._library.files.original(photo))
                exists = os.path.lexists(path)
            except OriginalMissing as error:
                progress.errors.append(error.message)
                continue
            except OSError as error:
                progress.errors.append(_reason(error, photo.reference))
                continue
            if exists:
                progress.existing += 1
            elif not (self._keywords(photo) or photo.rating or photo.description):
                progress.empty += 1
            else:
                missing.append((photo, path))
        return missing

    def _write_batch(
        self, run: RunFiles, missing: Sequence[tuple[PhotoRecord, Path]], progress: _Progress
    ) -> None:
        """Write sidecars; raises an OSError that the next ones would meet as well."""
        contents = []
        for photo, path in missing:
            try:
                data = self._content(photo)
            except Exception as error:  # one bad photo never fails the others
                logger.exception("the sidecar of a photo could not be made")
                progress.errors.append(f"{path}: {error}.")
                continue
            digest = hashlib.sha256(data).hexdigest()
            contents.append((SidecarRow(path, photo.id, digest, secrets.token_hex(8)), data))
        note_sidecars(self._library, run.run_id, [row for row, _ in contents])
        unwritten = {row.path for row, _ in contents}
        try:
            for row, data in contents:
                try:
                    self._write_one(row, data)
                    unwritten.remove(row.path)
                except FileExistsError:
                    progress.existing += 1
                except OSError as error:
                    if os.path.lexists(row.path):  # only its folder could not be flushed
                        unwritten.remove(row.path)
                    if error.errno not in _OF_ONE_FILE:
                        raise OSError(error.errno, error.strerror, str(row.path)) from error
                    progress.errors.append(_reason(error, row.path))
        except OSError:
            forget_sidecars(self._library, run.run_id, unwritten)
            raise
        forget_sidecars(self._library, run.run_id, unwritten)

    def _write_one(self, row: SidecarRow, data: bytes) -> None:
        with FolderTree(str(row.path.parent)) as tree:
            target = tree.entry(str(row.path))
            self._file_system.write_new(data, target, _part(target, row))

    def _content(self, photo: PhotoRecord) -> bytes:
        keywords = self._keywords(photo)
        return merge_keywords(None, keywords, photo.rating, description=photo.description)

    def _keywords(self, photo: PhotoRecord) -> list[Keyword]:
        assert self._model is not None  # noqa: S101 - `_unfinished` sees to it
        return keywords_of(photo, self._model.vocabulary)

    def _remove(self, run: RunFiles) -> None:
        removed, changed, errors = [], 0, []
        for row in sidecar_rows(self._library, run.run_id):
            try:
                if self._remove_one(row):
                    removed.append(row.path)
                else:
                    changed += 1
            except OSError as error:
                errors.append(_reason(error, row.path))
        if errors:
            forget_sidecars(self._library, run.run_id, removed)
            count = changed + len(errors)
            settle_files(self._library, SIDECARS, run, FileState.UNDOING, count, None)
            raise UnreadableFile(errors[0])
        note = None
        if changed:
            verb = "1 sidecar was" if changed == 1 else f"{changed:,} sidecars were"
            note = f"{verb} changed since the run, and not removed."
        settle_removed(self._library, run, changed, note)

    def _remove_one(self, row: SidecarRow) -> bool:
        """Remove a sidecar, if it is there; False for one that was changed. Raises OSError."""
        if not row.path.parent.is_dir():
            text = "its folder does not exist. Connect its disk"
            raise FileNotFoundError(errno.ENOENT, text, str(row.path))
        with FolderTree(str(row.path.parent)) as tree:
            target = tree.entry(str(row.path))
            self._remove_part(target, row)
            if not target.exists():
                return True
            if not has_content(target, row.sha256):
                return False
            self._file_system.remove_entry(target)
            self._file_system.flush_entries(target.folder)
        return True

    def _remove_part(self, target: Entry, row: SidecarRow) -> None:
        """Remove the temporary file that a kill left."""
        part = _part(target, row)
        if part.exists():
            self._file_system.remove_entry(part)


def _part(target: Entry, row: SidecarRow) -> Entry:
    return target.sibling(f".scene-sidecar-{row.token}.part")


def _is_written(target: Entry, row: SidecarRow) -> bool:
    return target.exists() and has_content(target, row.sha256)


def _reason(error: OSError, path: Path) -> str:
    return f"{path}: {error.strerror or error}."


def _failure(error: OSError) -> str:
    if error.errno in FULL:
        return f"No space left for {error.filename}. Free some space, and make the rule active."
    return (
        f"{error.filename} cannot be written: {error.strerror or error}. Change that, and make the "
        "rule active."
    )


def _note(progress: _Progress) -> str | None:
    """Say how many photos of a run got no sidecar, and why; None where all got one."""
    notes = []
    if count := progress.existing:
        photos = "1 photo has" if count == 1 else f"{count:,} photos have"
        notes.append(f"{photos} a sidecar already; it stays.")
    if count := progress.empty:
        photos = "1 photo has" if count == 1 else f"{count:,} photos have"
        notes.append(f"{photos} no tags to write.")
    if count := len(progress.errors):
        sidecars = "1 sidecar was" if count == 1 else f"{count:,} sidecars were"
        notes.append(f"{sidecars} not written: {progress.errors[0]}")
    return " ".join(notes) or None
