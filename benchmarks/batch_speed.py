"""Compare `batch` on this computer with `classify` on the same files, and watch its memory.

The commands run alternately as programs of their own: over photos of 12 megapixels, then over small
ones. The time of the start, which a run over one photo takes, is subtracted and printed apart.
Wall time is what a person waits; processor time, decoders included, also means something on a busy
machine: `batch` hashes every file and every picture, which `classify` does not. With `--files`, one
batch runs over so many files (every 20th a picture, the others empty: rows with an error) and the
memory of its process is read while it runs.

    python -m benchmarks.batch_speed [--large 200] [--small 2000] [--rounds 3]
    python -m benchmarks.batch_speed --files 200000
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.photos import make_photos
from scene_model.config import PROJECT_DIR
from scene_model.scale.read_batch import open_manifest
from tests.pictures import encode, textured

_SMALL_SIZE, _SMALL_KINDS, _LARGE_KINDS = (320, 240), 20, 8
_PICTURE_EVERY = 20
_LEAST_RATIO, _MOST_BYTES = 0.9, 600_000_000


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock, and of processors."""

    wall_s: float
    processor_s: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.wall_s - other.wall_s, self.processor_s - other.processor_s)


def run(arguments: list[str], watch: Callable[[int], None] | None = None) -> Cost:
    """Run a command of ours to its end. watch: called with its process id every second."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "scene_model", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while watch is not None and process.poll() is None:
        watch(process.pid)
        time.sleep(1.0)
    if watch is not None:
        return Cost(time.perf_counter() - began, 0.0)
    _, _, usage = os.wait4(process.pid, 0)
    return Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime)


def write_photos(folder: Path, kinds: list[bytes], count: int) -> Path:
    """Write `count` files that share the disk of a few."""
    folder.mkdir()
    originals = []
    for number, data in enumerate(kinds):
        originals.append(folder / f"{number:06d}.jpg")
        originals[-1].write_bytes(data)
    for number in range(len(kinds), count):
        os.link(originals[number % len(kinds)], folder / f"{number:06d}.jpg")
    return folder


def compare(name: str, kinds: list[bytes], count: int, rounds: int, root: Path) -> float:
    """Print the rates of both commands; returns their ratio by processor time."""
    photos = write_photos(root / name, kinds, count)
    single = write_photos(root / f"{name}-1", kinds[:1], 1)
    outs = iter(range(10_000))

    def batch(folder: Path) -> Cost:
        return run(["batch", str(folder), str(root / f"{name}-out{next(outs)}")])

    def classify(folder: Path) -> Cost:
        return run(["classify", "--jsonl", str(folder)])

    ratios: dict[str, list[float]] = {"wall_s": [], "processor_s": []}
    for number in range(rounds):
        costs = {}
        for command in (classify, batch) if number % 2 else (batch, classify):
            start, whole = command(single), command(photos)
            costs[command.__name__] = whole - start
            rate = (count - 1) / (whole - start).wall_s
            print(
                f"{name}: {command.__name__} {rate:.1f} photos/s, "
                f"{1000 * (whole - start).processor_s / count:.2f} ms of processor time each; "
                f"start {start.wall_s:.1f} s, {start.processor_s:.1f} s of processor time",
                flush=True,
            )
        for kind, values in ratios.items():
            values.append(getattr(costs["classify"], kind) / getattr(costs["batch"], kind))
    medians = {kind: statistics.median(values) for kind, values in ratios.items()}
    print(
        f"{name}: batch has {medians['wall_s']:.0%} of classify's rate by the clock, "
        f"{medians['processor_s']:.0%} by processor time"
    )
    return medians["processor_s"]


def memory(files: int, root: Path) -> int:
    """Run one batch over many files and print its memory; returns the peak in bytes."""
    photos = root / "many"
    photos.mkdir()
    (root / "empty").touch()
    (root / "picture").write_bytes(encode(textured(*_SMALL_SIZE)))
    for number in range(files):
        is_picture = number % _PICTURE_EVERY == 0
        # A file has at most 65,000 links on some systems.
        path = photos / f"{number // 1000:04d}" / f"{number:07d}.jpg"
        path.parent.mkdir(exist_ok=True)
        if is_picture:
            os.link(root / "picture", path)
        else:
            path.touch()
    samples: list[tuple[float, int]] = []
    began = time.perf_counter()

    def watch(process_id: int) -> None:
        try:
            lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
        except OSError:
            return
        values = dict(line.split(":\t", 1) for line in lines if line.startswith("Rss"))
        if "RssAnon" in values:
            anonymous = 1024 * int(values["RssAnon"].split()[0])
            samples.append((time.perf_counter() - began, anonymous))

    cost = run(["batch", str(photos), str(root / "out")], watch)
    manifest = open_manifest(str(root / "out"))
    for share in (0.1, 0.25, 0.5, 0.75, 1.0):
        at_s, anonymous = samples[min(len(samples) - 1, int(share * len(samples)))]
        print(f"after {at_s:5.0f} s: RssAnon {anonymous / 1e6:.0f} MB")
    peak = max(anonymous for _, anonymous in samples)
    print(
        f"{manifest.rows:,} rows in {len(manifest.parts)} parts, {cost.wall_s:.0f} s; "
        f"peak {peak / 1e6:.0f} MB"
    )
    return peak


def main() -> int:
    """Measure, print, and fail below the rate or above the memory that is promised."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--large", type=int, default=200, help="photos of 12 megapixels")
    parser.add_argument("--small", type=int, default=2_000, help="photos of 320 × 240 pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=0, help="measure memory with so many files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        if options.files:
            return int(memory(options.files, root) > _MOST_BYTES)
        small = [encode(textured(*_SMALL_SIZE, seed)) for seed in range(_SMALL_KINDS)]
        kinds = {
            "large": (make_photos(PROJECT_DIR / "tests" / "assets")[:8], options.large),
            "small": (small, options.small),
        }
        ratios = [
            compare(size, photos, count, options.rounds, root)
            for size, (photos, count) in kinds.items()
        ]
    return int(min(ratios) < _LEAST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
