"""Stream a ZIP of 5 GB and compare it with ``zip -0 -r``: speed, memory and integrity.

python -m benchmarks.zip_5gb [--gigabytes 5] [--folder DIR]
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from scene_model.export.archive import ArchiveEntry, stream_zip

_FILE_BYTES = 5_000_000


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ours(source: Path, target: Path) -> tuple[float, float]:
    """Write our ZIP; returns the seconds and the rise of memory in MB."""
    entries = (
        ArchiveEntry("sea", path.name, path, "2026-01-02T03:04:05") for path in source.iterdir()
    )
    before, started = _peak_mb(), time.perf_counter()
    with target.open("wb") as file:
        for chunk in stream_zip(entries, ["Name\r\n"]):
            file.write(chunk)
        os.fsync(file.fileno())
    return time.perf_counter() - started, _peak_mb() - before


def _zip_command(source: Path, target: Path) -> float:
    started = time.perf_counter()
    command = ["zip", "-0", "-q", "-r", str(target), source.name]
    subprocess.run(command, cwd=source.parent, check=True)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return time.perf_counter() - started


def run(folder: Path, count: int) -> bool:
    """Measure and print; True when the ZIP is sound and the limits hold."""
    source, ours, plain = folder / "source", folder / "ours.zip", folder / "plain.zip"
    source.mkdir()
    block = os.urandom(_FILE_BYTES)
    for number in range(count):
        (source / f"{number:05d}.jpg").write_bytes(block[number:] + block[:number])
    first_s = _zip_command(source, plain)
    plain.unlink()
    ours_s, rise_mb = _ours(source, ours)
    second_s = _zip_command(source, plain)
    plain.unlink()
    share = (first_s + second_s) / 2 / ours_s
    unzip = subprocess.run(["unzip", "-tq", str(ours)], capture_output=True, check=False)  # noqa: S607
    with zipfile.ZipFile(ours) as archive:
        damaged, members = archive.testzip(), len(archive.namelist())
    print(
        f"{ours.stat().st_size / 1e9:.2f} GB in {ours_s:.1f} s; zip -0 -r {first_s:.1f} s and "
        f"{second_s:.1f} s: {share:.0%} of its speed; memory rose by {rise_mb:.0f} MB; unzip -t "
        f"{unzip.returncode}, zipfile {damaged or 'sound'} with {members} members"
    )
    is_sound = unzip.returncode == 0 and damaged is None and members == count + 1
    return is_sound and share >= 0.7 and rise_mb <= 50


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=5)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        return 0 if run(folder, round(options.gigabytes * 1e9 / _FILE_BYTES)) else 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
