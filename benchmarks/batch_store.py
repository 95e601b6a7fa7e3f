"""Run `batch` over a local S3 server, and compare each row with what `classify` says.

It holds a few small and large pictures, each under many names. Fails when an object has no row or
two, or a row differs from that of `classify --jsonl`.

    python -m benchmarks.batch_store [--small 20000] [--large 300] [--engine local|ray]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.photos import make_photos
from scene_model.config import PROJECT_DIR
from scene_model.photos.hashes import content_hash
from scene_model.scale.read_batch import read_rows
from tests.pictures import encode, textured
from tests.s3_server import running_s3

_KINDS, _SMALL_SIZE = 20, (160, 120)


def classified(kinds: list[bytes], folder: Path) -> dict[str, dict[str, Any]]:
    """Run `classify --jsonl`; returns its records by the SHA-256 of the picture."""
    for number, data in enumerate(kinds):
        (folder / f"{number:03d}.jpg").write_bytes(data)
    command = [sys.executable, "-m", "scene_model", "classify", "--jsonl", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    hashes = map(content_hash, kinds)
    return {sha256: line | {"file": ""} for sha256, line in zip(hashes, lines, strict=True)}


def main() -> int:
    """Run, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=300)
    parser.add_argument("--engine", default="local")
    options = parser.parse_args()
    small = [encode(textured(*_SMALL_SIZE, seed)) for seed in range(_KINDS)]
    large = make_photos(PROJECT_DIR / "tests" / "assets")[:_KINDS]
    with running_s3() as s3, tempfile.TemporaryDirectory() as name:
        os.environ.update(s3.environment())
        for number in range(options.small):
            s3.objects[f"b/photos/small/{number:06d}.jpg"] = small[number % _KINDS]
        for number in range(options.large):
            s3.objects[f"b/photos/large/{number:06d}.jpg"] = large[number % _KINDS]
        names = Counter(f"s3://{key}" for key in s3.objects)
        (Path(name) / "kinds").mkdir()
        expected = classified(small + large, Path(name) / "kinds")
        command = ["batch", "s3://b/photos", "s3://b/out", "--engine", options.engine]
        began = time.perf_counter()
        code = subprocess.run([sys.executable, "-m", "scene_model", *command]).returncode
        seconds = time.perf_counter() - began
        rows, differing = Counter[str](), 0
        for row in read_rows("s3://b/out"):
            rows[row.record["file"]] += 1
            differing += row.record | {"file": ""} != expected[row.sha256 or ""]
    print(
        f"exit code {code}; {len(rows):,} of {len(names):,} objects have a row, "
        f"{sum(rows.values()) - len(rows)} two; {differing} differ from classify; {seconds:.0f} s, "
        f"{len(rows) / seconds:.1f} photos/s; {s3.gets.total():,} GETs, {s3.lists} lists"
    )
    return int(rows != names or differing > 0)


if __name__ == "__main__":
    sys.exit(main())
