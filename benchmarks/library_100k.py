"""Open a library of 100,000 photos and time the queries of its pages.

Generates the library (thumbnails on disk, tags, embeddings, dates, names; classes with a realistic,
uneven distribution), opens it as the server does, and times the queries of the pages.

    python -m benchmarks.library_100k [--photos 100000] [--folder DIR] [--cpu]

With --folder the library is stored there and reused.
"""

import argparse
import datetime
import hashlib
import itertools
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from scene_model.classifier.bundle_description import read_description
from scene_model.classifier.vocabulary import fold_case
from scene_model.config import DEFAULT_BUNDLE_DIR, Settings
from scene_model.duplicates.hash_neighbours import add_hash
from scene_model.library.embeddings import file_name, packed
from scene_model.library.schema import automatic_tags, class_decisions, photos, tag_decisions
from scene_model.library.sort_order import SORTS, Sort
from scene_model.library.store import Library
from scene_model.photos.hashes import signed_hash
from scene_model.photos.thumbnail import make_thumbnail
from scene_model.services import Services, open_services

OPEN_LIMIT_MS, PAGE_LIMIT_MS, QUERY_LIMIT_MS, MEMORY_LIMIT_MB = 1000, 100, 50, 400
PAGE = 36
_BATCH = 5000
_EMBEDDING = read_description(DEFAULT_BUNDLE_DIR).backbone.embedding_size
_BACKBONE, _BUNDLE = "a3a1de3891611d38", "scene_mobilenet_v2@59220681"
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


def build(folder: Path, count: int) -> None:
    """Generate the library, one transaction per batch."""
    started = time.perf_counter()
    with Library(folder) as library:
        random = np.random.default_rng(0)
        classes = [*_spread("scenes"), ("unsure", 0.12), ("flower", 0.05), ("landmark", 0.03)]
        thumbnails = [
            make_thumbnail(
                random.integers(0, 255, (12, 16, 3), np.uint8).repeat(20, 0).repeat(20, 1)
            )
            for _ in range(64)
        ]
        for start in range(0, count, _BATCH):
            _add_batch(library, random, classes, start, min(_BATCH, count - start))
            _add_thumbnails(library, thumbnails, start, min(_BATCH, count - start))
    took = time.perf_counter() - started
    megabytes = sum(f.stat().st_size for f in (folder / "embeddings").iterdir()) / 1e6
    database = (folder / "library.db").stat().st_size / 1e6
    print(f"made in {took:.0f} s: database {database:.0f} MB, embeddings {megabytes:.0f} MB")


