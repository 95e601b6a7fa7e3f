"""Kill a moving sort of 1,000 files at a hundred random moments; nothing may be lost.

Each round sorts a folder in a separate process and kills it (SIGKILL, without cleanup); every
third time DEST is on another file system. Then the sort is resumed or undone, and some of the
undos are killed too. After either, the multiset of content hashes must be unchanged; after
undoing, every path, time and permission as well.

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


def make_source(folder: Path, count: int) -> None:
    """Write files of 8 kB: every tenth with a sidecar, some equal names, various permissions."""
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
    """Each path with its content hash (None for a folder), mode and modification time."""
    return {
        str(path.relative_to(folder)): (
            file_content_hash(path) if path.is_file() else None,
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
        )
        for path in folder.rglob("*")
    }


def contents(*folders: Path) -> Counter[str]:
    """The multiset of content hashes, without journals, lock files and unfinished copies."""
    paths = (path for folder in folders if folder.exists() for path in folder.rglob("*"))
    return Counter(
        file_content_hash(path)
        for path in paths
        if path.is_file() and not any(part.startswith(".scene-sort") for part in path.parts)
    )


def scan_photos(source: Path) -> list[ScannedPhoto]:
    """Scan a folder; classes come from a hash of the name, because no model is measured."""
    scanned = []
    for group in Walk(str(source)):
        if isinstance(group, SkippedFile):
            raise group.error
        files = (group.photo, *group.companions)
        number = hashlib.sha256(os.fsencode(group.photo.name)).digest()[0]
        destination = Destination(_CLASSES[number % len(_CLASSES)], "scenes", "nature", None, None)
        hashes = tuple(file_content_hash(Path(file.path)) for file in files)
        scanned.append(ScannedPhoto(group, hashes, destination))
    return scanned


def work(action: str, source: Path, dest: Path) -> None:
    """Run one action; in a process of its own."""
    if action == "undo":
        steps = undo_sort(dest)
    elif action == "resume":
        steps = resume_sort(dest)
    else:
        walk = Walk(str(source))
        list(walk)
        plan = make_plan(scan_photos(source), dest, Layout(DEFAULT_LAYOUT))
        steps = sort_files(plan, Kind.MOVE, walk.folders)
    print("working", flush=True)
    started = time.perf_counter()
    wrong = [outcome.error.message for outcome in steps if outcome.error is not None]
    print(time.perf_counter() - started, *wrong, sep="\n", flush=True)


def _run_process(
    action: str, source: Path, dest: Path, delay_s: float | None
) -> tuple[bool, float]:
    """Run `work` in a process and kill it after a delay.

    Returns whether it ended before that, and the seconds its work took (0 when killed).
    """
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
            output, _ = process.communicate(timeout=delay_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return False, 0.0
        took_s, *wrong = output.decode(errors="replace").splitlines()
        if wrong:
            print("    ", *wrong, sep="\n    ")
        return process.returncode == 0, float(took_s)


def run(photos: Path, work_dir: Path, other_disk: Path, kills: int) -> bool:
    """Kill ``kills`` times; True when nothing was lost and undoing always restored everything."""
    random_source, faults, killed, rounds = random.Random(0), 0, 0, 0  # noqa: S311
    hashes, source = contents(photos), work_dir / "source"
    shutil.copytree(photos, source)
    before, durations = state(source), {}
    moved_counts = []
    while killed < kills:
        dest = (other_disk if killed % 3 == 0 else work_dir) / "sorted"
        rounds += 1
        if dest not in durations:
            # From the finished plan to the last moved file; the kills spread over this time.
            _, durations[dest] = _run_process("sort", source, dest, None)
            _run_process("undo", source, dest, None)
        delay_s = random_source.uniform(0, durations[dest])
        ended, _ = _run_process("sort", source, dest, delay_s)
        moved_counts.append(sum(contents(dest).values()))
        killed += not ended
        wrong = [] if set(contents(source, dest)) == set(hashes) else ["content lost"]
        if random_source.random() < 0.5:
            _collect_errors(lambda dest=dest: list(resume_sort(dest)), wrong)
            if contents(source, dest) != hashes:
                wrong.append("after resume: contents changed")
        elif random_source.random() < 0.5:
            delay_s = random_source.uniform(0, durations[dest])
            killed += not _run_process("undo", source, dest, delay_s)[0]
        _collect_errors(lambda dest=dest: list(undo_sort(dest)), wrong)
        if contents(source, dest) != hashes or state(source) != before:
            wrong.append("after undo: not restored")
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


def _collect_errors(action: object, wrong: list[str]) -> None:
    """Run an action and append its errors; a sort that had not started is no error."""
    try:
        for outcome in action():  # type: ignore[operator]
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
        tempfile.TemporaryDirectory() as work_dir,
        tempfile.TemporaryDirectory(dir=options.other_disk) as other_disk,
    ):
        if Path(work_dir).stat().st_dev == Path(other_disk).stat().st_dev:
            print(
                f"{options.other_disk} is on the same file system; name another with --other-disk."
            )
            return 2
        photos = Path(work_dir) / "photos"
        make_source(photos, options.files)
        return 0 if run(photos, Path(work_dir), Path(other_disk), options.kills) else 1


if __name__ == "__main__":
    sys.exit(main())
