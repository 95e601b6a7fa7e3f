"""Sort 100,000 small files by hard link, compared with ``cp -al``.

The classes are given, as for photos of the library; the time of planning and linking is compared,
and scanning and hashing are printed separately. With ``--whole`` the command line is measured, on
files that are in a library: start, scan, hash, query the library, plan, link, and undo.

    python -m benchmarks.sort_100k [--files 100000] [--folder DIR] [--whole]
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import insert

from benchmarks.kill_sort import scan_photos
from scene_model.config import PROJECT_DIR
from scene_model.export.sorting.layout import DEFAULT_LAYOUT, Layout
from scene_model.export.sorting.plan import Kind, make_plan
from scene_model.export.sorting.transaction import sort_files, undo_sort
from scene_model.library.database.schema import photos
from scene_model.library.store import Library
from scene_model.photos.hashes import file_content_hash

_FOLDERS = 100
_CLASSES = ("sea", "forest", "cat", "street", "unsure")
_MOST_MB = 300


def make_files(folder: Path, count: int) -> None:
    """Write small, different files in a hundred folders."""
    for number in range(_FOLDERS):
        (folder / f"{number:02d}").mkdir(parents=True)
    for number in range(count):
        path = folder / f"{number % _FOLDERS:02d}" / f"IMG_{number:06d}.jpg"
        path.write_bytes(f"photo {number}".encode())


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _copy_links(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-al", str(source), str(target)], check=True)  # noqa: S607


def run(folder: Path, count: int) -> float:
    """Print both times and their ratio; returns the ratio."""
    source, dest = folder / "source", folder / "sorted"
    make_files(source, count)
    first_cp_s = _timed(lambda: _copy_links(source, folder / "plain 1"))
    started = time.perf_counter()
    scanned = scan_photos(source)
    scanned_s = time.perf_counter() - started

    def sort() -> None:
        plan = make_plan(scanned, dest, Layout(DEFAULT_LAYOUT))
        wrong = [o.error for o in sort_files(plan, Kind.HARDLINK) if o.error is not None]
        if wrong:
            raise wrong[0]

    ours_s = _timed(sort)
    second_cp_s = _timed(lambda: _copy_links(source, folder / "plain 2"))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    linked = sum(1 for path in dest.rglob("*.jpg"))
    undo_s = _timed(lambda: list(undo_sort(dest)))
    ratio = ours_s / ((first_cp_s + second_cp_s) / 2)
    print(
        f"{linked:,} files: planned and linked in {ours_s:.2f} s; cp -al {first_cp_s:.2f} s and "
        f"{second_cp_s:.2f} s; ratio {ratio:.2f}; peak memory {peak_mb:.0f} MB; scan and hash "
        f"{scanned_s:.2f} s, undo {undo_s:.2f} s, DEST left after undo: {dest.exists()}"
    )
    return ratio


def add_to_library(folder: Path, source: Path) -> None:
    """Make a library with a row for each file below a folder, without classifying it."""
    with Library(folder) as library, library.database.writer.begin() as connection:
        for number, path in enumerate(sorted(source.rglob("*.jpg"))):
            label = _CLASSES[number % len(_CLASSES)]
            row = {
                "id": file_content_hash(path),
                "name": path.name,
                "folded_name": path.name.lower(),
                "format": "JPEG",
                "file_bytes": path.stat().st_size,
                "width": 40,
                "height": 30,
                "added_at": "2026-01-01T00:00:00.000+00:00",
                "bundle": "made@0",
                "class_head": "scenes",
                "tag_head": "camera",
                "class_head_label": label,
                "confidence": 0.9,
                "class_head_unsure": False,
                "auto_class": label,
                "auto_class_source": "scenes",
                "auto_class_score": 0.9,
            }
            connection.execute(insert(photos), row)


def _command(library: Path, *arguments: object) -> tuple[float, float]:
    """Run a command of the app; returns its seconds and its peak memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "scene_model", *map(str, arguments)],
        cwd=PROJECT_DIR,
        env=os.environ | {"SCENE_LIBRARY": str(library)},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments[0]} ended with {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def run_whole(folder: Path, count: int) -> bool:
    """Measure and print the command line; True when it is correct and within the memory limit."""
    source, dest, library = folder / "source", folder / "sorted", folder / "library"
    make_files(source, count)
    add_to_library(library, source)
    first_cp_s = _timed(lambda: _copy_links(source, folder / "plain 1"))
    empty = folder / "empty"
    empty.mkdir()
    started_s, started_mb = _command(library, "sort", empty, folder / "none")
    sort_s, sort_mb = _command(library, "sort", source, dest, "--hardlink")
    linked = sum(1 for _ in dest.rglob("*.jpg"))
    again_s, again_mb = _command(library, "sort", source, dest, "--hardlink")
    undo_s, undo_mb = _command(library, "undo", dest)
    second_cp_s = _timed(lambda: _copy_links(source, folder / "plain 2"))
    ratio = sort_s / ((first_cp_s + second_cp_s) / 2)
    print(
        f"{linked:,} files by the command line: sort {sort_s:.1f} s and {sort_mb:.0f} MB (of these "
        f"{started_s:.1f} s and {started_mb:.0f} MB to start), again with nothing to do "
        f"{again_s:.1f} s and {again_mb:.0f} MB, undo {undo_s:.1f} s and {undo_mb:.0f} MB; cp -al "
        f"{first_cp_s:.1f} s and {second_cp_s:.1f} s: ratio {ratio:.1f}; "
        f"DEST left after undo: {dest.exists()}"
    )
    most_mb = max(sort_mb, again_mb, undo_mb)
    return linked == count and not dest.exists() and most_mb < _MOST_MB


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--whole", action="store_true", help="measure the whole command line")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        if options.whole:
            return 0 if run_whole(folder, options.files) else 1
        return 0 if run(folder, options.files) <= 3 else 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
