"""Places of positions, from data in the package: nothing is sent anywhere."""

import gzip
import json
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_model.photos.places.borders import COAST_KM, Borders, Countries
from scene_model.photos.places.place import AIR, SEA, SETTLEMENT, Place
from scene_model.photos.places.settlements import NONE, Settlements
from scene_model.photos.places.sphere_grid import FloatArray, IntArray, unit_vectors

DATA = Path(__file__).resolve().parent / "data"
LANGUAGES = ("en", "de", "fr", "es", "zh", "it")
# An island that has no outline belongs to the settlement on it.
_ISLAND_KM = COAST_KM
# The lines of borders are that coarse: nearer to one, the settlement decides.
_BORDER_KM, _ACROSS_KM = 2.0, 1.5
# Higher than any ground.
AIR_M = 9_000.0
# A country so small that the settlement next to its border says nothing.
_EXACT = "VA"

AT_SEA = Place("At sea", None, None, SEA, 0.0, None, None)
IN_THE_AIR = Place("In the air", None, None, AIR, 0.0, None, None)


class Gazetteer:
    """Names positions; safe to share between threads. The data are read at the first look-up."""

    def __init__(self, folder: Path) -> None:
        """folder: that of the data files; `open` uses those of the package."""
        self._folder = folder
        self._lock = threading.RLock()

    @classmethod
    def open(cls) -> "Gazetteer":
        """Return the gazetteer of the package; nothing is read yet."""
        return cls(DATA)

    def places_at(
        self,
        latitudes: npt.ArrayLike,
        longitudes: npt.ArrayLike,
        altitudes_m: Sequence[float | None] | None = None,
    ) -> list[Place]:
        """Return the place of each position.

        latitudes, longitudes: degrees, WGS 84, finite, latitudes from -90 to 90; of the same
        length. altitudes_m: above the sea, None where not known. Raises ValueError.
        """
        lat, lon = _checked(latitudes, longitudes)
        with self._lock:
            places = self._places(lat, lon) if len(lat) else []
        if altitudes_m is None:
            return places
        return [
            IN_THE_AIR if altitude_m is not None and altitude_m > AIR_M else place
            for place, altitude_m in zip(places, altitudes_m, strict=True)
        ]

    def country_name(self, code: str, language: str = "en") -> str:
        """Return the name of a country; the code itself where there is none."""
        names = self._countries.get(code, {})
        return names.get(language) or names.get("en") or code

    def country_names(self, code: str) -> tuple[str, ...]:
        """Return the names of a country in all languages, each once."""
        return tuple(dict.fromkeys(self._countries.get(code, {}).values()))

    def other_names(self, geonames_id: int) -> tuple[str, ...]:
        """Return the names of a larger settlement in other languages."""
        with self._lock:
            number = self._settlements.with_geonames_id(geonames_id)
            return () if number == NONE else self._settlements.other_names(number)

    def _places(self, latitudes: FloatArray, longitudes: FloatArray) -> list[Place]:
        vectors = unit_vectors(latitudes, longitudes)
        countries = self._decided(self._borders.countries_at(latitudes, longitudes), vectors)
        numbers, distances = np.full(len(vectors), NONE), np.zeros(len(vectors))
        is_land = countries > 0
        numbers[is_land], distances[is_land] = self._settlements.nearest(
            vectors[is_land], countries[is_land]
        )
        return [
            self._place(*row)
            for row in zip(countries.tolist(), numbers.tolist(), distances.tolist(), strict=True)
        ]

    def _decided(self, countries: Countries, vectors: FloatArray) -> IntArray:
        """Return the countries of positions, those at coasts and borders by their settlements."""
        here = countries.here.copy()
        at_sea = np.flatnonzero(here == 0)
        here[at_sea] = self._borders.nearest_land(vectors[at_sea])
        exact = self._codes.index(_EXACT)
        is_line = (here > 0) & (here != exact) & (countries.across != exact)
        is_line &= countries.border_km <= _BORDER_KM
        for rows, max_km in (
            (np.flatnonzero(is_line), _ACROSS_KM),
            (np.flatnonzero(here == 0), _ISLAND_KM),
        ):
            anywhere = np.full(len(rows), NONE)
            numbers, _ = self._settlements.nearest(
                vectors[rows], anywhere, max_km, is_weighed=False
            )
            rows, numbers = rows[numbers != NONE], numbers[numbers != NONE]
            here[rows] = self._settlements.countries[numbers]
        return here

    def _place(self, country: int, number: int, distance_km: float) -> Place:
        if not country:
            return AT_SEA
        code = self._codes[country]
        if number == NONE:
            return Place(self.country_name(code), None, code, SETTLEMENT, 0.0, None, None)
        settlements = self._settlements
        return Place(
            settlements.name(number),
            settlements.region(number),
            code,
            SETTLEMENT,
            round(distance_km, 3),
            settlements.geonames_id(number),
            settlements.time_zone(number),
        )

    @cached_property
    def _borders(self) -> Borders:
        return Borders(self._folder / "borders.npz")

    @cached_property
    def _settlements(self) -> Settlements:
        return Settlements(self._folder)

    @cached_property
    def _countries(self) -> dict[str, dict[str, str]]:
        content = gzip.decompress((self._folder / "countries.json.gz").read_bytes())
        names: dict[str, dict[str, str]] = json.loads(content)
        return names

    @cached_property
    def _codes(self) -> Sequence[str]:
        return ("", *self._countries)


def _checked(latitudes: npt.ArrayLike, longitudes: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    lat, lon = np.asarray(latitudes, np.float64), np.asarray(longitudes, np.float64)
    if lat.shape != lon.shape or lat.ndim != 1:
        raise ValueError(f"latitudes of shape {lat.shape}, longitudes of shape {lon.shape}")
    if not (np.isfinite(lat).all() and np.isfinite(lon).all() and (np.abs(lat) <= 90).all()):
        raise ValueError("positions must be finite, and latitudes from -90 to 90 degrees")
    return lat, (lon + 180) % 360 - 180
