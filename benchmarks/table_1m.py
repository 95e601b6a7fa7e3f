"""Write a million photos as CSV, JSON and JSON Lines, compared with pandas.

Each of the six runs has its own process. Ours generates each row while it is written, so that
memory does not grow with the number of rows; pandas receives the same rows as a frame, and the time
to build the frame is not counted.

    python -m benchmarks.table_1m [--rows 1000000] [--folder DIR]
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from scene_model.classifier.labels import HUMAN
from scene_model.classifier.tagging import Tag
from scene_model.config import PROJECT_DIR
from scene_model.export.table import (
    COLUMNS,
    READ_CSV,
    READ_JSON,
    json_record,
    table_row,
    utf8_chunks,
    write_csv,
    write_json,
    write_jsonl,
)
from scene_model.library.records import PhotoRecord, TagOnPhoto

_KINDS = ("csv", "json", "jsonl")
_CLASSES = ("sea", "forest", "street", "mountain", "flower")
_CAMERAS = ("NIKON D70", "Canon EOS 40D", None, "Apple iPhone 13", "FinePix40i")
_MOST_RISE_MB = 50


def photos(count: int) -> Iterator[tuple[PhotoRecord, list[Tag], str]]:
    """Generate different photo records with realistic fields."""
    for number in range(count):
        label = _CLASSES[number % len(_CLASSES)]
        score = (number % 1_000) / 1_000
        yield (
            PhotoRecord(
                id=f"{number:064x}",
                name=f"IMG_{number:07d}.JPG" if number % 50 else f'=so, "{number}".jpg',
                format="JPEG",
                file_bytes=2_000_000 + number,
                width=4_000,
                height=3_000,
                added_at=f"2026-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}.000+00:00",
                taken_at=f"2024-07-{1 + number % 28:02d}T10:11:12" if number % 9 else None,
                taken_source="DateTimeOriginal",
                camera=_CAMERAS[number % len(_CAMERAS)],
                lens=None,
                latitude=38.7 + number / 10**7,
                longitude=-9.1 - number / 10**7,
                bundle="scene_mobilenet_v2@59220681",
                class_head="scenes",
                tag_head="camera",
                class_head_label=label,
                confidence=score,
                unsure=score < 0.5,
                photo_class=label,
                class_source="scenes",
                class_score=score,
                trashed_at=None,
                tags=(
                    TagOnPhoto(label, "scenes", score, "scene_mobilenet_v2@59220681"),
                    TagOnPhoto("holiday", HUMAN, None, None),
                ),
            ),
            [Tag(f"object {rank}", score / (rank + 1)) for rank in range(5)],
            "water",
        )


def write_ours(kind: str, file: Path, count: int) -> None:
    """Write the rows as an export does."""
    if kind == "csv":
        lines = write_csv(table_row(*photo) for photo in photos(count))
    else:
        write = write_json if kind == "json" else write_jsonl
        lines = write(json_record(*photo) for photo in photos(count))
    with file.open("wb") as opened:
        for chunk in utf8_chunks(lines):
            opened.write(chunk)


def _frame(kind: str, count: int) -> pd.DataFrame:
    if kind == "csv":
        rows = (table_row(*photo) for photo in photos(count))
        return pd.DataFrame.from_records(rows, columns=list(COLUMNS), nrows=count)
    return pd.DataFrame([json_record(*photo) for photo in photos(count)])


def _write_pandas(kind: str, file: Path, frame: pd.DataFrame) -> None:
    if kind == "csv":
        frame.to_csv(file, index=False)
    else:
        frame.to_json(file, orient="records", lines=kind == "jsonl", force_ascii=False)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def work(writer: str, kind: str, file: Path, count: int) -> None:
    """Write one file in a process of its own; prints seconds, memory before and its rise in MB."""
    frame = _frame(kind, count) if writer == "pandas" else None
    before, started = _peak_mb(), time.perf_counter()
    if frame is None:
        write_ours(kind, file, count)
    else:
        _write_pandas(kind, file, frame)
    took_s = time.perf_counter() - started
    rise_mb, started = _peak_mb() - before, time.perf_counter()
    if frame is None:
        for photo in photos(count):
            (table_row if kind == "csv" else json_record)(*photo)
    made_s = time.perf_counter() - started
    print(json.dumps({"s": took_s, "made_s": made_s, "before_mb": before, "rise_mb": rise_mb}))


def _measured(writer: str, kind: str, file: Path, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.table_1m", "--work", writer, kind, str(file)]
    completed = subprocess.run(
        [*command, "--rows", str(count)], capture_output=True, check=True, cwd=PROJECT_DIR
    )
    measurements: dict[str, float] = json.loads(completed.stdout)
    return measurements


def _reads_back(kind: str, file: Path, count: int) -> bool:
    """True when pandas reads the first rows as they were written."""
    if kind == "csv":
        frame = pd.read_csv(file, nrows=1_000, **READ_CSV)
        written: list[Any] = [table_row(*photo) for photo in photos(min(count, 1_000))]
        return bool(frame["Name"].tolist() == [row[1] for row in written])
    if kind == "jsonl":
        with pd.read_json(file, lines=True, chunksize=1_000, **READ_JSON) as chunks:
            names = next(iter(chunks))["name"].tolist()
        return bool(names == [photo.name for photo, *_ in photos(min(count, 1_000))])
    with file.open("rb") as opened:
        return opened.read(2) == b"[\n"


def run(folder: Path, count: int) -> bool:
    """Measure and print each kind; True when memory stays within the limit and rows read back."""
    is_fine = True
    for kind in _KINDS:
        file = folder / f"ours.{kind}"
        ours = _measured("ours", kind, file, count)
        pandas = _measured("pandas", kind, folder / f"pandas.{kind}", count)
        is_back = _reads_back(kind, file, count)
        print(
            f"{kind}: {count:,} rows, {file.stat().st_size / 1e6:,.0f} MB in {ours['s']:.1f} s "
            f"({ours['made_s']:.1f} s of it to generate the rows), memory rose by "
            f"{ours['rise_mb']:.1f} MB from {ours['before_mb']:.0f}; pandas {pandas['s']:.1f} s, "
            f"memory rose by {pandas['rise_mb']:,.0f} MB from {pandas['before_mb']:,.0f} with the "
            f"frame; ratio {ours['s'] / pandas['s']:.2f}; read back "
            f"{'the same' if is_back else 'DIFFERENT'}",
            flush=True,
        )
        is_fine &= is_back and ours["rise_mb"] <= _MOST_RISE_MB
        for path in folder.iterdir():
            path.unlink()
    return is_fine


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        writer, kind, file = options.work
        work(writer, kind, Path(file), options.rows)
        return 0
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        return 0 if run(folder, options.rows) else 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
