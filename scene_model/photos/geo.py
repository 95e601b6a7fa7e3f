"""Distances on the globe."""

import math

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG


def haversine(angle: float) -> float:
    """Haversine of an angle in radians, in [0, 1]."""
    return math.sin(angle / 2) ** 2


def distance_km(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Great-circle distance of two points in degrees, WGS 84, by the haversine formula."""
    cosines = math.cos(math.radians(latitude)) * math.cos(math.radians(other_latitude))
    h = haversine(math.radians(latitude - other_latitude))
    h += cosines * haversine(math.radians(longitude - other_longitude))
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))
