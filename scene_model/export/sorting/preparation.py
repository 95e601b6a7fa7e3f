"""From a folder to a plan: what the command line and the page do before they ask to go on."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_model.errors import FolderRefused, PathNotFound
from scene_model.export.sorting.classification import Classification
from scene_model.export.sorting.layout import Layout
from scene_model.export.sorting.plan import Plan, ScannedPhoto, Untouched, make_plan
from scene_model.export.sorting.scan import SkippedFile, Walk, is_library_folder


@dataclass(frozen=True)
class Preparation:
    """A plan, and what was found on the way to it.

    folders: that files may leave. ignored: files that neither are photos nor belong to one.
    links: not followed.
    """

    plan: Plan
    folders: list[str]
    ignored: int
    links: int


def checked_places(source: Path, dest: Path) -> tuple[Path, Path]:
    """Both folders, absolute; DEST without links in its path, and it need not be there yet.

    Raises PathNotFound for a SOURCE that is no folder, and FolderRefused for a DEST that is a file
    or belongs to a library. One may lie in the other.
    """
    root, target = source.expanduser().absolute(), dest.expanduser().resolve()
    if not root.is_dir():
        raise PathNotFound(f"There is no folder {source} to sort.")
    for folder in (target, *target.parents):
        if os.path.lexists(folder) and not folder.is_dir():
            raise FolderRefused(
                f"{folder} is no folder, so nothing can be put into {dest}. Name another one."
            )
        if is_library_folder(str(folder)):
            raise FolderRefused(
                f"{dest} belongs to the library in {folder}, whose files are not to be mixed with "
                "others. Name another folder."
            )
    return (root.resolve() if ".." in root.parts else root), target


def prepare(
    source: Path,
    dest: Path,
    classification: Classification,
    layout: Layout,
    leave_out: Sequence[Path] = (),
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Preparation:
    """Scan, look, plan; nothing is touched. leave_out: folders not to go into.

    Raises PathNotFound or FolderRefused, as `checked_places` does.
    """
    root, target = checked_places(source, dest)
    out = {os.path.realpath(folder.expanduser()) for folder in leave_out}
    if target != root.resolve():
        out.add(str(target))
    walk = Walk(str(root), out)
    found = list(walk)
    unreadable: list[Untouched] = []

    def photos() -> Iterator[ScannedPhoto]:
        for item in classification.seen(found, lambda done: progress(done, len(found))):
            if isinstance(item, SkippedFile):
                unreadable.append(Untouched(item.path, item.error.message, item.error))
            else:
                yield item

    plan = make_plan(photos(), target, layout)
    plan.untouched = unreadable + plan.untouched
    return Preparation(plan, walk.folders, walk.ignored, walk.links)
