"""Trips follow the photos, and never the decisions of people."""

import datetime
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from scene_model.library.database.schema import photos, trip_photos, trips
from scene_model.library.dates.date_edits import set_date
from scene_model.library.edits import move_to_trash, set_favourite, set_rating, undo
from scene_model.library.place_proposals import update_places
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import TripState, all_trips
from scene_model.maintenance.row_check import row_problems
from scene_model.trips import trip_run
from scene_model.trips.trip_details import covers_of, find_trip, list_trips
from scene_model.trips.trip_edits import (
    accept_trips,
    hide_trips,
    merge_trips,
    put_in_trip,
    rename_trip,
    split_trip,
    take_out_of_trip,
)
from scene_model.trips.trip_run import TripRun, update_trips
from tests.library.rows import Row, add, put
from tests.library.statements import statements
from tests.trips.journeys import LISBON_PLACE, PORTO_PLACE, SINTRA_PLACE, day, days, ids

LISBON = [
    *days("2024-07-12", "2024-07-13", "2024-07-14", place=LISBON_PLACE),
    *day("2024-07-15", place=SINTRA_PLACE),
]
PORTO = days("2024-09-06", "2024-09-07", place=PORTO_PLACE)


def titles(library: Library) -> list[str]:
    return [trip.title for trip in all_trips(library)]


def only_id(library: Library, title: str) -> int:
    (trip_id,) = [trip.id for trip in all_trips(library) if trip.title == title]
    return trip_id


def problems(library: Library) -> list[str]:
    connection = sqlite3.connect(library.folder / "library.db")
    messages = row_problems(connection)
    connection.close()
    # The rows of these tests are predictions of no model.
    return [message for message in messages if "trip" in message or "on no day" in message]


def test_trips_are_proposed_with_titles_and_reasons(library: Library) -> None:
    put(library, [*LISBON, *PORTO])
    done = update_trips(library)
    assert len(done.proposed) == 2
    assert titles(library) == ["Porto, September 2024", "Lisbon and Sintra, July 2024"]
    assert {trip.state for trip in all_trips(library)} == {TripState.PROPOSED}
    summary = list_trips(library)[1]
    assert summary.days_text == "12 to 15 July 2024"
    assert summary.reasons.startswith("4 days, 48 photos")
    details = find_trip(library, summary.trip.id)
    assert details.photo_ids == tuple(ids(LISBON))
    assert [(d.date.isoformat(), d.photo_count, d.place) for d in details.days if d.date] == [
        ("2024-07-12", 12, "Lisbon"),
        ("2024-07-13", 12, "Lisbon"),
        ("2024-07-14", 12, "Lisbon"),
        ("2024-07-15", 12, "Sintra"),
    ]
    assert (details.country, details.places) == ("PT", ("Lisbon", "Sintra"))
    assert problems(library) == []


def test_without_places_dates_are_the_title(library: Library) -> None:
    put(library, days("2024-07-12", "2024-07-13"))
    update_trips(library)
    assert titles(library) == ["12 to 13 July 2024"]


def test_a_second_run_changes_nothing(library: Library) -> None:
    put(library, [*LISBON, *PORTO])
    update_trips(library)
    version, before = library.version(), all_trips(library)
    assert update_trips(library) == TripRun()
    assert library.version() == version, "nothing was written"
    assert all_trips(library) == before


@pytest.mark.parametrize("rows", [[*LISBON, *PORTO], PORTO[:2]], ids=["trips", "no trips"])
def test_changes_that_trips_do_not_depend_on_read_no_photos_again(
    library: Library, rows: list[Row]
) -> None:
    put(library, rows)
    for _ in range(3):  # the first changes places, the second finds no more to change
        update_places(library)
        update_trips(library)
    set_favourite(library, ids(rows)[:1], True)
    with statements(library) as executed:
        update_places(library)
        update_trips(library)
    reading = [each for each in executed if "photos.taken_at" in each and "json_each" not in each]
    assert reading == []
    assert not any(each.startswith(("INSERT", "UPDATE", "DELETE")) for each in executed)
    set_date(library, ids(rows)[:1], "2023-01-01 12:00")
    with statements(library) as executed:
        update_trips(library)
    assert any("photos.taken_at" in each and "json_each" not in each for each in executed)


