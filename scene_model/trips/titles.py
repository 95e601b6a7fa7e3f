"""Titles of trips from facts: places and dates."""

import datetime
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from scene_model.classifier.vocabulary import fold
from scene_model.errors import InvalidTrip
from scene_model.library.trips.trip_rows import MAX_TITLE_LENGTH, TripRow, numbered_title
from scene_model.trips.dates_text import (
    MONTHS,
    WEEKDAYS,
    day_text,
    days_text,
    months_text,
    weekday,
)
from scene_model.trips.named_places import CountryName, NamedPlace

# A place is named in a title if at least this share of the photos with a place is from there, and
# at most so many are; those named together must have the second share.
_NAMED_SHARE, _MOST_NAMED, _NAMED_TOGETHER = 0.15, 3, 0.6
_MOST_COUNTRIES = 3

# Dates as `dates_text` writes them, and what stands around them in titles.
_MONTH = f"(?:{'|'.join(MONTHS)})"
_TO = rf"(?:\d{{1,2}}|(?:\d{{1,2}} )?{_MONTH}(?: \d{{4}})?) (?:to|and) "
_DATES = rf"(?:{_TO})?(?:\d{{1,2}} )?{_MONTH} \d{{4}}"
_DATES_BEFORE = re.compile(rf"^{_DATES} in ")
_DATES_BEHIND = re.compile(rf", {_DATES}($| \()")
_ONLY_DATES = re.compile(rf"(?:{'|'.join(WEEKDAYS)}|{_DATES})(?: \(\d+\))?")

PlaceCounts = Sequence[tuple[NamedPlace, int]]


def trip_titles(
    first: datetime.date, last: datetime.date, counts: PlaceCounts, country_name: CountryName
) -> list[str]:
    """Return titles for a trip, the shortest first; each further one says more.

    counts: its places with the numbers of their photos, most first. country_name: returns the name
    of a country by its code.
    """
    where = _where(counts, country_name)
    days = days_text(first, last)
    if where is None:
        return [f"{weekday(first)}, {days}" if first == last else days]
    if first == last:
        titles = [f"{weekday(first)} in {where}, {day_text(first)}"]
    else:
        is_country = not _is_of_settlements(counts)
        months = months_text(first, last)
        short = f"{months} in {where}" if is_country else f"{where}, {months}"
        titles = [short, f"{where}, {days}"]
    every = ", ".join(place.name for place, _ in counts[:5])
    return [*titles, f"{titles[-1]} ({every})"]


def clean_title(typed: str) -> str:
    """Normalise a typed title: NFC, single spaces; raises InvalidTrip."""
    title = " ".join(unicodedata.normalize("NFC", typed).split())
    if not fold(title):
        raise InvalidTrip("A trip needs a title with at least one letter or digit.")
    if len(title) > MAX_TITLE_LENGTH:
        raise InvalidTrip(
            f"The title of the trip has {len(title)} characters; the limit is {MAX_TITLE_LENGTH}."
        )
    if '"' in title:
        raise InvalidTrip(
            "The title of a trip cannot contain a quotation mark: queries quote titles with it."
        )
    unprintable = [character for character in title if not character.isprintable()]
    if unprintable:
        raise InvalidTrip(
            f"The title of the trip contains an unprintable character ({unprintable[0]!r})."
        )
    return title


def is_still_right(current: str, titles: Sequence[str]) -> bool:
    """Whether the title that a trip has is one of those of `trip_titles`, perhaps numbered."""
    return current in titles or current.startswith(f"{titles[-1]} (")


def free_title(titles: Sequence[str], taken: Collection[str]) -> str:
    """Return the shortest title that no other trip has. taken: those of the others, folded."""
    free = (title for title in titles if fold(title) not in taken)
    return next(free, None) or numbered_title(titles[-1], taken)


def dated_titles(trips: Sequence[tuple[str, datetime.date, datetime.date]]) -> list[str]:
    """Return a name for the folder of each trip, which sorts by date: "2024-07 Lisbon and Sintra".

    trips: each with its title, its first and its last day. The names differ: where two trips of a
    month would have the same, the later one gets its first day, "2024-07-20 Lisbon".
    """
    order = sorted(range(len(trips)), key=lambda i: (trips[i][1], trips[i][2], i))
    names, taken = [""] * len(trips), set[str]()
    for index in order:
        title, first, last = trips[index]
        undated = _without_dates(title, first, last)
        candidates = [f"{first:%Y-%m} {undated}", f"{first:%Y-%m-%d} {undated}"]
        names[index] = free_title(candidates, taken)
        taken.add(fold(names[index]))
    return names


def _without_dates(title: str, first: datetime.date, last: datetime.date) -> str:
    """Return a title without the dates in it; one of nothing but dates without their year."""
    undated = _DATES_BEFORE.sub("", _DATES_BEHIND.sub(r"\1", title)).strip()
    if undated and not _ONLY_DATES.fullmatch(undated):
        return undated
    return title.replace(f" {first.year}", "") if first.year == last.year else title


def titles_without_places(trips: Iterable[TripRow]) -> dict[str, str]:
    """Return a title from the dates for each trip that no person titled, by its present title."""
    titles: dict[str, str] = {}
    taken: set[str] = set()
    for trip in trips:
        if trip.is_titled_by_person:
            taken.add(fold(trip.title))
        else:
            titles[trip.title] = _dates_of(trip)
    for present, dates in titles.items():
        titles[present] = numbered_title(dates, taken)
        taken.add(fold(titles[present]))
    return titles


def _dates_of(trip: TripRow) -> str:
    if trip.first_at is None or trip.last_at is None:
        return "undated trip"
    first, last = (datetime.date.fromisoformat(at[:10]) for at in (trip.first_at, trip.last_at))
    return days_text(first, last)


def _where(counts: PlaceCounts, country_name: CountryName) -> str | None:
    """Return the places of a title: a few settlements, else the region, else the countries."""
    if not counts:
        return None
    if _is_of_settlements(counts):
        return _joined([place.name for place in _main_places(counts)])
    by_region, by_country = Counter[tuple[str, str]](), Counter[str]()
    for place, count in counts:
        by_country[place.country or ""] += count
        by_region[place.region or "", place.country or ""] += count
    total = sum(count for _, count in counts)
    (region, _), of_region = by_region.most_common(1)[0]
    if region and of_region >= (1 - _NAMED_SHARE) * total:
        return region
    countries = [country_name(code) for code, _ in by_country.most_common() if code]
    if not countries:
        return counts[0][0].name
    more = len(countries) - _MOST_COUNTRIES
    if more > 0:
        word = "country" if more == 1 else "countries"
        return _joined([*countries[:_MOST_COUNTRIES], f"{more} more {word}"])
    return _joined(countries)


def _is_of_settlements(counts: PlaceCounts) -> bool:
    named = _main_places(counts)
    total = sum(count for _, count in counts)
    of_named = sum(count for place, count in counts if place in named)
    return len(named) <= _MOST_NAMED and of_named >= _NAMED_TOGETHER * total


def _main_places(counts: PlaceCounts) -> list[NamedPlace]:
    total = sum(count for _, count in counts)
    return [place for place, count in counts if count >= _NAMED_SHARE * total]


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def day_labels(
    days: Sequence[datetime.date], places: Sequence[str | None]
) -> Iterator[tuple[datetime.date, str]]:
    """Yield a name for the folder of each day of a trip: "01 Alfama", or "01 2024-07-12"."""
    width = max(2, len(str(len(days))))
    for number, (day, place) in enumerate(zip(days, places, strict=True), 1):
        yield day, f"{number:0{width}} {place or day.isoformat()}"
