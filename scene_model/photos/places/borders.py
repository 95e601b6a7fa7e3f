"""The country of a position, and how far the next border is.

Each border is a line with a country on either side; 0 stands for the sea. The country of a
position near a border is the one on its side of the nearest line, elsewhere that of its cell.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_model.photos.geo import EARTH_RADIUS_KM
from scene_model.photos.places.sphere_grid import (
    FloatArray,
    IntArray,
    SphereGrid,
    distances_km,
    expand,
    unit_vectors,
)

_CELL = 0.1
_ROWS, _COLUMNS = 1800, 3600
# Lines are cut into edges of at most this length, in degrees. So the edges whose middle is in the
# nine cells around a position are all those within _SURE degrees; and where there is none, the
# middle of its cell, which is nearer than that, is in the same country.
_EDGE = 0.05
_SURE = _CELL - _EDGE / 2
_KM_PER_DEGREE = np.radians(1) * EARTH_RADIUS_KM
FAR_KM = np.inf
# Ends of edges that are one point differ by that much at most, in degrees: they have 24 bits.
_SAME_POINT = 4e-5
COAST_KM = 22.2  # 12 nautical miles, the territorial waters

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Countries:
    """The countries of positions, as numbers; 0 for the sea.

    across: the country on the other side of the nearest border. border_km: the distance to it,
    FAR_KM where it is more than a few kilometres.
    """

    here: IntArray
    across: IntArray
    border_km: FloatArray


class Borders:
    """The borders of all countries, read from ``borders.npz``."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises OSError or ValueError."""
        with np.load(path, allow_pickle=False) as arrays:
            self._arrays = {name: arrays[name] for name in arrays.files}

    def countries_at(self, latitudes: FloatArray, longitudes: FloatArray) -> Countries:
        """Return the countries of positions in degrees, arrays of the same length."""
        rows = np.clip(((latitudes + 90) / _CELL).astype(np.int64), 0, _ROWS - 1)
        columns = ((longitudes + 180) / _CELL).astype(np.int64) % _COLUMNS
        here = self._arrays["cells"][rows, columns].astype(np.int64)
        across, border_km = here.copy(), np.full(len(here), FAR_KM)
        edges, positions = self._edges_around(rows, columns)
        if not len(edges):
            return Countries(here, across, border_km)
        offsets = self._offsets(edges, latitudes[positions], longitudes[positions])
        degrees = np.hypot(*offsets)
        nearest = self._nearest(edges, positions, degrees, latitudes, longitudes)
        rows_near = positions[nearest]
        side = self._sides_of(edges[nearest], latitudes[rows_near], longitudes[rows_near])
        is_sure = degrees[nearest] <= _SURE
        here[rows_near[is_sure]] = side[0][is_sure]
        other = np.where(here[rows_near] == side[0], side[1], side[0])
        across[rows_near] = other
        east = offsets[0][nearest] * np.cos(np.radians(latitudes[rows_near]))
        border_km[rows_near] = _KM_PER_DEGREE * np.hypot(east, offsets[1][nearest])
        return Countries(here, across, border_km)

    @cached_property
    def _edges(self) -> tuple[Float32Array, npt.NDArray[np.uint8]]:
        """Where the edges start and the way to their ends, shape (4, n), and their sides.

        Sorted by the cell of their middle.
        """
        arrays = self._arrays
        counts, steps = arrays["counts"], arrays["steps"]
        ends = np.cumsum(steps, axis=1, dtype=np.int32)
        lines = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        first = np.cumsum(counts) - counts
        begun = np.where(first, ends[:, first - 1], 0)
        ends += (arrays["starts"].T - begun)[:, lines]
        scale = arrays["scale"][:, None].astype(np.float32)
        step = steps * scale
        start = ((ends - steps) * scale + arrays["translate"][:, None]).astype(np.float32)
        sides = arrays["sides"][:, lines]
        start, step, sides = _cut(start, step, sides)
        keys = _cell_keys((start + step / 2).astype(np.float32))
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        return np.concatenate((start[:, order], step[:, order])), sides[:, order]

    def nearest_land(self, vectors: FloatArray) -> IntArray:
        """Return the countries whose coasts are next to positions at sea; 0 beyond COAST_KM.

        vectors: unit vectors, shape (n, 3).
        """
        countries = np.zeros(len(vectors), np.int64)
        grid, coast, land = self._coast
        points, positions = grid.near(vectors)
        distances = distances_km(coast[points], vectors[positions])
        is_near = distances <= COAST_KM
        points, positions, distances = points[is_near], positions[is_near], distances[is_near]
        order = np.lexsort((distances, positions))
        first = order[np.diff(positions[order], prepend=-1) != 0]
        countries[positions[first]] = land[points[first]]
        return countries

    @cached_property
    def _coast(self) -> tuple[SphereGrid, FloatArray, IntArray]:
        """Return points of the coasts, as a grid and as unit vectors, and their countries."""
        edges, sides = self._edges
        is_coast = (sides == 0).any(axis=0)
        start = edges[:2, is_coast].astype(np.float64)
        vectors = unit_vectors(start[1], start[0])
        land = sides[:, is_coast].max(axis=0).astype(np.int64)
        return SphereGrid(vectors, COAST_KM), vectors, land

    def _edges_around(self, rows: IntArray, columns: IntArray) -> tuple[IntArray, IntArray]:
        """Return the edges in the nine cells around positions, with the numbers of these."""
        _ = self._edges
        edges, positions = [], []
        for north in (-1, 0, 1):
            for east in (-1, 0, 1):
                keys = (rows + north) * _COLUMNS + (columns + east) % _COLUMNS
                starts = np.searchsorted(self._keys, keys)
                stops = np.searchsorted(self._keys, keys, side="right")
                members, member_positions = expand(starts, stops)
                edges.append(members)
                positions.append(member_positions)
        return np.concatenate(edges), np.concatenate(positions)

    def _offsets(
        self, edges: IntArray, latitudes: FloatArray, longitudes: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the way from positions to the nearest points of edges, east and north, degrees."""
        x, y, dx, dy = self._edges[0][:, edges]
        to_x, to_y = _around_zero(x - longitudes), y - latitudes
        along = -(to_x * dx + to_y * dy) / np.maximum(dx * dx + dy * dy, 1e-18)
        share = np.clip(along, 0, 1)
        return to_x + share * dx, to_y + share * dy

    def _nearest(
        self,
        edges: IntArray,
        positions: IntArray,
        degrees: FloatArray,
        latitudes: FloatArray,
        longitudes: FloatArray,
    ) -> IntArray:
        """Return the index of the nearest edge of each position that has any.

        Where two edges meet in the nearest point, the one that the position is farther beside: it
        may be on the wrong side of the other.
        """
        least = np.full(len(latitudes), np.inf)
        np.minimum.at(least, positions, degrees)
        ties = np.flatnonzero(degrees <= least[positions] + _SAME_POINT)
        at = positions[ties]
        beside = np.abs(self._beside(edges[ties], latitudes[at], longitudes[at]))
        order = np.lexsort((-beside, at))
        nearest: IntArray = ties[order[np.diff(at[order], prepend=-1) != 0]]
        return nearest

    def _beside(self, edges: IntArray, latitudes: FloatArray, longitudes: FloatArray) -> FloatArray:
        """Return how far positions are to the left of the lines through edges, in degrees."""
        x, y, dx, dy = self._edges[0][:, edges]
        cross = dx * (latitudes - y) - dy * _around_zero(longitudes - x)
        distances: FloatArray = cross / np.maximum(np.hypot(dx, dy), 1e-9)
        return distances

    def _sides_of(
        self, edges: IntArray, latitudes: FloatArray, longitudes: FloatArray
    ) -> tuple[IntArray, IntArray]:
        """Return the countries on the positions' side of edges, and on the other side."""
        left, right = self._edges[1][:, edges].astype(np.int64)
        is_left = self._beside(edges, latitudes, longitudes) > 0
        return np.where(is_left, left, right), np.where(is_left, right, left)


def _cut(
    start: Float32Array, step: Float32Array, sides: npt.NDArray[np.uint8]
) -> tuple[Float32Array, Float32Array, npt.NDArray[np.uint8]]:
    """Cut edges that are longer than _EDGE into equal parts."""
    parts = np.ceil(np.hypot(*step) / _EDGE).astype(np.int64)
    is_long = parts > 1
    parts = parts[is_long]
    numbers, rows = expand(np.zeros(len(parts), np.int64), parts)
    part = (step[:, is_long] / parts)[:, rows].astype(np.float32)
    part_start = start[:, is_long][:, rows] + numbers.astype(np.float32) * part
    short = ~is_long
    return (
        np.concatenate((start[:, short], part_start), axis=1),
        np.concatenate((step[:, short], part), axis=1),
        np.concatenate((sides[:, short], sides[:, is_long][:, rows]), axis=1),
    )


def _cell_keys(points: Float32Array) -> IntArray:
    # Lines go on beyond the date line, in the east by less than once round the world.
    columns = ((points[0] + 540) / _CELL).astype(np.int64) % _COLUMNS
    keys: IntArray = ((points[1] + 90) / _CELL).astype(np.int64) * _COLUMNS + columns
    return keys


def _around_zero(degrees: FloatArray) -> FloatArray:
    """Return differences of longitudes, from -180 to 180."""
    around: FloatArray = (degrees + 180) % 360 - 180
    return around
