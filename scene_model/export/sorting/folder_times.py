"""Times of folders whose entries a sort changes: `undo` restores them."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from scene_model.library.files.held_folder import FolderTree, HeldFolder

Times = dict[str, tuple[int, int]]
"""Access and modification times, in ns, by folder."""


def read_times(folders: Iterable[str], roots: Sequence[str]) -> Times:
    """Return the times of folders that exist; those below a root are reached without links."""
    times: Times = {}
    with _opened(roots) as trees:
        for path in folders:
            with contextlib.suppress(OSError), _folder(path, trees) as folder:
                status = folder.status()
                times[path] = (status.st_atime_ns, status.st_mtime_ns)
    return times


def restore_times(times: Mapping[str, tuple[int, int]], roots: Sequence[str]) -> None:
    """Set the times of folders that exist; those below a root are reached without links."""
    with _opened(roots) as trees:
        for path, times_ns in times.items():
            with contextlib.suppress(OSError), _folder(path, trees) as folder:
                folder.set_times(times_ns)


@contextlib.contextmanager
def _opened(roots: Sequence[str]) -> Iterator[list[FolderTree]]:
    """Return the trees, inner ones first, since one root may be inside another."""
    with contextlib.ExitStack() as stack:
        inner_first = sorted(roots, key=len, reverse=True)
        yield [stack.enter_context(FolderTree(root)) for root in inner_first]


@contextlib.contextmanager
def _folder(path: str, trees: Sequence[FolderTree]) -> Iterator[HeldFolder]:
    with contextlib.ExitStack() as stack:
        tree = next((tree for tree in trees if tree.contains(path)), None)
        if tree is None:  # the folder above DEST
            tree = stack.enter_context(FolderTree(path))
        yield tree.folder(path)