def test_new_photos_extend_a_proposal_and_an_accepted_trip(library: Library) -> None:
    put(library, [*LISBON, *PORTO])
    update_trips(library)
    lisbon = only_id(library, "Lisbon and Sintra, July 2024")
    accept_trips(library, [lisbon])
    more = [*days("2024-07-16", "2024-07-17", "2024-07-18", place=PORTO_PLACE)]
    add(library, *more, *day("2024-09-08", place=PORTO_PLACE))
    done = update_trips(library)
    assert done.proposed == ()
    assert set(done.extended) == {trip.id for trip in all_trips(library)}
    assert only_id(library, "Lisbon and Sintra, July 2024") == lisbon, "the title stays"
    assert set(find_trip(library, lisbon).photo_ids) == {*ids(LISBON), *ids(more)}
    assert [s.days_text for s in list_trips(library)][1] == "12 to 18 July 2024"
    assert problems(library) == []


def test_two_trips_never_have_the_same_title(library: Library) -> None:
    put(
        library,
        [
            *days("2024-07-02", "2024-07-03", place=LISBON_PLACE),
            *days("2024-07-12", "2024-07-13", place=LISBON_PLACE),
            *days("2024-07-22", "2024-07-23", place=LISBON_PLACE),
        ],
    )
    update_trips(library)
    assert titles(library) == [
        "Lisbon, 22 to 23 July 2024",
        "Lisbon, 12 to 13 July 2024",
        "Lisbon, July 2024",
    ]


def test_a_title_does_not_change_when_another_trip_comes(library: Library) -> None:
    put(library, days("2024-07-12", "2024-07-13", place=LISBON_PLACE))
    update_trips(library)
    add(library, *days("2024-07-02", "2024-07-03", place=LISBON_PLACE))
    update_trips(library)
    assert titles(library) == ["Lisbon, July 2024", "Lisbon, 2 to 3 July 2024"]


def test_what_people_decided_stays(library: Library) -> None:
    put(library, [*LISBON, *PORTO])
    update_trips(library)
    lisbon, porto = (only_id(library, t) for t in reversed(titles(library)))
    rename_trip(library, lisbon, "Honeymoon")
    hide_trips(library, [porto])
    take_out_of_trip(library, ids(LISBON)[:5])
    add(library, *day("2024-07-13", count=4, first=20), *day("2024-09-07", count=4, first=20))
    done = update_trips(library)
    assert done.proposed == ()
    states = {trip.title: trip.state for trip in all_trips(library)}
    assert states == {
        "Honeymoon": TripState.ACCEPTED,
        "Porto, September 2024": TripState.HIDDEN,
    }
    assert not {*ids(LISBON)[:5]} & {*find_trip(library, lisbon).photo_ids}
    assert len(find_trip(library, lisbon).photo_ids) == len(LISBON) - 5 + 4
    assert len(find_trip(library, porto).photo_ids) == len(PORTO) + 4


def test_a_hidden_trip_does_not_hide_a_long_journey(library: Library) -> None:
    put(library, PORTO)
    update_trips(library)
    hide_trips(library, [only_id(library, "Porto, September 2024")])
    add(library, *days(*(f"2024-09-{n:02}" for n in range(8, 20)), place=LISBON_PLACE))
    done = update_trips(library)
    assert len(done.proposed) == 1
    assert len(find_trip(library, done.proposed[0]).photo_ids) == 12 * 12


def test_photos_go_to_the_near_part_of_a_split_trip(library: Library) -> None:
    put(library, LISBON)
    update_trips(library)
    (whole,) = all_trips(library)
    split_trip(library, whole.id, datetime.date.fromisoformat("2024-07-14"))
    assert titles(library) == ["Lisbon and Sintra, July 2024", "Lisbon, July 2024"]
    first, second = day("2024-07-13", 3, first=20), day("2024-07-15", 3, first=20)
    add(library, *first, *second)
    update_trips(library)
    assert len(all_trips(library)) == 2
    assert {*ids(first)} <= {*find_trip(library, whole.id).photo_ids}
    late = next(trip.id for trip in all_trips(library) if trip.id != whole.id)
    assert {*ids(second)} <= {*find_trip(library, late).photo_ids}


def test_both_parts_of_a_merged_trip_are_extended(library: Library) -> None:
    put(library, [*LISBON, *PORTO])
    update_trips(library)
    merge_trips(library, [trip.id for trip in all_trips(library)])
    (merged,) = all_trips(library)
    assert merged.title == "Lisbon, Porto and Sintra, July to September 2024"
    more = [*day("2024-07-13", 3, first=20), *day("2024-09-06", 3, first=20)]
    add(library, *more)
    update_trips(library)
    assert [trip.id for trip in all_trips(library)] == [merged.id]
    assert {*ids(more)} <= {*find_trip(library, merged.id).photo_ids}


