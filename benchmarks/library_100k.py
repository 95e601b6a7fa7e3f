"""Open a library of 100,000 photos and time the queries of its pages.

Generates the library (thumbnails on disk, tags, embeddings, dates, names; classes with a realistic,
uneven distribution), opens it as the server does, and times the queries of the pages.

    python -m benchmarks.library_100k [--photos 100000] [--folder DIR] [--cpu]

With --folder the library is stored there and reused.
"""

import argparse
import itertools
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.large_library import BACKBONE, EMBEDDING_SIZE, build, photo_id
from scene_model.config import Settings
from scene_model.library.embeddings.embedding_files import file_name
from scene_model.library.sort_order import SORTS, Sort
from scene_model.library.store import Library
from scene_model.services import Services, open_services

OPEN_LIMIT_MS, PAGE_LIMIT_MS, QUERY_LIMIT_MS, MEMORY_LIMIT_MB = 1000, 100, 50, 400
PAGE = 36
FILTERS = (
    *("", "class:street", "class:glacier", "tag:beach", "tag:forest", "tag:palace", "is:unsure"),
    *("is:edited", "has:gps", "camera:iphone", "score>=0.9", "name:img_20", "is:duplicate"),
    *("album:travel", "album:nature", "album:food", "album:selfies", "album:others"),
    *("taken:2020-07", "taken:2016..2019", "added:2026-01", "near:39.2,-8.6,20km"),
    *("album:travel taken:2020", "near:39.2,-8.6,20km (sea OR beach)", "is:duplicate -street"),
)
QUERIES = (
    *("beach sunset", "beach OR lake", "-street", "forest -mountain", "(beach OR sea) sunset"),
    *("street -(sea OR beach) is:unsure", 'tag:"forest" class:mountain', "img_20 OR palace"),
    *("sea mountain forest", "-sea -mountain -forest -street", "sunset camera:iphone has:gps"),
    *("(forest OR mountain OR glacier) -street score>=0.8", "nothing_is_called_so"),
)


_clock = time.perf_counter


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of a call: wall time, or processor time with --cpu."""
    started = _clock()
    work()
    return 1000 * (_clock() - started)


def measure_processor_time() -> None:
    """Measure processor time from now on, not wall time."""
    global _clock
    _clock = time.process_time


def page(services: Services, query: str, sort: Sort, deep: bool) -> None:
    """Run the gallery's queries for one page: count, ids and records."""
    services.library.clear_query_cache()
    gallery = services.gallery(sort)
    count = gallery.count(query)
    number = 1 + (count // PAGE // 2 if deep else 0)
    loaded = len(gallery.page(number, PAGE, query))
    if loaded != min(PAGE, count - PAGE * (number - 1)):
        raise SystemExit(f"{query!r}: {count:,} photos, {loaded} of them on page {number:,}")


def _count_by_class(library: Library) -> None:
    library.clear_query_cache()
    library.count_by_class()


def boolean(services: Services, query: str) -> None:
    """Run a search: parse, count, and the ids of the first page."""
    gallery = services.gallery()
    services.library.clear_query_cache()
    gallery.count(query)
    gallery.ids(query, PAGE)


def report(title: str, times: dict[str, list[float]], limit_ms: float, worst: int = 4) -> bool:
    """Print p50, p95, the limit and the slowest queries; True when the limit holds."""
    everything = list(itertools.chain.from_iterable(times.values()))
    p50, p95 = np.percentile(everything, [50, 95])
    holds = bool(p95 <= limit_ms)
    print(
        f"{title:<34} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   limit {limit_ms:,.0f} ms"
        f"   {'ok' if holds else 'TOO SLOW'}   ({len(everything)} runs)"
    )
    slowest = sorted(times, key=lambda name: -float(np.median(times[name])))[:worst]
    for name in slowest if len(times) > 1 else []:
        print(f"    {np.median(times[name]):7.1f} ms  {name}")
    return holds


def measure(folder: Path, rounds: int) -> bool:
    """Measure and print everything; True when every limit holds."""
    opening: dict[str, list[float]] = {"": []}
    for _ in range(5):
        opening[""].append(timed(lambda: Library(folder).close()))
    holds = report("opening the library", opening, OPEN_LIMIT_MS)
    services = open_services(Settings(library=folder, workers=2))
    library = services.library
    print(f"    {library.count():,} photos, and {library.count(trashed=True):,} in the trash")
    pages: dict[str, list[float]] = {}
    for sort, query, deep in itertools.product(SORTS, FILTERS, (False, True)):
        name = f"{query or 'all'} by {sort}{', from the middle' if deep else ''}"
        pages[name] = [timed(lambda: page(services, query, sort, deep)) for _ in range(rounds)]  # noqa: B023
    holds &= report("a gallery page: count, find, records", pages, PAGE_LIMIT_MS)
    counts = {"": [timed(lambda: _count_by_class(library)) for _ in range(rounds)]}
    holds &= report("photos of each class", counts, PAGE_LIMIT_MS)
    booleans = {q: [timed(lambda: boolean(services, q)) for _ in range(rounds)] for q in QUERIES}  # noqa: B023
    holds &= report("boolean queries: count, find", booleans, QUERY_LIMIT_MS)
    for _ in services.gallery().page(1, PAGE):
        services.library.thumbnail(photo_id(1))
    holds &= _report_memory("after these queries")
    scan = timed(lambda: _scan(library))
    print(f"scan of all embeddings              {scan:7.1f} ms")
    holds &= _report_memory("after the scan")
    services.close()
    return holds


def _scan(library: Library) -> None:
    """Compare one vector with all embeddings, in chunks of 4,096 rows."""
    name = file_name(BACKBONE, EMBEDDING_SIZE)
    probe = np.ones(EMBEDDING_SIZE, np.float32)
    for start in range(0, library.embeddings.slot_count(name), 4096):
        library.embeddings.rows(name, slice(start, start + 4096)) @ probe


def _report_memory(when: str) -> bool:
    status = Path("/proc/self/status")
    if not status.exists():
        return True
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    total, own = (int(lines[key].split()[0]) / 1000 for key in ("VmRSS", "RssAnon"))
    print(f"memory {when:<27} {total:7.0f} MB ({own:.0f} MB its own)   limit {MEMORY_LIMIT_MB} MB")
    return total <= MEMORY_LIMIT_MB


def main() -> int:
    """Make the library if it is missing, in a separate process, and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument(
        "--cpu", action="store_true", help="measure processor time, for a machine with other load"
    )
    options = parser.parse_args()
    if options.cpu:
        measure_processor_time()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "library"
        if not (folder / "library.db").exists():
            maker = multiprocessing.get_context("spawn").Process(
                target=build, args=(folder, options.photos)
            )
            maker.start()
            maker.join()
            if maker.exitcode:
                return 1
        return 0 if measure(folder, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
