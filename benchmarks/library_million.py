"""Time a library of a million photos: opening, pages, searches, counts, similar photos, adding.

Makes the library as `benchmarks.large_library` does, in about ten minutes, without thumbnails.
Before each query one photo is marked as a favourite, so that nothing is answered from the cache of
an unchanged library; what is in memory follows the change. The first queries after the start also
read what stays in memory. Similar photos are compared with a scan of all embeddings.

    python -m benchmarks.library_million [--photos 1000000] [--rounds 5] [--folder DIR] [--cpu]

With --folder the library is stored there and reused; adding photos leaves 1,000 more in it.
"""

import argparse
import io
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from sqlalchemy import not_, update

from benchmarks import library_100k
from benchmarks.large_library import build
from benchmarks.library_100k import FILTERS, PAGE, QUERIES, report, timed
from benchmarks.served import made_library
from scene_model.classifier.bundle import FloatArray
from scene_model.config import Settings
from scene_model.library.database.schema import photos
from scene_model.library.embeddings.embedding_scan import scan_embeddings
from scene_model.library.sort_order import NEWEST_ADDED, SORTS, Sort
from scene_model.library.store import Library
from scene_model.search.similar import Similar, similar_to
from scene_model.services import Services, open_services

OPEN_LIMIT_MS, PAGE_LIMIT_MS, QUERY_LIMIT_MS, SIMILAR_LIMIT_MS = 2000, 150, 100, 200
MEMORY_LIMIT_MB, RECALL_LIMIT, ADDING_LIMIT = 800, 0.95, 1.3
NEIGHBOURS, PROBES = 50, 40
ADDED, TURNS = 1000, 4