def _photo_id(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _spread(head: str) -> list[tuple[str, float]]:
    """A head's labels with relative frequencies: the n-th label has 1/n."""
    bundle = open_bundle_labels()[head]
    return [(label, 1 / (rank + 1)) for rank, label in enumerate(bundle)]


def open_bundle_labels() -> dict[str, list[str]]:
    """The shipped bundle's label ids, by head."""
    heads = read_description(DEFAULT_BUNDLE_DIR).heads
    return {head.id: [label.id for label in head.labels] for head in heads}


def _drawn(random: np.random.Generator, spread: list[tuple[str, float]], count: int) -> list[str]:
    weights = np.array([weight for _, weight in spread])
    numbers = random.choice(len(spread), count, p=weights / weights.sum())
    return [spread[n][0] for n in numbers]


def _add_batch(
    library: Library,
    random: np.random.Generator,
    classes: list[tuple[str, float]],
    start: int,
    count: int,
) -> None:
    assigned_classes = _drawn(random, classes, count)
    head_labels = {head: _drawn(random, _spread(head), count) for head in open_bundle_labels()}
    extra = _drawn(random, _spread("objects"), count)
    file = file_name(_BACKBONE, _EMBEDDING)
    embeddings = np.abs(random.standard_normal((count, _EMBEDDING), np.float32))
    rows, tags, decided, chosen, slots, hashes = [], [], [], [], [], []
    for i in range(count):
        number, photo_id = start + i, _photo_id(start + i)
        rows.append(_row(random, number, photo_id, assigned_classes[i], file))
        labels = {head: {labels[i]} for head, labels in head_labels.items()}
        labels["objects"].add(extra[i])
        for head, photo_labels in labels.items():
            tags += [_tag(photo_id, head, label, float(random.random())) for label in photo_labels]
        at = {"photo_id": photo_id, "at": "2026-11-01T00:00:00+00:00"}
        if random.random() < 0.05:
            decided.append(at | {"label": head_labels["camera"][i], "verdict": "rejected"})
        elif random.random() < 0.05:
            decided.append(at | {"label": "Journey", "verdict": "added"})
        if random.random() < 0.03:
            chosen.append(at | {"label": "holiday"})
        hashes.append(rows[-1]["perceptual_hash"])
        slots.append(packed(photo_id, embeddings[i]))
    with library.database.writer.begin() as connection:
        library.embeddings.write(file, start, b"".join(slots))
        for table, values in (
            *((photos, rows), (automatic_tags, tags), (tag_decisions, decided)),
            *((class_decisions, chosen),),
        ):
            connection.execute(insert(table), values)
        for signed in hashes:
            add_hash(connection, signed)


def _row(
    random: np.random.Generator, number: int, photo_id: str, assigned_class: str, file: str
) -> dict[str, Any]:
    upload = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    upload += datetime.timedelta(hours=number // 400)  # 400 photos per upload
    taken = datetime.datetime(2012, 1, 1) + datetime.timedelta(minutes=70 * number)  # noqa: DTZ001
    camera = ("Apple iPhone 12", "Canon EOS 6D", "SM-G991B", None)[int(4 * random.random() ** 2)]
    has_place = camera is not None and random.random() < 0.4
    name = f"IMG_{number % 10_000:04d}.JPG" if random.random() < 0.7 else f"Summer {number}.jpg"
    return {
        "id": photo_id,
        "name": name,
        "folded_name": fold_case(name),
        "format": "JPEG",
        "file_bytes": int(random.integers(500_000, 9_000_000)),
        "width": 4000,
        "height": 3000,
        "added_at": upload.isoformat(timespec="milliseconds"),
        "auto_taken_at": None if random.random() < 0.1 else taken.isoformat(),
        "auto_taken_source": "DateTimeOriginal",
        "auto_taken_confidence": 0.95,
        "camera": camera,
        "lens": "iPhone 12 front camera 2.71mm f/2.2" if random.random() < 0.02 else None,
        "latitude": 38.7 + random.random() if has_place else None,
        "longitude": -9.1 + random.random() if has_place else None,
        "bundle": _BUNDLE,
        "backbone": _BACKBONE,
        "class_head": "scenes",
        "tag_head": "camera",
        "class_head_label": assigned_class if assigned_class in _SCENES else "street",
        "confidence": float(random.beta(5, 1.2)),
        "class_head_unsure": assigned_class not in _SCENES,
        "auto_class": assigned_class,
        "auto_class_source": "scenes" if assigned_class in _SCENES else "camera",
        "auto_class_score": 0.0 if assigned_class == "unsure" else float(random.beta(5, 1.2)),
        "fallback_class": "unsure",
        "fallback_class_source": "none",
        "fallback_class_score": 0.0,
        "perceptual_hash": _hash(number),
        "trashed_at": None if random.random() < 0.99 else "2026-11-01T00:00:00+00:00",
        "embedding_file": file,
        "embedding_slot": number,
    }


def _hash(number: int) -> int:
    """A random hash; every twentieth photo has the same hash as the one before it, or nearly."""
    random = np.random.default_rng(number - (number % 20 == 1))
    bits = int(random.integers(0, 1 << 64, dtype=np.uint64))
    return signed_hash(bits ^ (0b101 if number % 40 == 1 else 0))


_SCENES = ("buildings", "forest", "glacier", "mountain", "sea", "street")


def _tag(photo_id: str, head: str, label: str, score: float) -> dict[str, Any]:
    return {
        "photo_id": photo_id,
        "head": head,
        "label": label,
        "score": score,
        "bundle": _BUNDLE,
    }


def _add_thumbnails(library: Library, made: list[bytes], start: int, count: int) -> None:
    """Create the thumbnail files as hard links to a few shared files."""
    for number in range(start, start + count):
        path = library.files.thumbnail_location(_photo_id(number))
        path.parent.mkdir(exist_ok=True)
        shared = library.folder / f"shared_{number % len(made)}_{number // 20_000}.webp"
        if not shared.exists():
            shared.write_bytes(made[number % len(made)])
        if not path.exists():
            os.link(shared, path)


_clock = time.perf_counter


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of a call: wall time, or processor time with --cpu."""
    started = _clock()
    work()
    return 1000 * (_clock() - started)


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
        services.library.thumbnail(_photo_id(1))
    holds &= _report_memory("after these queries")
    scan = timed(lambda: _scan(library))
    print(f"scan of all embeddings              {scan:7.1f} ms")
    holds &= _report_memory("after the scan")
    services.close()
    return holds


def _scan(library: Library) -> None:
    """Compare one vector with all embeddings, in chunks of 4,096 rows."""
    name = file_name(_BACKBONE, _EMBEDDING)
    probe = np.ones(_EMBEDDING, np.float32)
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
        global _clock
        _clock = time.process_time
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
