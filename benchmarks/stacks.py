"""Join 40,000 of 100,000 photos in stacks of two, and time what the gallery asks with and without.

    python -m benchmarks.stacks [--photos 100000]

The photos are rows without files. Times are the best of five, after the library changed.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from scene_model.duplicates.stacks import stack_unstacked
from scene_model.library.database.schema import photos
from scene_model.library.sort_order import NEWEST_ADDED
from scene_model.library.stacks.stack_rows import is_stacked
from scene_model.library.store import Library
from scene_model.search.conditions import has_class
from scene_model.statistics.folder_sizes import sizes_by_class

_REPETITIONS = 5


def main() -> None:
    """Build the library, measure, join, measure again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    count = parser.parse_args().photos
    with tempfile.TemporaryDirectory() as folder:
        rows = [_row(number, count) for number in range(count)]
        path = Path(folder) / "library"
        with Library(path) as library, library.database.writer.begin() as connection:
            connection.execute(insert(photos), rows)
        with Library(path) as library:
            _measure(library, "without stacks")
            start = time.process_time()
            for _ in stack_unstacked(library):
                pass
            print(f"joining: {time.process_time() - start:.1f} s of processor time")
        with Library(path) as library:
            _measure(library, f"with {count // 5:,} stacks")


def _measure(library: Library, what: str) -> None:
    sea = has_class(["sea"])
    questions: dict[str, Callable[[], Any]] = {
        "count of tiles": lambda: library.count_tiles(None),
        "first page": lambda: library.find_tiles(None, 36, 0, NEWEST_ADDED),
        "last page": lambda: library.find_tiles(
            None, 36, library.count_tiles(None) - 36, NEWEST_ADDED
        ),
        "count and page of a class": lambda: (
            library.count_tiles(sea),
            library.find_tiles(sea, 36, 0, NEWEST_ADDED),
        ),
        "is:stacked": lambda: library.count(is_stacked()),
        "folders of a ZIP": lambda: sizes_by_class(library, None),
    }
    for name, ask in questions.items():
        times = []
        for _ in range(_REPETITIONS):
            library.clear_query_cache()
            start = time.perf_counter()
            ask()
            times.append(time.perf_counter() - start)
        print(f"{what}: {name}: {min(times) * 1000:.1f} ms", flush=True)


def _row(number: int, count: int) -> dict[str, Any]:
    """A photo; the first two fifths are RAW files and their JPEGs."""
    is_paired = number < count * 2 // 5
    suffix = "cr2" if is_paired and number % 2 else "jpg"
    name = f"img_{number // 2:06d}.{suffix}" if is_paired else f"p{number:06d}.jpg"
    return {
        "id": hashlib.sha256(name.encode()).hexdigest(),
        "name": name,
        "folded_name": name,
        "format": "CR2" if suffix == "cr2" else "JPEG",
        "file_bytes": 1000,
        "width": 40,
        "height": 30,
        "added_at": f"2026-01-01T00:{number // 60_000:02d}:{number // 1000 % 60:02d}"
        f".{number % 1000:03d}+00:00",
        "folder": f"folder {number // 5000}",
        "bundle": "made@0",
        "class_head": "scenes",
        "tag_head": "camera",
        "class_head_label": "forest",
        "confidence": 0.9,
        "class_head_unsure": False,
        "auto_class": "sea" if number % 3 else "forest",
        "auto_class_source": "scenes",
        "auto_class_score": 0.9,
    }


if __name__ == "__main__":
    main()
