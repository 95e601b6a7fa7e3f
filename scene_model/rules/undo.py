"""Undo a run of a rule together with the files that it wrote."""

from dataclasses import dataclass

from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.library.rules.run_rows import RuleRun, find_run
from scene_model.library.rules.run_undo import undo_run
from scene_model.library.store import Library
from scene_model.rules.copies import RuleCopier
from scene_model.rules.sidecars import RuleSidecars


@dataclass(frozen=True)
class UndoneRun:
    """What undoing a run did. photo_count: photos in the library that were changed back.

    copy_count, sidecar_count: files that were removed. run: the run afterwards, which names those
    that stay.
    """

    photo_count: int
    copy_count: int
    sidecar_count: int
    run: RuleRun


def undo_with_files(
    library: Library, run_id: int, file_system: SortFileSystem | None = None
) -> UndoneRun:
    """Undo a run and remove its copies and its sidecars; raises RuleNotFound.

    A copy that was changed stays, and one whose original is gone; so does a changed sidecar.
    """
    before = find_run(library, run_id)
    photo_count = undo_run(library, run_id)
    RuleCopier(library, file_system=file_system).finish()
    RuleSidecars(library, file_system=file_system).finish()
    run = find_run(library, run_id)
    copy_count = (before.copy_count or 0) - (run.copy_count or 0)
    sidecar_count = (before.sidecar_count or 0) - (run.sidecar_count or 0)
    return UndoneRun(photo_count, max(0, copy_count), max(0, sidecar_count), run)
