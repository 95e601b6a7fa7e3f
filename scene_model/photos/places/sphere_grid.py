"""Points on the globe in a grid of cubes, so that neither poles nor the date line are special."""

import numpy as np
import numpy.typing as npt

from scene_model.photos.geo import EARTH_RADIUS_KM

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_OFFSETS = (-1, 0, 1)


def unit_vectors(latitudes: FloatArray, longitudes: FloatArray) -> FloatArray:
    """Return positions in degrees as unit vectors, shape (n, 3)."""
    phi, lam = np.radians(latitudes), np.radians(longitudes)
    cosines = np.cos(phi)
    return np.column_stack((cosines * np.cos(lam), cosines * np.sin(lam), np.sin(phi)))


def distances_km(vectors: FloatArray, others: FloatArray) -> FloatArray:
    """Return the great-circle distances of unit vectors, row by row."""
    chords = np.sqrt(np.square(vectors - others).sum(axis=1))
    distances: FloatArray = 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chords / 2, 1))
    return distances


def expand(starts: IntArray, stops: IntArray) -> tuple[IntArray, IntArray]:
    """Return the numbers in each range from start to stop, and for each the row of its range."""
    counts = stops - starts
    rows = np.repeat(np.arange(len(starts)), counts)
    before = np.cumsum(counts) - counts
    return np.arange(len(rows)) - before[rows] + starts[rows], rows


class SphereGrid:
    """The nearest points are within the cubes around a position, 27 of them."""

    def __init__(self, vectors: FloatArray, cube_km: float) -> None:
        """vectors: unit vectors of the points, shape (n, 3). cube_km: edge of a cube."""
        self._edge = cube_km / EARTH_RADIUS_KM
        self._width = int(2 / self._edge) + 4
        # To the lowest of the three cubes in each of the nine columns around a cube.
        self._around = np.array(
            [(dx * self._width + dy) * self._width - 1 for dx in _OFFSETS for dy in _OFFSETS]
        )
        keys = self._keys(self._cubes(vectors))
        self._order = np.argsort(keys, kind="stable")
        self._sorted_keys = keys[self._order]

    def near(self, vectors: FloatArray) -> tuple[IntArray, IntArray]:
        """Return the points near positions, all those within ``cube_km`` among them.

        The numbers of the points, and for each the row of its position.
        """
        keys = self._keys(self._cubes(vectors))
        # In the order of the keys, which makes the searches many times faster.
        order = np.argsort(keys, kind="stable")
        # Cubes above each other have keys that follow each other.
        lowest = (keys[order] + self._around[:, None]).ravel()
        starts = np.searchsorted(self._sorted_keys, lowest)
        stops = np.searchsorted(self._sorted_keys, lowest + 2, side="right")
        members, rows = expand(starts, stops)
        return self._order[members], order[rows % len(order)]

    def _cubes(self, vectors: FloatArray) -> IntArray:
        # From 1, so that the neighbours of the first cube are none of another row.
        return np.floor((vectors + 1) / self._edge).astype(np.int64) + 1

    def _keys(self, cubes: IntArray) -> IntArray:
        keys: IntArray = (cubes[:, 0] * self._width + cubes[:, 1]) * self._width + cubes[:, 2]
        return keys