def page(services: Services, query: str, sort: Sort, deep: bool) -> None:
    """Run the gallery's queries for one page: count, ids and records."""
    gallery = services.gallery(sort)
    number = 1 + (gallery.count(query) // PAGE // 2 if deep else 0)
    gallery.page(number, PAGE, query)


def boolean(services: Services, query: str) -> None:
    """Run a search: parse, count, and the ids of the first page, the best match first."""
    gallery = services.gallery()
    gallery.count(query)
    gallery.ids(query, PAGE)


def facets(services: Services, query: str) -> None:
    """Count the photos of a query by group, class, tag and month, as the gallery does."""
    gallery = services.gallery(NEWEST_ADDED)
    gallery.count_by_group(query)
    gallery.count_by_class(query)
    gallery.count_by_tag(query, 80)
    gallery.count_by_month("taken", True, query)


def measure(folder: Path, rounds: int) -> bool:
    """Measure and print everything; True when every limit holds."""
    opening = {"": [timed(lambda: Library(folder).close()) for _ in range(5)]}
    holds = report("opening the library", opening, OPEN_LIMIT_MS)
    services = open_services(Settings(library=folder, workers=2), resume=False)
    print(f"    {services.library.count():,} photos")
    views = itertools.product(FILTERS, SORTS, (False, True))
    pages = {
        f"{query or 'all'} by {sort}{', from the middle' if deep else ''}": partial(
            page, services, query, sort, deep
        )
        for query, sort, deep in views
    }
    counts = {query or "all": partial(facets, services, query) for query in FILTERS}
    searches = {query: partial(boolean, services, query) for query in QUERIES}
    for title, runs, limit_ms in (
        ("a gallery page: count, find, records", pages, PAGE_LIMIT_MS),
        ("groups, classes, tags and months", counts, PAGE_LIMIT_MS),
        ("boolean queries: count, find", searches, QUERY_LIMIT_MS),
    ):
        first = timed(next(iter(runs.values())))
        times = {
            name: [_after_change(services, run) for _ in range(rounds)]
            for name, run in runs.items()
        }
        holds &= report(title, times, limit_ms)
        print(f"    {first:7.1f} ms  the first after the start", flush=True)
    holds &= _similar(services)
    holds &= _adding(services)
    services.close()
    return holds


def _after_change(services: Services, run: Callable[[], None]) -> float:
    database = services.library.database
    with database.writer.begin() as connection:
        connection.execute(
            update(photos).where(photos.c.number == 1).values(favourite=not_(photos.c.favourite))
        )
    return timed(run)


def _similar(services: Services) -> bool:
    """Time similar photos, and compare them with the nearest of all embeddings."""
    library, random = services.library, np.random.default_rng(0)
    ids = services.gallery(NEWEST_ADDED).ids("", 10_000)
    probes = [ids[i] for i in random.choice(len(ids), PROBES, replace=False)]
    backbone = library.embedding(probes[0]).provenance.backbone
    vectors = [library.embedding(probe).values for probe in probes]
    similar_by: list[list[Similar]] = []
    first, *times = (
        timed(lambda: similar_by.append(similar_to(library, backbone, vector, NEIGHBOURS)))  # noqa: B023
        for vector in (vectors[0], *vectors)
    )
    holds = report("similar photos", {"": times}, SIMILAR_LIMIT_MS)
    print(f"    {first / 1000:.1f} s the first time")
    holds &= _memory()  # before all embeddings are read
    recall = _recall(library, backbone, vectors, similar_by[1:])
    print(f"    recall@{NEIGHBOURS} {recall:.3f}, limit {RECALL_LIMIT}", flush=True)
    return holds and recall >= RECALL_LIMIT


def _recall(
    library: Library,
    backbone: str | None,
    vectors: Sequence[FloatArray],
    similar: Sequence[Sequence[Similar]],
) -> float:
    """Return the share of the nearest neighbours, by all embeddings, that were found."""
    units = np.stack([vector / np.linalg.norm(vector) for vector in vectors])
    nearest: list[list[tuple[float, str]]] = [[] for _ in vectors]
    for chunk in scan_embeddings(library, backbone, units.shape[1]):
        lengths = np.maximum(np.linalg.norm(chunk.embeddings, axis=1), 1e-6)
        for i, cosines in enumerate((chunk.embeddings @ units.T / lengths[:, np.newaxis]).T):
            best = np.argsort(-cosines)[:NEIGHBOURS]
            pairs = [(float(cosines[n]), chunk.ids[int(n)]) for n in best]
            nearest[i] = sorted([*nearest[i], *pairs], reverse=True)[:NEIGHBOURS]
    matches = [
        len({photo_id for _, photo_id in true} & {each.photo_id for each in near})
        for true, near in zip(nearest, similar, strict=True)
    ]
    return float(np.mean(matches)) / NEIGHBOURS


def _adding(services: Services) -> bool:
    """Add photos to the library and to an empty one, in turns."""
    with tempfile.TemporaryDirectory() as temporary:
        empty = open_services(Settings(library=Path(temporary), workers=2), resume=False)
        took: dict[str, float] = {"empty": 0.0, "large": 0.0}
        seed = time.time_ns()
        _add(empty, seed, 20)  # what is done once
        for turn in range(TURNS):
            for name, chosen in (("empty", empty), ("large", services)):
                took[name] += _add(chosen, seed + turn + 1, ADDED // TURNS)
        empty.close()
    ratio = took["large"] / took["empty"]
    print(
        f"adding {ADDED:,} photos   {took['large'] / 1000:7.1f} s, to an empty library "
        f"{took['empty'] / 1000:.1f} s: ratio {ratio:.2f}, limit {ADDING_LIMIT}"
    )
    return ratio <= ADDING_LIMIT


def _add(services: Services, seed: int, count: int) -> float:
    files = [(f"{seed}_{number}.jpg", _picture(seed, number)) for number in range(count)]
    took = timed(lambda: services.jobs.submit(files).wait())
    services.trips.wait()
    return took


def _picture(seed: int, number: int) -> bytes:
    """Return a JPEG of 3 megapixels that no other call returns."""
    random = np.random.default_rng((seed, number))
    small = Image.fromarray(random.integers(0, 255, (15, 20, 3), np.uint8))
    stream = io.BytesIO()
    small.resize((2000, 1500), Image.Resampling.BICUBIC).save(stream, "JPEG")
    return stream.getvalue()


def _memory() -> bool:
    status = Path("/proc/self/status")
    if not status.exists():
        return True
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    own, mapped = (int(lines[key].split()[0]) / 1000 for key in ("RssAnon", "RssFile"))
    print(
        f"memory {own:.0f} MB its own, limit {MEMORY_LIMIT_MB} MB; {mapped:.0f} MB of mapped files"
    )
    return own <= MEMORY_LIMIT_MB


def main() -> int:
    """Make the library if it is missing, and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument(
        "--cpu", action="store_true", help="measure processor time, for a machine with other load"
    )
    options = parser.parse_args()
    if options.cpu:
        library_100k.measure_processor_time()
    with made_library(options.folder, build, options.photos, False) as folder:
        return 0 if measure(folder, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