def test_a_photo_that_a_person_put_in_does_not_pull_others(library: Library) -> None:
    put(library, [*LISBON, *PORTO])
    update_trips(library)
    lisbon, porto = (only_id(library, t) for t in reversed(titles(library)))
    put_in_trip(library, lisbon, ids(PORTO)[:1])
    add(library, *day("2024-09-07", 3, first=20))
    update_trips(library)
    assert len(find_trip(library, lisbon).photo_ids) == len(LISBON) + 1
    assert len(find_trip(library, porto).photo_ids) == len(PORTO) - 1 + 3


def test_trash_dates_and_deletion_are_followed(library: Library) -> None:
    put(library, [*LISBON, *PORTO])
    update_trips(library)
    move_to_trash(library, ids(PORTO))
    assert [summary.trip.title for summary in list_trips(library)] == [
        "Lisbon and Sintra, July 2024"
    ]
    update_trips(library)
    assert titles(library) == ["Lisbon and Sintra, July 2024"]
    undo(library)
    set_date(library, ids(day("2024-07-15")), "2019-01-02 10:00")
    update_trips(library)
    assert titles(library)[:2] == ["Porto, September 2024", "Lisbon, July 2024"]
    with library.database.writer.begin() as connection:
        connection.execute(delete(photos).where(photos.c.id.in_(ids(PORTO))))
    update_trips(library)
    assert "Porto, September 2024" not in titles(library)
    assert problems(library) == []


def test_the_cover_is_a_favourite_or_from_the_middle(library: Library) -> None:
    put(library, PORTO)
    update_trips(library)
    (trip,) = all_trips(library)
    assert covers_of(library, [trip.id]) == {trip.id: PORTO[12].id}
    set_rating(library, [PORTO[3].id], 5)
    assert covers_of(library, [trip.id]) == {trip.id: PORTO[3].id}
    set_favourite(library, [PORTO[20].id], True)
    assert covers_of(library, [trip.id]) == {trip.id: PORTO[20].id}
    move_to_trash(library, [PORTO[20].id, PORTO[3].id])
    assert covers_of(library, [trip.id])[trip.id] in ids(PORTO)[9:16]


def test_a_killed_run_has_changed_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(library, LISBON)

    def kill(*_: object) -> list[str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trip_run, "trip_titles", kill)
        with pytest.raises(KeyboardInterrupt):
            update_trips(library)
    assert all_trips(library) == []
    update_trips(library)
    assert titles(library) == ["Lisbon and Sintra, July 2024"]


def test_damaged_trips_are_noticed(library: Library) -> None:
    put(library, [*LISBON, *PORTO])
    update_trips(library)
    with library.database.writer.begin() as connection:
        connection.execute(update(trips).values(title="Same", folded_title="same"))
        connection.execute(update(trip_photos).values(day="someday"))
        connection.execute(update(trips).where(trips.c.id == 1).values(state="lost"))
    assert len(problems(library)) == 3


_DAYS = st.lists(st.integers(0, 20), min_size=1, max_size=6, unique=True)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(_DAYS, min_size=1, max_size=3))
def test_an_accepted_trip_keeps_its_title_and_photos(
    library: Library, batches: list[list[int]]
) -> None:
    """Whatever is added in whatever order, what was accepted stays."""
    put(library, [])
    with library.database.writer.begin() as connection:
        connection.execute(delete(trips))
    accepted: dict[int, tuple[str, set[str]]] = {}
    for batch in batches:
        existing = set(library.find())
        rows = [row for n in batch for row in day(f"2024-{1 + n // 28:02}-{1 + n % 28:02}", 2)]
        add(library, *[row for row in rows if row.id not in existing])
        update_trips(library)
        current = {
            t.id: (t.title, {*find_trip(library, t.id).photo_ids}) for t in all_trips(library)
        }
        for trip_id, (title, photo_ids) in accepted.items():
            assert current[trip_id][0] == title
            assert photo_ids <= current[trip_id][1]
        assert len({title for title, _ in current.values()}) == len(current)
        accept_trips(library, list(current)[::2])
        accepted = {n: current[n] for n in list(current)[::2]} | {n: current[n] for n in accepted}
    assert problems(library) == []
