"""Positions and the places that they are in."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_model.photos.places.borders import Borders
from scene_model.photos.places.gazetteer import AT_SEA, DATA, IN_THE_AIR, Gazetteer
from scene_model.photos.places.place import place_title
from scene_model.photos.places.settlements import BLUR_KM, Settlements

GAZETTEER = Gazetteer.open()
MAX_BYTES = 8_000_000


@pytest.mark.parametrize(
    ("latitude", "longitude", "name", "country"),
    [
        (38.7139, -9.1394, "Lisbon", "PT"),
        (38.6916, -9.2160, "Lisbon", "PT"),  # Belém, a district
        (38.7876, -9.3906, "Sintra", "PT"),
        (52.345, 14.55, "Frankfurt (Oder)", "DE"),
        (52.352, 14.565, "Słubice", "PL"),  # across the river
        (47.559, 7.588, "Basel", "CH"),
        (47.590, 7.559, "Saint-Louis", "FR"),
        (41.9022, 12.4533, "Vatican City", "VA"),
        (41.8986, 12.4769, "Rome", "IT"),  # the Pantheon
        (41.9519, 12.4989, "Rome", "IT"),
        (43.7435, 7.4226, "Beausoleil", "FR"),
        (43.7325, 7.42, "Monaco", "MC"),
        (36.14, -5.35, "Gibraltar", "GI"),
        (32.533, -117.03, "Tijuana", "MX"),
        (43.0950, -79.1000, "Niagara Falls", "CA"),
        # Natural Earth shows these with another country.
        (4.92, -52.31, "Cayenne", "GF"),
        (78.22, 15.65, "Longyearbyen", "SJ"),
        (-20.88, 55.45, "Saint-Denis", "RE"),
        (44.95, 34.11, "Simferopol", "UA"),
        (18.466, -66.106, "San Juan", "PR"),
        (22.28, 114.16, "Hong Kong", "HK"),
        (42.66, 21.16, "Pristina", "XK"),
        (35.19, 33.37, "Nicosia", "CY"),
        # Small islands.
        (-37.067, -12.31, "Edinburgh of the Seven Seas", "SH"),
        (4.175, 73.509, "Male", "MV"),
    ],
)
def test_settlements(latitude: float, longitude: float, name: str, country: str) -> None:
    (place,) = GAZETTEER.places_at([latitude], [longitude])
    assert (place.name, place.country, place.kind) == (name, country, "settlement")
    assert place.distance_km < 15
    assert place.geonames_id
    assert "/" in (place.time_zone or "")


@pytest.mark.parametrize(
    ("latitude", "longitude", "country"),
    [
        (-16.8, 179.99, "FJ"),  # both sides of the date line
        (-16.9, -179.95, "FJ"),
        (66.84, 88.40, "RU"),
        (66.0, -172.0, "RU"),
        (27.95, 86.9, "NP"),
        (28.05, 86.9, "CN"),
        (24.45, -1.5, "DZ"),
        (-8.52, 179.2, "TV"),  # an atoll
    ],
)
def test_countries(latitude: float, longitude: float, country: str) -> None:
    (place,) = GAZETTEER.places_at([latitude], [longitude])
    assert (place.country, place.kind) == (country, "settlement")


def test_sea_air_and_ice() -> None:
    sea = GAZETTEER.places_at([30, 89.9, -50, 0], [-40, 0, 179.9, -179.9])
    assert sea == [AT_SEA] * 4
    assert GAZETTEER.places_at([48, 48], [11, 11], [11_000, None])[0] == IN_THE_AIR
    assert GAZETTEER.places_at([48, 28], [11, 86.9], [None, 8_848])[1].country == "CN"
    (pole,) = GAZETTEER.places_at([-89.9], [10])
    assert (pole.name, pole.country, pole.distance_km) == ("Antarctica", "AQ", 0)


def test_the_territorial_sea_belongs_to_the_coast() -> None:
    off_lisbon, far_off = GAZETTEER.places_at([38.6, 38.6], [-9.6, -12])
    assert off_lisbon.country == "PT"
    assert far_off == AT_SEA


def test_far_from_a_city_the_nearest_settlement_counts() -> None:
    (place,) = GAZETTEER.places_at([28.05], [86.9])
    assert place.distance_km < 100, "not Lhasa, which is larger and 400 km away"
    title = place_title(place.name, place.kind, place.distance_km, "China")
    assert title == f"near {place.name}, China"


def test_titles() -> None:
    assert place_title("Lisbon", "settlement", 15.0, "Portugal") == "Lisbon, Portugal"
    assert place_title("Lisbon", "settlement", 15.1, "Portugal") == "near Lisbon, Portugal"
    assert place_title("Monaco", "settlement", 0.5, "Monaco") == "Monaco"
    assert place_title("Monaco", "settlement", 20.0, "Monaco") == "near Monaco"
    assert place_title("At sea", "sea", 0.0, None) == "At sea"


def test_names_in_other_languages() -> None:
    assert GAZETTEER.country_name("PT") == "Portugal"
    assert GAZETTEER.country_name("DE", "fr") == "Allemagne"
    assert GAZETTEER.country_name("DE", "tlh") == "Germany"
    assert GAZETTEER.country_name("??") == "??"
    assert "葡萄牙" in GAZETTEER.country_names("PT")
    (munich,) = GAZETTEER.places_at([48.137], [11.575])
    assert munich.region == "Bavaria"
    others = GAZETTEER.other_names(munich.geonames_id or 0)
    assert {"München", "Monaco di Baviera", "慕尼黑"} <= {*others}
    assert GAZETTEER.other_names(1) == ()


@pytest.mark.parametrize(
    ("latitudes", "longitudes"),
    [([91], [0]), ([float("nan")], [0]), ([0], [float("inf")]), ([0, 1], [0])],
)
def test_impossible_positions_are_refused(latitudes: list[float], longitudes: list[float]) -> None:
    with pytest.raises(ValueError, match="positions must be|latitudes of shape"):
        GAZETTEER.places_at(latitudes, longitudes)


def test_no_position_gives_no_place() -> None:
    assert GAZETTEER.places_at([], []) == []


_POSITIONS = st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None)
@given(positions=_POSITIONS)
def test_many_at_once_are_as_one_by_one(positions: list[tuple[float, float]]) -> None:
    together = GAZETTEER.places_at(*zip(*positions, strict=True))
    alone = [GAZETTEER.places_at([lat], [lon])[0] for lat, lon in positions]
    assert [replace(p, distance_km=round(p.distance_km, 1)) for p in together] == [
        replace(p, distance_km=round(p.distance_km, 1)) for p in alone
    ]
    for place in together:
        assert (place.country is None) is (place.kind != "settlement")
        assert place.distance_km <= 400


@settings(max_examples=25, deadline=None)
@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_a_turn_round_the_world_changes_nothing(latitude: float, longitude: float) -> None:
    longitude = round(longitude, 6)
    here, there = GAZETTEER.places_at([latitude] * 2, [longitude, longitude + 360])
    assert (here.name, here.country) == (there.name, there.country)


def test_lines_and_cells_agree() -> None:
    """Two ways to the country of a position: the nearest line, and the next one in the east."""
    borders = Borders(DATA / "borders.npz")
    with np.load(DATA / "borders.npz") as arrays:
        cells = arrays["cells"]
    random = np.random.default_rng(5)
    rows, columns = random.integers(0, 1800, 20_000), random.integers(0, 3600, 20_000)
    latitudes, longitudes = -90 + (rows + 0.5) / 10.0, -180 + (columns + 0.5) / 10.0
    at = borders.countries_at(latitudes.astype(np.float64), longitudes.astype(np.float64))
    is_near = np.isfinite(at.border_km) & (at.border_km > 0.02)
    assert is_near.sum() > 500
    assert (at.here == cells[rows, columns])[is_near].mean() > 0.999


def test_the_nearest_settlement_is_that_of_a_search_through_all() -> None:
    settlements = Settlements(DATA)
    random = np.random.default_rng(6)
    chosen = random.integers(0, len(settlements.countries), 40)
    vectors = settlements.vectors[chosen] + random.normal(0, 2e-3, (40, 3))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    countries = settlements.countries[chosen].astype(np.int64)
    best, distances = settlements.nearest(vectors, countries)
    for i, vector in enumerate(vectors):
        km = 6371.0088 * 2 * np.arcsin(np.linalg.norm(settlements.vectors - vector, axis=1) / 2)
        ratios = (km + BLUR_KM) / settlements.reach_km
        ratios[(settlements.countries != countries[i]) | (km > 400)] = np.inf
        assert ratios[best[i]] == pytest.approx(ratios.min(), rel=1e-9)
        assert distances[i] == pytest.approx(km[best[i]], abs=1e-6)


def test_threads_share_a_gazetteer() -> None:
    gazetteer, names = Gazetteer.open(), list[str]()

    def name() -> None:
        names.append(gazetteer.places_at([38.7139], [-9.1394])[0].name)

    threads = [threading.Thread(target=name) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == ["Lisbon"] * 4


def test_the_data_stay_small() -> None:
    assert sum(file.stat().st_size for file in DATA.iterdir()) <= MAX_BYTES
