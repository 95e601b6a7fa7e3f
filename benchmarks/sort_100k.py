"""Plan and act on 100,000 small files by hard link, side by side with ``cp -al``.

The classes are known beforehand, as of photos that the library holds: scanning, hashing and looking
are another matter and are printed beside it.

    python -m benchmarks.sort_100k [--files 100000] [--folder DIR]
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.kill_sort import seen_below
from scene_model.export.sorting.layout import DEFAULT_LAYOUT, Layout
from scene_model.export.sorting.plan import Kind, make_plan
from scene_model.export.sorting.transaction import sort_files, undo_sort

_FOLDERS = 100


def make_files(folder: Path, count: int) -> None:
    """Small files, each another, in a hundred folders."""
    for number in range(_FOLDERS):
        (folder / f"{number:02d}").mkdir(parents=True)
    for number in range(count):
        path = folder / f"{number % _FOLDERS:02d}" / f"IMG_{number:06d}.jpg"
        path.write_bytes(f"photo {number}".encode())


def _timed(what: Callable[[], object]) -> float:
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


def _plain(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-al", str(source), str(target)], check=True)  # noqa: S607


def run(folder: Path, count: int) -> float:
    """Print both times and their ratio; returns it."""
    source, dest = folder / "source", folder / "sorted"
    make_files(source, count)
    plain_s = _timed(lambda: _plain(source, folder / "plain 1"))
    started = time.perf_counter()
    seen = seen_below(source)
    scanned_s = time.perf_counter() - started

    def sort() -> None:
        plan = make_plan(seen, dest, Layout(DEFAULT_LAYOUT))
        wrong = [o.error for o in sort_files(plan, Kind.HARDLINK) if o.error is not None]
        if wrong:
            raise wrong[0]

    ours_s = _timed(sort)
    again_s = _timed(lambda: _plain(source, folder / "plain 2"))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    linked = sum(1 for path in dest.rglob("*.jpg"))
    undo_s = _timed(lambda: list(undo_sort(dest)))
    ratio = ours_s / ((plain_s + again_s) / 2)
    print(
        f"{linked:,} files: planned and acted in {ours_s:.2f} s; cp -al {plain_s:.2f} s and "
        f"{again_s:.2f} s; ratio {ratio:.2f}; memory at most {peak_mb:.0f} MB; scan and hash "
        f"{scanned_s:.2f} s, undo {undo_s:.2f} s, left after it {dest.exists()}"
    )
    return ratio


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        return 0 if run(folder, options.files) <= 3 else 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
