"""A named place, and how it is called."""

from dataclasses import dataclass
from typing import Literal

PlaceKind = Literal["settlement", "sea", "air"]
SETTLEMENT: PlaceKind = "settlement"
SEA: PlaceKind = "sea"
AIR: PlaceKind = "air"
NEAR_KM = 15.0
"""Beyond this distance from its centre a position is near a settlement, not in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a position.

    region: of a settlement, such as a state or a province. country: ISO 3166-1 alpha-2, upper
    case, XK for Kosovo; None at sea, in the air, and on islets that several countries claim.
    distance_km: from the centre of the settlement; 0 for other kinds, and where no settlement is
    within hundreds of kilometres, so that the name is that of the country. time_zone: IANA.
    """

    name: str
    region: str | None
    country: str | None
    kind: PlaceKind
    distance_km: float
    geonames_id: int | None
    time_zone: str | None


def place_title(name: str, kind: str, distance_km: float, country_name: str | None) -> str:
    """Return the place in words: "Lisbon, Portugal", "near Ushuaia, Argentina", "At sea"."""
    near = "near " if kind == SETTLEMENT and distance_km > NEAR_KM else ""
    country = f", {country_name}" if country_name not in (None, name) else ""
    return f"{near}{name}{country}"
