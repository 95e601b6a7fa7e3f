"""The folders of trips: the title, the title with a date, and the days by number and place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from scene_model.classifier.vocabulary import fold
from scene_model.export.sorting.layout import Destination
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import PhotoTrip, trips_of_photos
from scene_model.photos.places.gazetteer import Gazetteer
from scene_model.trips.moment_rows import Moments, camera_time
from scene_model.trips.moments import PhotoMoment
from scene_model.trips.named_places import NamedPlace, count_places
from scene_model.trips.proposal import ProposedTrip, propose_trips
from scene_model.trips.titles import (
    dated_titles,
    day_labels,
    free_title,
    titles_without_places,
    trip_titles,
)
from scene_model.trips.trip_details import TripSummary, find_trip, list_trips


class TripFolder(NamedTuple):
    """The names of the folders of a photo.

    title: of its trip. dated: the same with the month, see `titles.dated_titles`. day: None where
    the photo has no date.
    """

    title: str
    dated: str
    day: str | None


def propose_folders(
    destinations: Sequence[Destination], gazetteer: Gazetteer, stored: Moments | None = None
) -> dict[int, TripFolder]:
    """Return the folders of photos that are in no library, as trips are proposed from them.

    The keys are indexes of ``destinations``. gazetteer: names the places of their positions.
    stored: the photos of the library, which tell where home is, and may be of the same trips.
    """
    # Numbers of stored photos are above 0.
    outside = [
        PhotoMoment(-1 - index, taken_at, photo.position, photo.camera)
        for index, photo in enumerate(destinations)
        if (taken_at := camera_time(photo.taken_at or "")) is not None
    ]
    others = [] if stored is None else stored.by_number.values()
    proposed = propose_trips([*outside, *others]) if outside else []
    trips = [trip for trip in proposed if min(trip.photos) < 0]
    names = [
        _names_of(trip.photos, destinations, gazetteer)
        | ({} if stored is None else dict(stored.names_of(trip.photos)))
        for trip in trips
    ]
    titles: list[str] = []
    for trip, of_trip in zip(trips, names, strict=True):
        counts = count_places(of_trip.values())
        candidates = trip_titles(trip.start, trip.end, counts, gazetteer.country_name)
        titles.append(free_title(candidates, {fold(title) for title in titles}))
    spans = [(title, t.start, t.end) for title, t in zip(titles, trips, strict=True)]
    folders: dict[int, TripFolder] = {}
    for trip, of_trip, title, dated in zip(trips, names, titles, dated_titles(spans), strict=True):
        for numbers, label in _days_of(trip, of_trip):
            folder = TripFolder(title, dated, label)
            folders |= {-1 - number: folder for number in numbers if number < 0}
    return folders


def _days_of(
    trip: ProposedTrip, names: Mapping[int, NamedPlace]
) -> Iterator[tuple[list[int], str]]:
    """Yield the photos of each day with its name."""
    by_day = {
        day.date: [n for chapter in day.chapters for n in chapter.photos] for day in trip.days
    }
    by_count = (count_places(names[n] for n in of_day if n in names) for of_day in by_day.values())
    places = [of_day[0][0].name if of_day else None for of_day in by_count]
    for date, label in day_labels(list(by_day), places):
        yield by_day[date], label


def _names_of(
    numbers: Sequence[int], destinations: Sequence[Destination], gazetteer: Gazetteer
) -> dict[int, NamedPlace]:
    """Return the places of those photos outside the library that have a position."""
    positions = {
        n: p for n in numbers if n < 0 and (p := destinations[-1 - n].position) is not None
    }
    latitudes, longitudes = [p[0] for p in positions.values()], [p[1] for p in positions.values()]
    places = gazetteer.places_at(latitudes, longitudes) if positions else []
    return {
        number: NamedPlace(place.name, place.region, place.country, place.kind)
        for number, place in zip(positions, places, strict=True)
    }


class TripFolders:
    """Names of folders for photos of a library's trips; reads each trip once.

    with_place: False names trips by their dates unless a person titled them, and days by theirs.
    """

    def __init__(self, library: Library, with_place: bool = True) -> None:
        """Begin without a trip."""
        self._library, self._with_place = library, with_place
        self._day_labels: dict[int, dict[str, str]] = {}

    def of_photos(self, photo_ids: Iterable[str]) -> dict[str, TripFolder]:
        """Return the folders of those photos that are in a trip."""
        return {
            photo_id: TripFolder(
                trip.title, self._dated.get(trip.trip_id, trip.title), self.day(trip)
            )
            for photo_id, trip in trips_of_photos(self._library, photo_ids).items()
        }

    def day(self, trip: PhotoTrip) -> str | None:
        """Return the name of the day of a photo in its trip; None without a date."""
        return self.days(trip.trip_id).get(trip.day or "")

    def dated_titles(self) -> dict[str, str]:
        """Return the dated title of each trip by its title, see `titles.dated_titles`."""
        return {s.trip.title: self._dated[s.trip.id] for s in self._trips}

    def days(self, trip_id: int) -> dict[str, str]:
        """Return the names of the days of a trip by their dates, in order."""
        labels = self._day_labels.get(trip_id)
        if labels is None:
            days = [day for day in find_trip(self._library, trip_id).days if day.date is not None]
            dates = [day.date for day in days if day.date is not None]
            names = day_labels(dates, [day.place if self._with_place else None for day in days])
            labels = self._day_labels[trip_id] = {day.isoformat(): name for day, name in names}
        return labels

    @cached_property
    def _trips(self) -> list[TripSummary]:
        return list_trips(self._library)

    @cached_property
    def _dated(self) -> dict[int, str]:
        rows = [summary.trip for summary in self._trips]
        titles = {} if self._with_place else titles_without_places(rows)
        spans = [(titles.get(s.trip.title, s.trip.title), s.first, s.last) for s in self._trips]
        return {s.trip.id: name for s, name in zip(self._trips, dated_titles(spans), strict=True)}
