"""Places at some distance from others."""

import math

import numpy as np

from scene_model.photos.geo import distance_km


def place_at(
    place: tuple[float, float], km: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return a place so far away, in any direction, along a great circle."""
    bearing, angle = float(rng.uniform(0, 2 * math.pi)), km / 6371.0
    latitude, longitude = map(math.radians, place)
    other = math.asin(
        math.sin(latitude) * math.cos(angle)
        + math.cos(latitude) * math.sin(angle) * math.cos(bearing)
    )
    across = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(latitude),
        math.cos(angle) - math.sin(latitude) * math.sin(other),
    )
    return math.degrees(other), (math.degrees(longitude + across) + 540) % 360 - 180


def place_between(
    first: tuple[float, float], second: tuple[float, float], share: float
) -> tuple[float, float]:
    """Return a place on the way from one to another."""
    across = (second[1] - first[1] + 540) % 360 - 180
    latitude = first[0] + share * (second[0] - first[0])
    return latitude, (first[1] + share * across + 540) % 360 - 180


def km_between(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the great-circle distance of two places."""
    return distance_km(*first, *second)
