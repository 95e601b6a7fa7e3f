"""Scan a folder and plan its sort, before the user confirms; for the command line and the page."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_model.errors import FolderRefused, PathNotFound
from scene_model.export.sorting.classification import Classification
from scene_model.export.sorting.existing_targets import ExistingTargets
from scene_model.export.sorting.layout import Layout
from scene_model.export.sorting.plan import Plan, ScannedPhoto, Untouched, make_plan
from scene_model.export.sorting.scan import SkippedFile, Walk, is_library_folder


@dataclass(frozen=True)
class Preparation:
    """A plan, with what the scan counted.

    folders: the scanned folders, which files may leave. ignored: files that are neither photos nor
    companions. links: symbolic links, which are not followed.
    """

    plan: Plan
    folders: list[str]
    ignored: int
    links: int


def checked_folders(source: Path, dest: Path) -> tuple[Path, Path]:
    """Return SOURCE and DEST as absolute paths; DEST without links in it. DEST may not exist yet.

    Raises PathNotFound when SOURCE is not a folder, and FolderRefused when DEST is a file or
    belongs to a library. One may be inside the other.
    """
    root, target = checked_source(source), dest.expanduser().resolve()
    for folder in (target, *target.parents):
        if os.path.lexists(folder) and not folder.is_dir():
            raise FolderRefused(
                f"{folder} is not a folder, so {dest} cannot be used. Name another folder."
            )
        if is_library_folder(str(folder)):
            raise FolderRefused(
                f"{dest} belongs to the library in {folder}; photos cannot be sorted into a "
                "library. Name another folder."
            )
    return root, target


def checked_source(source: Path) -> Path:
    """Return SOURCE as an absolute path; raises PathNotFound when it is not a folder."""
    root = source.expanduser().absolute()
    if not root.is_dir():
        raise PathNotFound(f"There is no folder {source} to sort.")
    return root.resolve() if ".." in root.parts else root


def prepare(
    source: Path,
    dest: Path,
    classification: Classification,
    layout: Layout,
    excluded: Sequence[Path] = (),
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Preparation:
    """Scan, classify and plan; changes nothing. excluded: folders that are not scanned.

    Raises PathNotFound or FolderRefused, as `checked_folders` does.
    """
    root, target = checked_folders(source, dest)
    excluded_paths = {os.path.realpath(folder.expanduser()) for folder in excluded}
    if target != root.resolve():
        excluded_paths.add(str(target))
    return _prepare(root, target, classification, layout, excluded_paths, progress, None)


def prepare_for_store(
    source: Path,
    dest: str,
    existing: ExistingTargets,
    classification: Classification,
    layout: Layout,
    excluded: Sequence[Path] = (),
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Preparation:
    """As `prepare`, for a prefix of an object store. existing: what it has; raises PathNotFound."""
    excluded_paths = {os.path.realpath(folder.expanduser()) for folder in excluded}
    root = checked_source(source)
    return _prepare(root, dest, classification, layout, excluded_paths, progress, existing)


def _prepare(
    root: Path,
    target: Path | str,
    classification: Classification,
    layout: Layout,
    excluded_paths: set[str],
    progress: Callable[[int, int | None], None],
    existing: ExistingTargets | None,
) -> Preparation:
    walk = Walk(str(root), excluded_paths)
    items = list(walk)
    unreadable: list[Untouched] = []

    def photos() -> Iterator[ScannedPhoto]:
        for item in classification.classify_all(items, lambda done: progress(done, len(items))):
            if isinstance(item, SkippedFile):
                unreadable.append(Untouched(item.path, item.error.message, item.error))
            else:
                yield item

    plan = make_plan(photos(), target, layout, classification.noun, existing)
    plan.untouched = unreadable + plan.untouched
    return Preparation(plan, walk.folders, walk.ignored, walk.links)
