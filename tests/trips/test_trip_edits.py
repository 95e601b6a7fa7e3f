"""Edits of trips can be undone and redone, whatever the program proposed meanwhile."""

import datetime
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from scene_model.errors import InvalidTrip, TripNotFound, TripTitleTaken
from scene_model.library.database.schema import trip_photos, trips
from scene_model.library.edits import EditResult, latest_edit, redo, undo
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import TripState, all_trips
from scene_model.maintenance.row_check import row_problems
from scene_model.trips.trip_details import find_trip
from scene_model.trips.trip_edits import (
    accept_trips,
    hide_trips,
    merge_trips,
    put_in_trip,
    rename_trip,
    show_trips,
    split_trip,
    take_out_of_trip,
)
from scene_model.trips.trip_run import update_trips
from tests.library.rows import Row, add, put
from tests.library.statements import statements
from tests.trips.journeys import LISBON_PLACE, PORTO_PLACE, day, days, ids

LISBON = days("2024-07-12", "2024-07-13", "2024-07-14", place=LISBON_PLACE)
PORTO = days("2024-09-06", "2024-09-07", place=PORTO_PLACE)
PORTO_ID, LISBON_ID = 2, 1

Edit = Callable[[Library], EditResult]
EDITS: dict[str, Edit] = {
    "accept": lambda library: accept_trips(library, [LISBON_ID, PORTO_ID]),
    "hide": lambda library: hide_trips(library, [LISBON_ID]),
    "rename": lambda library: rename_trip(library, LISBON_ID, "Our summer"),
    "merge": lambda library: merge_trips(library, [PORTO_ID, LISBON_ID]),
    "split": lambda library: split_trip(library, LISBON_ID, datetime.date(2024, 7, 13)),
    "take out": lambda library: take_out_of_trip(library, ids(LISBON)[3:20]),
    "put in": lambda library: put_in_trip(library, PORTO_ID, ids(LISBON)[:5]),
}


@pytest.fixture
def filled(library: Library) -> Library:
    put(library, [*LISBON, *PORTO, Row("undated.jpg")])
    update_trips(library)
    return library


def state(library: Library) -> tuple[Any, ...]:
    with library.database.reader.begin() as connection:
        live = select(trips).where(trips.c.state != TripState.ENDED).order_by(trips.c.id)
        members = select(trip_photos).order_by(trip_photos.c.photo)
        return tuple(connection.execute(live).all()), tuple(connection.execute(members).all())


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_undone_and_redone(name: str, filled: Library) -> None:
    before = state(filled)
    done = EDITS[name](filled)
    after = state(filled)
    assert after != before
    assert latest_edit(filled) == done.description
    assert undo(filled) is not None
    assert state(filled) == before
    assert redo(filled) is not None
    assert state(filled) == after


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_undone_after_another_run(name: str, filled: Library) -> None:
    EDITS[name](filled)
    add(filled, *day("2024-07-13", 2, first=30), *days("2024-11-01", "2024-11-02"))
    update_trips(filled)
    undo(filled)
    live = all_trips(filled)
    assert len({trip.title for trip in live}) == len(live)
    update_trips(filled)
    redo(filled)
    live = all_trips(filled)
    assert len({trip.title for trip in live}) == len(live)


@pytest.mark.parametrize("name", ["rename", "split", "take out", "put in", "merge"])
def test_what_is_edited_is_accepted(name: str, filled: Library) -> None:
    EDITS[name](filled)
    edited = PORTO_ID if name == "put in" else LISBON_ID
    assert find_trip(filled, edited).trip.state is TripState.ACCEPTED


def test_accepting_more_trips_reads_no_more(filled: Library) -> None:
    def reads(trip_ids: list[int]) -> int:
        with statements(filled) as executed:
            accept_trips(filled, trip_ids)
        undo(filled)
        return len([statement for statement in executed if statement.startswith("SELECT")])

    assert reads([LISBON_ID, PORTO_ID]) == reads([LISBON_ID])


def test_a_merged_trip_has_all_days_and_the_title_of_a_person(filled: Library) -> None:
    rename_trip(filled, PORTO_ID, "Weekend of wine")
    assert merge_trips(filled, [PORTO_ID, LISBON_ID]).description == (
        "Merged into “Weekend of wine”"
    )
    (merged,) = all_trips(filled)
    assert (merged.id, merged.first_at) == (LISBON_ID, "2024-07-12T10:00:00")
    assert merged.last_at == "2024-09-07T13:40:00"
    assert len(find_trip(filled, LISBON_ID).days) == 5
    with pytest.raises(TripNotFound):
        find_trip(filled, 99)
    with pytest.raises(TripNotFound):
        find_trip(filled, PORTO_ID)


