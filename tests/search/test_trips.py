"""`trip:` finds photos by the titles of their trips."""

import pytest

from scene_model.classifier.albums.album_rules import AlbumRules
from scene_model.errors import QueryError
from scene_model.library.albums.album_edits import create_query_album
from scene_model.library.trips.trip_rows import all_trips
from scene_model.search.completion import complete
from scene_model.search.trip_conditions import trip_line
from scene_model.services import Services
from scene_model.trips.trip_edits import hide_trips, rename_trip
from scene_model.trips.trip_run import update_trips
from tests.library.rows import put
from tests.trips.journeys import days

JULY = days("2024-07-12", "2024-07-13")
SEPTEMBER = days("2023-09-06", "2023-09-07")


@pytest.fixture
def filled(services: Services) -> Services:
    put(services.library, [*JULY, *SEPTEMBER])
    update_trips(services.library)
    september, july = (trip.id for trip in reversed(all_trips(services.library)))
    rename_trip(services.library, july, "Lisbon and Sintra, July 2024")
    rename_trip(services.library, september, "Lisbon")
    return services


def count(services: Services, query: str) -> int:
    return services.gallery().count(query)


@pytest.mark.parametrize(
    ("query", "photos"),
    [
        ('trip:"Lisbon and Sintra, July 2024"', 24),
        ('trip:"lisbon and sintra, july 2024"', 24),
        ("trip:sintra", 24),
        ("trip:sin", 24),
        ('trip:"july 2024"', 24),
        ("trip:LISBON", 24),  # the whole title of one of them
        ("trip:lis", 48),
        ("-trip:sintra", 24),
        ("trip:sintra taken:2024-07-12", 12),
        ("trip:sintra OR trip:lisbon", 48),
    ],
)
def test_trips_are_found_by_words_of_their_titles(
    filled: Services, query: str, photos: int
) -> None:
    assert count(filled, query) == photos


@pytest.mark.parametrize("query", ["trip:porto", "trip:isbon", "trip:and_lisbon"])
def test_a_trip_that_there_is_not_is_an_error(filled: Services, query: str) -> None:
    with pytest.raises(QueryError, match="The newest trips: Lisbon and Sintra, July 2024; Lisbon."):
        count(filled, query)


def test_without_trips_the_error_says_so(services: Services) -> None:
    with pytest.raises(QueryError, match="There is no trip 'x'. The newest trips: none yet."):
        count(services, "trip:x")


def test_a_hidden_trip_has_only_its_whole_title(filled: Services) -> None:
    hide_trips(filled.library, [trip.id for trip in all_trips(filled.library)])
    assert count(filled, trip_line("Lisbon")) == 24
    with pytest.raises(QueryError, match="none yet"):
        count(filled, "trip:sintra")


def test_a_new_title_is_found_at_once(filled: Services) -> None:
    gallery = filled.gallery()
    assert gallery.count("trip:sintra") == 24
    trip = next(t for t in all_trips(filled.library) if "Sintra" in t.title)
    rename_trip(filled.library, trip.id, "Our summer")
    assert gallery.count("trip:summer") == 24
    with pytest.raises(QueryError):
        gallery.count("trip:sintra")


def test_an_album_can_follow_a_trip(filled: Services) -> None:
    create_query_album(filled.library, "Summer", "trip:sintra")
    assert count(filled, "album:summer") == 24


def test_titles_are_completed(filled: Services) -> None:
    titles = [trip.title for trip in filled.gallery().trips()]

    def lines(line: str) -> list[str]:
        vocabulary, rules = filled.vocabulary, AlbumRules(())
        return [c.line for c in complete(line, vocabulary, rules, {}, trips=titles)]

    assert lines("trip:sin") == ['trip:"Lisbon and Sintra, July 2024"']
    assert lines("sea trip:LIS") == ['sea trip:"Lisbon and Sintra, July 2024"', "sea trip:Lisbon"]
    for line in lines("trip:lis"):
        assert count(filled, line) == 24
