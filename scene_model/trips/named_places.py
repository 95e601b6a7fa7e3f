"""The places that trips are named after."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from scene_model.library.store import Library

SETTLEMENT = "settlement"


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place of photos. country: ISO 3166-1 alpha-2. kind: "settlement", "sea" or "air"."""

    name: str
    region: str | None = None
    country: str | None = None
    kind: str = SETTLEMENT


# Returns the places of those of the given photos, by their numbers, that have one.
NamesOf = Callable[[Sequence[int]], Mapping[int, NamedPlace]]
# Returns the name of a country by its code.
CountryName = Callable[[str], str]


def country_name_of(library: Library) -> CountryName:
    """Return what names countries for a library."""
    return library.gazetteer.country_name


def count_places(places: Iterable[NamedPlace]) -> list[tuple[NamedPlace, int]]:
    """Count settlements, those of most photos first; sea and air give a trip no name."""
    counts = Counter(place for place in places if place.kind == SETTLEMENT)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0].name, item[0].region or ""))
