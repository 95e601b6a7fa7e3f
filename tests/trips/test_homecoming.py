"""What is new since a person settled it, what is proposed, and accepting it as one edit."""

from collections.abc import Sequence
from dataclasses import astuple

import pytest
from sqlalchemy import delete

from scene_model.library import edits
from scene_model.library.clutter.conditions import is_apart
from scene_model.library.database.schema import photos
from scene_model.library.new_photos import accepting_edit, is_new, settle
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import TripState, all_trips
from scene_model.trips.homecoming import Homecoming, accept_all, homecoming, to_review
from scene_model.trips.trip_run import update_trips
from tests.library.rows import Row, add, put
from tests.trips.journeys import LISBON_PLACE, PORTO_PLACE, days, ids

LISBON = days("2024-07-12", "2024-07-13", "2024-07-14", place=LISBON_PLACE)
PORTO = days("2024-09-06", "2024-09-07", place=PORTO_PLACE)
SCREEN = Row("screen.png", auto_class="unsure", more={"auto_clutter": "screenshot"})
BLACK = Row("black.jpg", more={"auto_clutter": "black"})
VAGUE = Row("vague.jpg", auto_class="unsure")
PAIR = [
    Row("IMG_1.CR2", taken_at="2024-07-13T11:05:00", camera="R5", more={"format": "CR2"}),
    Row("IMG_1.JPG", taken_at="2024-07-13T11:05:00", camera="R5"),
]


@pytest.fixture
def settled(library: Library) -> Library:
    """A library with a trip to Lisbon, clutter and an unsure photo, all of them settled."""
    put(library, [*LISBON, Row("old.png", auto_class="unsure", more={"auto_clutter": "meme"})])
    update_trips(library)
    settle(library)
    return library


def counts(library: Library) -> tuple[int, list[str], int, int, int, int]:
    """Photos, titles of trips, stacks, clutter, apart, to review."""
    new = homecoming(library)
    titles = [summary.trip.title for summary in new.trips]
    parts = (new.stack_count, new.clutter_count, new.apart_count, new.unsure_count)
    return (new.photo_count, titles, *parts)


def states(library: Library) -> dict[str, TripState]:
    return {trip.title: trip.state for trip in all_trips(library)}


def remove(library: Library, rows: Sequence[Row]) -> None:
    with library.database.writer.begin() as connection:
        connection.execute(delete(photos).where(photos.c.id.in_(ids(rows))))


def test_nothing_is_new_in_an_empty_or_settled_library(library: Library, settled: Library) -> None:
    assert astuple(homecoming(settled))[1:] == astuple(Homecoming())[1:]
    assert settled.find(is_new()) == []
    put(library, [])
    assert homecoming(library) == Homecoming()


def test_all_photos_of_a_library_that_was_never_settled_are_new(library: Library) -> None:
    put(library, LISBON)
    assert homecoming(library).photo_count == len(LISBON)


def test_new_photos_are_counted_by_what_is_proposed_about_them(settled: Library) -> None:
    add(settled, *PORTO, *PAIR, SCREEN, BLACK, VAGUE)
    assert counts(settled) == (len(PORTO) + 5, [], 1, 2, 0, 1), "before trips are updated"
    update_trips(settled)
    titles = ["Porto, September 2024", "Lisbon, July 2024"]
    assert counts(settled) == (len(PORTO) + 5, titles, 1, 2, 0, 1)
    assert homecoming(settled).trips[0].reasons == "2 days, 24 photos, by the dates alone"
    assert settled.find(to_review()) == [VAGUE.id]
    edits.move_to_trash(settled, [SCREEN.id, PAIR[0].id, VAGUE.id])
    assert counts(settled) == (len(PORTO) + 2, titles, 0, 1, 0, 0)


def test_several_sources_add_up_and_survive_a_restart(settled: Library) -> None:
    add(settled, *PORTO[:9])
    with Library(settled.folder) as again:
        add(again, *PORTO[9:], BLACK)
        assert homecoming(again).photo_count == len(PORTO) + 1
    assert set(settled.find(is_new())) == {*ids(PORTO), BLACK.id}


def test_accepting_all_is_one_edit_and_one_undo(settled: Library) -> None:
    add(settled, *PORTO, SCREEN, BLACK, VAGUE)
    update_trips(settled)
    new = homecoming(settled)
    assert new.has_proposals
    done = accept_all(settled, [summary.trip.id for summary in new.proposed_trips], new.last)
    assert done.description == "1 trip accepted, 2 photos set apart"
    assert states(settled)["Porto, September 2024"] is TripState.ACCEPTED
    assert states(settled)["Lisbon, July 2024"] is TripState.PROPOSED, "nothing new is in it"
    assert set(settled.find(is_apart())) == {SCREEN.id, BLACK.id}
    accepted = homecoming(settled)
    assert (accepted.has_proposals, accepted.apart_count, accepted.unsure_count) == (False, 2, 1)
    assert accepting_edit(settled) == done.edit_id
    assert edits.undo(settled, done.edit_id) is not None
    assert homecoming(settled) == new
    assert settled.find(is_apart()) == []
    assert accepting_edit(settled) is None
    assert edits.redo(settled) is not None
    assert homecoming(settled) == accepted


def test_what_came_in_after_the_summary_was_shown_is_not_accepted_or_settled(
    settled: Library,
) -> None:
    add(settled, SCREEN)
    shown = homecoming(settled)
    add(settled, BLACK)
    accept_all(settled, [], shown.last)
    assert settled.find(is_apart()) == [SCREEN.id]
    settle(settled, shown.last)
    assert settled.find(is_new()) == [BLACK.id]
    settle(settled, shown.last - 1)
    assert settled.find(is_new()) == [BLACK.id], "settled photos are never new again"


def test_decisions_of_people_are_not_changed(settled: Library) -> None:
    kept = Row("kept.png", more={"auto_clutter": "screenshot", "human_clutter": ""})
    add(settled, *PORTO, kept)
    update_trips(settled)
    porto = homecoming(settled).trips[0].trip.id
    accept_all(settled, [porto], homecoming(settled).last)
    latest = edits.latest_edit_id(settled)
    done = accept_all(settled, [porto, 99], homecoming(settled).last)
    assert (done.edit_id, done.description) == (None, "Nothing to accept")
    assert edits.latest_edit_id(settled) == latest
    assert settled.find(is_apart()) == []


def test_photos_that_get_the_number_of_a_deleted_one_are_new(settled: Library) -> None:
    add(settled, SCREEN, BLACK)
    settle(settled)
    remove(settled, [BLACK, SCREEN])
    add(settled, VAGUE)
    assert settled.find(is_new()) == [VAGUE.id]


def test_done_forgets_the_edit_that_accepted(settled: Library) -> None:
    add(settled, SCREEN)
    accept_all(settled, [], homecoming(settled).last)
    settle(settled)
    assert accepting_edit(settled) is None
    assert settled.find(is_apart()) == [SCREEN.id], "what was accepted stays"
