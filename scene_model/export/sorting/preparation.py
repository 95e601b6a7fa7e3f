"""From a folder to a plan: what the command line and the page do before they ask to go on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_model.export.sorting.filing import Filer
from scene_model.export.sorting.layout import Layout
from scene_model.export.sorting.plan import Plan, Seen, Untouched, make_plan
from scene_model.export.sorting.scan import Stays, Walk


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


def prepare(
    source: Path,
    dest: Path,
    filer: Filer,
    layout: Layout,
    leave_out: Sequence[Path] = (),
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Preparation:
    """Scan, look, plan; nothing is touched. leave_out: folders not to go into."""
    root, target = source.expanduser().absolute(), dest.expanduser().absolute()
    out = {str(folder.expanduser().absolute()) for folder in leave_out}
    if target != root:
        out.add(str(target))
    walk = Walk(str(root), out)
    found = list(walk)
    photos: list[Seen] = []
    unreadable: list[Untouched] = []
    for item in filer.seen(found, lambda done: progress(done, len(found))):
        if isinstance(item, Stays):
            unreadable.append(Untouched(item.path, item.error.message, item.error))
        else:
            photos.append(item)
    plan = make_plan(photos, target, layout)
    plan.untouched = unreadable + plan.untouched
    return Preparation(plan, walk.folders, walk.ignored, walk.links)
