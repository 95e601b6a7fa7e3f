"""Count the photos of a map in clusters, next to the plain way, on 100,000 photos with a place.

Makes the library as `benchmarks.large_library` does and gives every photo a place, most of them
around twelve cities. Times the clusters of five areas from the whole world to a city, as the page
asks for them on a screen of 1600 by 900, without a filter and with one. The plain way reads the
places of all photos in the area and makes the same clusters in Python.

    python -m benchmarks.map_clusters [--photos 100000] [--folder DIR] [--rounds 15] [--cpu]

With --folder the library is stored there and reused.
"""

import argparse
import itertools
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sqlalchemy import select, update

from benchmarks.large_library import build
from benchmarks.library_100k import report
from benchmarks.served import made_library
from scene_model.config import Settings
from scene_model.library.database.schema import photos
from scene_model.search.conditions import is_in_box
from scene_model.search.query import parse_query
from scene_model.search.query_values import Box
from scene_model.services import Services, open_services

LIMIT_MS = 300
_CELL_PX, _RADIUS_PX = 32, 64
_CITIES = (
    *((38.72, -9.14), (48.86, 2.35), (51.51, -0.13), (52.52, 13.41), (41.9, 12.5), (40.42, -3.7)),
    *((40.71, -74.0), (37.77, -122.42), (35.68, 139.69), (-33.87, 151.21), (19.43, -99.13)),
    (28.61, 77.21),
)
# The area on the screen and the zoom that shows it.
_AREAS = {
    "world": (Box(-60, -180, 80, 180), 2),
    "Europe": (Box(30, -25, 65, 40), 4),
    "Iberia": (Box(35, -11, 44, 5), 6),
    "around Lisbon": (Box(38.2, -9.9, 39.3, -8.0), 10),
    "Lisbon": (Box(38.68, -9.25, 38.8, -9.05), 13),
}
_FILTERS = ("", "street -sea")


def give_places(services: Services) -> None:
    """Give every photo a place: nine of ten around a city, the others anywhere."""
    random = np.random.default_rng(1)
    library = services.library
    with library.database.writer.begin() as connection:
        numbers = list(connection.execute(select(photos.c.number)).scalars())
        for number in numbers:
            city = _CITIES[int(random.integers(len(_CITIES)))]
            latitude, longitude = random.normal(city, 0.08)
            if random.random() < 0.1:
                latitude, longitude = random.uniform(-55, 70), random.uniform(-180, 180)
            place = {"latitude": float(latitude), "longitude": float(longitude)}
            connection.execute(update(photos).where(photos.c.number == number).values(place))


def plain_clusters(services: Services, box: Box, zoom: int, query: str) -> list[list[str]]:
    """Read all photos of the area and put each into the first cluster that is near enough."""
    where = parse_query(query, services.gallery().vocabulary)
    columns = (photos.c.id, photos.c.latitude, photos.c.longitude)
    rows = select(*columns).where(photos.c.trashed_at.is_(None), is_in_box(box), where)
    size = 256 * 2**zoom
    cells: dict[tuple[int, int], list[tuple[str, float, float]]] = {}
    with services.library.database.reader.begin() as connection:
        for photo_id, latitude, longitude in connection.execute(rows):
            x = (longitude + 180) / 360 * size
            y = math.asinh(math.tan(math.radians(latitude))) / (2 * math.pi) * size
            cell = (math.floor(x / _CELL_PX), math.floor(y / _CELL_PX))
            cells.setdefault(cell, []).append((photo_id, x, y))
    clusters: list[tuple[float, float, list[str]]] = []
    for members in sorted(cells.values(), key=len, reverse=True):
        x = sum(member[1] for member in members) / len(members)
        y = sum(member[2] for member in members) / len(members)
        ids = [photo_id for photo_id, _, _ in members]
        near = (c for c in clusters if math.hypot(c[0] - x, c[1] - y) < _RADIUS_PX)
        cluster = next(near, None)
        if cluster is None:
            clusters.append((x, y, ids))
        else:
            cluster[2].extend(ids)
    return [ids for _, _, ids in clusters]


_clock = time.perf_counter


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of a call: wall time, or processor time with --cpu."""
    started = _clock()
    work()
    return 1000 * (_clock() - started)


def measure(folder: Path, rounds: int) -> bool:
    """Time both ways; return whether ours is quick enough and counts the same photos."""
    services = open_services(Settings(library=folder, workers=2))
    if services.gallery().places("").photos < services.library.count():
        give_places(services)
    gallery = services.gallery()
    ours: dict[str, list[float]] = {}
    plain: dict[str, list[float]] = {}
    for (name, (box, zoom)), query in itertools.product(_AREAS.items(), _FILTERS):
        clusters = gallery.map_clusters(box, zoom, query)
        counted = sum(cluster.photos for cluster in clusters)
        expected = sum(map(len, plain_clusters(services, box, zoom, query)))
        if counted != expected:
            raise SystemExit(f"{name}, {query!r}: {counted:,} photos instead of {expected:,}")
        title = f"{name}{', filtered' if query else ''}: {counted:,} in {len(clusters)}"
        for _ in range(rounds):
            ours.setdefault(title, []).append(
                timed(lambda: gallery.map_clusters(box, zoom, query))  # noqa: B023
            )
            plain.setdefault(title, []).append(
                timed(lambda: plain_clusters(services, box, zoom, query))  # noqa: B023
            )
        fast, slow = (float(np.median(times[title])) for times in (ours, plain))
        print(f"  {title:<48} {fast:7.1f} ms   plain {slow:7.1f} ms   ratio {slow / fast:5.1f}")
    services.close()
    return report("clusters of an area", ours, LIMIT_MS)


def main() -> int:
    """Make the library and measure; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--cpu", action="store_true", help="measure processor time, for a machine with other load"
    )
    options = parser.parse_args()
    if options.cpu:
        global _clock
        _clock = time.process_time
    with made_library(options.folder, build, options.photos) as folder:
        return 0 if measure(folder, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