def test_the_parts_of_a_split_trip_are_titled_by_their_days(filled: Library) -> None:
    split_trip(filled, LISBON_ID, datetime.date(2024, 7, 14))
    assert [trip.title for trip in all_trips(filled)] == [
        "Porto, September 2024",
        "Sunday in Lisbon, 14 July 2024",
        "Lisbon, July 2024",
    ]


def test_a_photo_without_a_date_can_be_put_in(filled: Library) -> None:
    put_in_trip(filled, PORTO_ID, [Row("undated.jpg").id])
    details = find_trip(filled, PORTO_ID)
    assert details.photo_ids[-1] == Row("undated.jpg").id
    assert [(d.date is None, d.photo_count) for d in details.days] == [
        (False, 12),
        (False, 12),
        (True, 1),
    ]
    update_trips(filled)
    assert len(find_trip(filled, PORTO_ID).photo_ids) == len(PORTO) + 1


def test_a_hidden_trip_is_shown_again(filled: Library) -> None:
    hide_trips(filled, [LISBON_ID])
    show_trips(filled, [LISBON_ID])
    assert find_trip(filled, LISBON_ID).trip.state is TripState.ACCEPTED


def test_edits_that_are_refused_change_nothing(filled: Library) -> None:
    before = state(filled)
    with pytest.raises(TripTitleTaken, match="Porto, September 2024"):
        rename_trip(filled, LISBON_ID, "porto, September  2024")
    with pytest.raises(InvalidTrip, match="at least one letter"):
        rename_trip(filled, LISBON_ID, " ")
    with pytest.raises(InvalidTrip, match="only one side of 2024-07-12"):
        split_trip(filled, LISBON_ID, datetime.date(2024, 7, 12))
    with pytest.raises(InvalidTrip, match="at least 2 trips"):
        merge_trips(filled, [LISBON_ID, LISBON_ID])
    for edit in (accept_trips, hide_trips, show_trips):
        with pytest.raises(TripNotFound):
            edit(filled, [99])
    assert state(filled) == before
    assert latest_edit(filled) is None


@pytest.mark.parametrize("name", ["split", "merge"])
def test_photos_that_joined_a_trip_outlive_it(name: str, filled: Library) -> None:
    """A split is undone, or a merge done again, after photos came into the trip that ends."""
    joining = day("2024-07-13" if name == "split" else "2024-09-07", 3, first=30)
    accept_trips(filled, [LISBON_ID, PORTO_ID])
    EDITS[name](filled)
    if name == "merge":
        undo(filled)
    add(filled, *joining)
    update_trips(filled)
    if name == "split":
        undo(filled)
    else:
        redo(filled)
    connection = sqlite3.connect(filled.folder / "library.db")
    assert not [problem for problem in row_problems(connection) if "trip" in problem]
    connection.close()
    update_trips(filled)
    assert {*ids(joining)} <= {*find_trip(filled, LISBON_ID).photo_ids}


def test_photos_of_a_removed_proposal_are_placed_by_the_next_run(filled: Library) -> None:
    put_in_trip(filled, LISBON_ID, ids(PORTO))
    add(filled, *day("2024-11-05", 1))
    update_trips(filled)
    assert [trip.id for trip in all_trips(filled)] == [LISBON_ID]
    undo(filled)
    update_trips(filled)
    (porto,) = (trip.id for trip in all_trips(filled) if trip.id != LISBON_ID)
    assert find_trip(filled, porto).photo_ids == tuple(ids(PORTO))


def test_a_proposal_gives_way_to_a_title_that_comes_back(filled: Library) -> None:
    rename_trip(filled, LISBON_ID, "Our summer")
    # The same place and month, on days that are a trip of their own.
    add(filled, *days("2024-07-25", "2024-07-26", place=LISBON_PLACE))
    update_trips(filled)
    assert "Lisbon, July 2024" in [trip.title for trip in all_trips(filled)]
    undo(filled)
    titles = {trip.id: trip.title for trip in all_trips(filled)}
    assert titles[LISBON_ID] == "Lisbon, July 2024"
    assert sorted(titles.values())[:2] == ["Lisbon, July 2024", "Lisbon, July 2024 (2)"]
