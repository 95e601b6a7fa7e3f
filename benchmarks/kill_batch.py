"""Kill a batch over a store at random moments, and check what the next runs do.

A local S3 server holds small pictures and counts every GET. A run is killed (`--what driver`: the
program; `--what decoder`: a process that decodes for it, which the program must survive), started
again, killed again, and in the end let run. Fails when a picture has no row or two, or is read
again after it was in a finished part.

    python -m benchmarks.kill_batch [--kills 20] [--what driver|decoder] [--out s3]
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from scene_model.scale.part_store import open_parts
from scene_model.scale.read_batch import open_manifest, read_rows
from tests.pictures import encode, textured
from tests.s3_server import S3Server, running_s3

_KINDS, _PART_ROWS = 20, 10
# From the start of the program until long after the first part.
_LONGEST_S = 6.0


def start(out: str, s3: S3Server) -> "subprocess.Popen[bytes]":
    """Start a run in parts of few rows."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.scale.killed_run", "s3://b/photos", out, str(_PART_ROWS)],
        env=os.environ | s3.environment(),
        stderr=subprocess.DEVNULL,
    )


def children(process_id: int) -> list[int]:
    """Return the processes that the threads of a process have started."""
    texts = [path.read_text() for path in Path(f"/proc/{process_id}/task").glob("*/children")]
    return [int(child) for text in texts for child in text.split()]


def done_files(out: str) -> set[str]:
    """Return what is in whole parts, whether or not the manifest lists them."""
    store = open_parts(out)
    files: set[str] = set()
    for name in store.names():
        if name.startswith("part-"):
            with store.open(name) as file:
                files |= set(pq.read_table(file, columns=["file"]).column("file").to_pylist())
    return files


def kill_drivers(pauses: list[float], out: str, s3: S3Server) -> tuple[int, int]:
    """Kill runs after pauses, let the last one end; returns its code, and pictures read again."""
    done, gets, read_again = set[str](), s3.gets.copy(), 0
    for number, pause_s in enumerate(pauses):
        process = start(out, s3)
        time.sleep(pause_s)
        process.kill()
        process.wait()
        read_again += _read_again(done, gets, s3)
        done, gets = done_files(out), s3.gets.copy()
        print(f"kill {number + 1} after {pause_s:.1f} s: {len(done):,} done", flush=True)
    process = start(out, s3)
    process.wait()
    return process.returncode, read_again + _read_again(done, gets, s3)


def kill_decoders(pauses: list[float], out: str, s3: S3Server) -> tuple[int, int]:
    """Kill processes that decode for one run; returns its code, and what was read again."""
    process = start(out, s3)
    killed = 0
    for pause_s in pauses:
        time.sleep(pause_s / 4)
        for child in children(process.pid)[:1] if process.poll() is None else []:
            os.kill(child, signal.SIGKILL)
            killed += 1
    process.wait()
    print(f"{killed} decoders killed")
    return process.returncode, sum(count - 1 for name, count in s3.gets.items() if ".jpg" in name)


def main() -> int:
    """Kill, run to the end, and check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--photos", type=int, default=2_000)
    parser.add_argument("--what", choices=("driver", "decoder"), default="driver")
    parser.add_argument("--out", choices=("folder", "s3"), default="folder")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments = random.Random(options.seed)  # noqa: S311 - no secret
    kinds = [encode(textured(160, 120, seed)) for seed in range(_KINDS)]
    with running_s3() as s3, tempfile.TemporaryDirectory() as name:
        os.environ.update(s3.environment())
        for number in range(options.photos):
            s3.objects[f"b/photos/{number:05d}.jpg"] = kinds[number % _KINDS]
        out = "s3://b/out" if options.out == "s3" else str(Path(name) / "out")
        pauses = [moments.uniform(0.3, _LONGEST_S) for _ in range(options.kills)]
        kill = kill_drivers if options.what == "driver" else kill_decoders
        exit_code, read_again = kill(pauses, out, s3)
        rows = Counter(row.record["file"] for row in read_rows(out))
        failed = open_manifest(out).errors_by_code
        names = Counter(f"s3://{key}" for key in s3.objects if key.startswith("b/photos/"))
    print(
        f"exit code {exit_code}; {len(rows):,} of {options.photos:,} pictures have a row, "
        f"{sum(rows.values()) - len(rows)} two; {failed or 'none'} failed; {read_again} read again"
    )
    return int(rows != names or read_again > 0)


def _read_again(done: set[str], gets: Counter[str], s3: S3Server) -> int:
    keys = [file.removeprefix("s3://") for file in done]
    return sum(s3.gets[key] > gets[key] for key in keys)


if __name__ == "__main__":
    sys.exit(main())
