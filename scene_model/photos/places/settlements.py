"""The settlement of a position: the nearest one, weighed by its size."""

import gzip
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_model.photos.places.sphere_grid import (
    FloatArray,
    IntArray,
    SphereGrid,
    distances_km,
    unit_vectors,
)

NONE = -1
# A settlement is taken for a disc of this density. The settlement of a position is that with the
# least distance in relation to the radius of the disc, both made longer by BLUR_KM: so size counts
# near a settlement, and far from all the nearest is taken.
_PEOPLE_PER_KM2 = 2_000
BLUR_KM = 1.0
# Settlements in classes of size, each with grids of cubes: the smallest that may hold a nearer one
# is asked first.
_CLASSES = ((300_000, np.inf, 64.0), (30_000, 300_000, 16.0), (3_000, 30_000, 8.0), (0, 3_000, 4.0))
_GROWTH, MAX_KM = 4.0, 400.0
_CHUNK = 20_000

IsAllowed = Callable[[IntArray, IntArray], npt.NDArray[np.bool_]]


class Settlements:
    """The settlements of the world, read from ``settlements.npz`` and ``names.json.gz``."""

    def __init__(self, folder: Path) -> None:
        """Read the positions; raises OSError or ValueError. Names are read when needed."""
        self._folder = folder
        with np.load(folder / "settlements.npz", allow_pickle=False) as arrays:
            self._arrays = {name: arrays[name] for name in arrays.files}
        people = np.exp2(self._arrays["people"] / 16)
        self.reach_km: FloatArray = np.sqrt(people / (np.pi * _PEOPLE_PER_KM2)) + BLUR_KM
        self.people = people
        self._grids: dict[tuple[int, float], SphereGrid] = {}

    @property
    def countries(self) -> npt.NDArray[np.uint8]:
        """The number of the country of each settlement."""
        countries: npt.NDArray[np.uint8] = self._arrays["countries"]
        return countries

    def nearest(
        self,
        vectors: FloatArray,
        countries: IntArray,
        max_km: float = MAX_KM,
        is_weighed: bool = True,
    ) -> tuple[IntArray, FloatArray]:
        """Return the settlements of positions, NONE where there is none, and the distances.

        vectors: unit vectors, shape (n, 3). countries: the country whose settlements count for
        each position; NONE for all countries. is_weighed: False for the nearest whatever its size.
        """
        best, distances = np.full(len(vectors), NONE), np.full(len(vectors), np.inf)
        reach_km = self.reach_km if is_weighed else np.ones(len(self.reach_km))
        for start in range(0, len(vectors), _CHUNK):
            part = slice(start, start + _CHUNK)
            best[part], distances[part] = self._nearest(
                vectors[part], countries[part], max_km, reach_km
            )
        return best, distances

    def _nearest(
        self, vectors: FloatArray, countries: IntArray, max_km: float, reach_km: FloatArray
    ) -> tuple[IntArray, FloatArray]:
        best = np.full(len(vectors), NONE)
        distances, ratios = np.full(len(vectors), np.inf), np.full(len(vectors), np.inf)
        for number, (_, _, cube_km) in enumerate(_CLASSES):
            members = self._members[number]
            largest_reach = reach_km[members].max()
            open_rows, size = np.arange(len(vectors)), min(cube_km, max_km)
            while len(open_rows):
                near, rows = self._grid(number, size).near(vectors[open_rows])
                near, rows = members[near], open_rows[rows]
                is_own = (countries[rows] == NONE) | (self.countries[near] == countries[rows])
                near, rows = near[is_own], rows[is_own]
                near_km = distances_km(self.vectors[near], vectors[rows])
                is_near = near_km <= max_km
                near, rows, near_km = near[is_near], rows[is_near], near_km[is_near]
                near_ratios = (near_km + BLUR_KM) / reach_km[near]
                before = ratios[rows]
                np.minimum.at(ratios, rows, near_ratios)
                is_best = (near_ratios < before) & (near_ratios == ratios[rows])
                best[rows[is_best]], distances[rows[is_best]] = near[is_best], near_km[is_best]
                if size >= max_km:
                    break
                # A larger one of this class, farther than the cubes reach, could still be better.
                open_rows = open_rows[ratios[open_rows] * largest_reach > size + BLUR_KM]
                size = min(size * _GROWTH, max_km)
        return best, distances

    def name(self, number: int) -> str:
        """Return the name of a settlement."""
        return self._names["names"][number]

    def region(self, number: int) -> str | None:
        """Return the name of the region of a settlement; None where it is not known."""
        return self._names["regions"][int(self._arrays["regions"][number])] or None

    def time_zone(self, number: int) -> str:
        """Return the IANA time zone of a settlement."""
        return self._names["zones"][int(self._arrays["zones"][number])]

    def geonames_id(self, number: int) -> int:
        """Return the number of a settlement in GeoNames."""
        return int(self._arrays["geonames_ids"][number])

    def other_names(self, number: int) -> tuple[str, ...]:
        """Return the names of a larger settlement in other languages."""
        return self._other_names.get(number, ())

    def with_geonames_id(self, geonames_id: int) -> int:
        """Return the settlement with a number in GeoNames; NONE without one."""
        rows = np.flatnonzero(self._arrays["geonames_ids"] == geonames_id)
        return int(rows[0]) if len(rows) else NONE

    @cached_property
    def vectors(self) -> FloatArray:
        """The position of each settlement as a unit vector, shape (n, 3)."""
        return unit_vectors(self._arrays["latitudes"] / 1000, self._arrays["longitudes"] / 1000)

    @cached_property
    def _members(self) -> list[IntArray]:
        return [
            np.flatnonzero((self.people >= least) & (self.people < most))
            for least, most, _ in _CLASSES
        ]

    def _grid(self, number: int, cube_km: float) -> SphereGrid:
        key = number, cube_km
        if key not in self._grids:
            self._grids[key] = SphereGrid(self.vectors[self._members[number]], cube_km)
        return self._grids[key]

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        content = gzip.decompress((self._folder / "names.json.gz").read_bytes())
        return {name: text.split("\n") for name, text in json.loads(content).items()}

    @cached_property
    def _other_names(self) -> dict[int, tuple[str, ...]]:
        names, number = {}, 0
        for line in self._names["other_names"]:
            step, *others = line.split("\t")
            number += int(step)
            names[number] = tuple(others)
        return names
