"""Great-circle distances."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.photos.geo import EARTH_RADIUS_KM, distance_km

LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)


def direction(latitude: float, longitude: float) -> tuple[float, float, float]:
    north, east = math.radians(latitude), math.radians(longitude)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_distance_is_the_angle_between_two_directions(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> None:
    chord = math.dist(direction(latitude, longitude), direction(other_latitude, other_longitude))
    expected = EARTH_RADIUS_KM * 2 * math.asin(min(1.0, chord / 2))
    distance = distance_km(latitude, longitude, other_latitude, other_longitude)
    # Near the antipode, rounding to 1e-16 moves the angle by 1e-8.
    assert distance == pytest.approx(expected, abs=1e-3)


def test_munich_to_sydney() -> None:
    assert distance_km(48.137, 11.575, -33.86, 151.21) == pytest.approx(16_328, abs=1)
