"""Kill a moving sort of 1,000 files at a hundred random moments; nothing may be lost.

Each round sorts a heap in a process of its own and kills it (SIGKILL: it cannot tidy up); every
third time DEST lies on another file system. Then the sort is gone on with, or undone, itself in
part killed once more. After either the multiset of content hashes must be the heap's, and after
undoing every path, time and permission as well.

    python -m benchmarks.kill_sort [--files 1000] [--kills 100] [--other-disk /dev/shm]
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from scene_model.config import PROJECT_DIR
from scene_model.errors import SceneError
from scene_model.export.sorting.layout import DEFAULT_LAYOUT, Destination, Layout
from scene_model.export.sorting.plan import Kind, ScannedPhoto, make_plan
from scene_model.export.sorting.scan import SkippedFile, Walk
from scene_model.export.sorting.transaction import resume_sort, sort_files, undo_sort
from scene_model.photos.hashes import file_content_hash

_CLASSES = ("sea", "forest", "cat", "street", "unsure")
State = dict[str, tuple[str | None, int, int]]


def make_heap(folder: Path, count: int) -> None:
    """Files of some kilobytes; every tenth with a sidecar, names that clash, odd permissions."""
    for number in range(count):
        inner = folder / f"{number % 7}"
        inner.mkdir(parents=True, exist_ok=True)
        path = inner / (f"same {number % 20}.jpg" if number % 5 == 0 else f"IMG_{number}.JPG")
        if path.exists():
            path = inner / f"again {number}.jpg"
        for file in (path, path.with_suffix(".xmp"))[: 2 if number % 10 == 0 else 1]:
            file.write_bytes(random.Random(f"{number}{file.suffix}").randbytes(8_000))  # noqa: S311
            file.chmod((0o644, 0o600, 0o444)[number % 3])
            os.utime(file, ns=(1_600_000_000_000_000_001, 1_500_000_000_123_456_789 + number))


def state(folder: Path) -> State:
    """Each path with its content, permissions and time."""
    return {
        str(path.relative_to(folder)): (
            file_content_hash(path) if path.is_file() else None,
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
        )
        for path in folder.rglob("*")
    }


def contents(*folders: Path) -> Counter[str]:
    """The multiset of content hashes, but for journals, locks and unfinished copies."""
    paths = (path for folder in folders if folder.exists() for path in folder.rglob("*"))
    return Counter(
        file_content_hash(path)
        for path in paths
        if path.is_file() and not any(part.startswith(".scene-sort") for part in path.parts)
    )


def seen_below(source: Path) -> list[ScannedPhoto]:
    """All photos with classes by their names: what becomes of files is measured, not the model."""
    found = []
    for group in Walk(str(source)):
        if isinstance(group, SkippedFile):
            raise group.error
        files = (group.photo, *group.companions)
        number = hashlib.sha256(os.fsencode(group.photo.name)).digest()[0]
        filing = Destination(_CLASSES[number % len(_CLASSES)], "scenes", "nature", None, None)
        found.append(
            ScannedPhoto(group, tuple(file_content_hash(Path(file.path)) for file in files), filing)
        )
    return found


def work(action: str, source: Path, dest: Path) -> None:
    """One process's life."""
    if action == "undo":
        steps = undo_sort(dest)
    elif action == "resume":
        steps = resume_sort(dest)
    else:
        walk = Walk(str(source))
        list(walk)
        plan = make_plan(seen_below(source), dest, Layout(DEFAULT_LAYOUT))
        steps = sort_files(plan, Kind.MOVE, walk.folders)
    print("working", flush=True)
    started = time.perf_counter()
    wrong = [outcome.error.message for outcome in steps if outcome.error is not None]
    print(time.perf_counter() - started, *wrong, sep="\n", flush=True)


def _life(action: str, source: Path, dest: Path, delay_s: float | None) -> tuple[bool, float]:
    """Run a process, killed so long after its work began; whether it ended, and its seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.kill_sort", "--work", action, str(source), str(dest)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=PROJECT_DIR,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe, some lines above
    with process:
        process.stdout.readline()
        try:
            said, _ = process.communicate(timeout=delay_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return False, 0.0
        took_s, *wrong = said.decode(errors="replace").splitlines()
        if wrong:
            print("    ", *wrong, sep="\n    ")
        return process.returncode == 0, float(took_s)


def run(heap: Path, here: Path, other: Path, kills: int) -> bool:
    """Kill so often; True when nothing was ever lost and undoing always restored all."""
    chance, faults, killed, rounds = random.Random(0), 0, 0, 0  # noqa: S311
    hashes, source = contents(heap), here / "source"
    shutil.copytree(heap, source)
    before, lasts = state(source), {}
    moved_counts = []
    while killed < kills:
        dest = (other if killed % 3 == 0 else here) / "sorted"
        rounds += 1
        if dest not in lasts:
            # From the plan made to the last file moved: what the kills are spread over.
            _, lasts[dest] = _life("sort", source, dest, None)
            _life("undo", source, dest, None)
        ended, _ = _life("sort", source, dest, chance.uniform(0, lasts[dest]))
        moved_counts.append(sum(contents(dest).values()))
        killed += not ended
        wrong = [] if set(contents(source, dest)) == set(hashes) else ["content lost"]
        if chance.random() < 0.5:
            _told(lambda dest=dest: list(resume_sort(dest)), wrong)
            if contents(source, dest) != hashes:
                wrong.append("after resume: other contents")
        elif chance.random() < 0.5:
            killed += not _life("undo", source, dest, chance.uniform(0, lasts[dest]))[0]
        _told(lambda dest=dest: list(undo_sort(dest)), wrong)
        if contents(source, dest) != hashes or state(source) != before:
            wrong.append("after undo: not as before")
        faults += len(wrong)
        if wrong:
            print(f"    kill {killed}:", *wrong, flush=True)
            return False
        shutil.rmtree(dest, ignore_errors=True)
    half = sum(0 < count < sum(hashes.values()) for count in moved_counts)
    print(
        f"{killed} kills of {sum(hashes.values())} files in {rounds} rounds, {half} of them with "
        f"some files moved and some not: {faults} faults"
    )
    return not faults


def _told(what: object, wrong: list[str]) -> None:
    """Do it; what failed is a fault, but for a sort that had not begun."""
    try:
        for outcome in what():  # type: ignore[operator]
            if outcome.error is not None:
                wrong.append(outcome.error.message)
    except SceneError as error:
        if error.code not in ("nothing_sorted", "path_not_found"):
            wrong.append(error.message)


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--other-disk", type=Path, default=Path("/dev/shm"))  # noqa: S108
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        action, source, dest = options.work
        work(action, Path(source), Path(dest))
        return 0
    with (
        tempfile.TemporaryDirectory() as here,
        tempfile.TemporaryDirectory(dir=options.other_disk) as other,
    ):
        if Path(here).stat().st_dev == Path(other).stat().st_dev:
            print(f"{options.other_disk} is no other file system; name one by --other-disk.")
            return 2
        heap = Path(here) / "heap"
        make_heap(heap, options.files)
        return 0 if run(heap, Path(here), Path(other), options.kills) else 1


if __name__ == "__main__":
    sys.exit(main())
