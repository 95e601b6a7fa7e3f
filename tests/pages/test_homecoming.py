"""The summary of new photos on the page Classify: what came in, accept all, undo, done."""

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.library import edits
from scene_model.library.clutter.conditions import is_apart
from scene_model.library.new_photos import is_new, settle
from scene_model.library.trips.trip_rows import TripState, all_trips
from scene_model.services import Services
from scene_model.trips.trip_run import update_trips
from tests.library.rows import Row, put
from tests.pages.conftest import texts
from tests.trips.journeys import days

pytestmark = pytest.mark.slow

JULY = days("2024-07-12", "2024-07-13", "2024-07-14")
SCREEN = Row("screen.png", more={"auto_clutter": "screenshot"})
VAGUE = Row("vague.jpg", auto_class="unsure")


@pytest.fixture
def back(opened: Services) -> Services:
    put(opened.library, [*JULY, SCREEN, VAGUE])
    update_trips(opened.library)
    return opened


def links(app: AppTest) -> list[str]:
    return [link.proto.label for link in app.get("page_link")]


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception, app.exception


def test_what_came_in_is_summed_up_with_a_closer_look_at_each_part(
    back: Services, app: AppTest
) -> None:
    app.run()
    assert "38 new photos" in texts(app)
    assert "**Proposed:** 3 days, 36 photos, by the dates alone" in texts(app)
    parts = ["1 trip of 3 days", "1 may be clutter", "1 to review", "All new photos"]
    assert [link for link in links(app) if link in parts] == parts
    assert not any("stack" in link for link in links(app))


def test_accept_all_undo_and_done(back: Services, app: AppTest) -> None:
    app.run()
    press(app, "accept_new")
    assert "**Accepted:** 1 trip, 1 photo set apart" in texts(app)
    assert [trip.state for trip in all_trips(back.library)] == [TripState.ACCEPTED]
    assert back.library.find(is_apart()) == [SCREEN.id]
    assert "accept_new" not in [button.key for button in app.button]
    press(app, "undo_new")
    assert [trip.state for trip in all_trips(back.library)] == [TripState.PROPOSED]
    assert back.library.find(is_apart()) == []
    press(app, "accept_new")
    edits.set_favourite(back.library, [VAGUE.id], True)
    app.run()
    assert app.button(key="undo_new").disabled, "a later edit stands before it"
    press(app, "settle_new")
    assert "new photo" not in texts(app)
    assert back.library.find(is_new()) == []
    assert back.library.find(is_apart()) == [SCREEN.id]


@pytest.mark.parametrize("is_settled", [True, False])
def test_nothing_is_shown_where_there_is_nothing_to_say(
    opened: Services, app: AppTest, is_settled: bool
) -> None:
    put(opened.library, [*JULY, SCREEN] if is_settled else [Row("sure.jpg")])
    update_trips(opened.library)
    if is_settled:
        settle(opened.library)
    app.run()
    assert "new photo" not in texts(app)
    assert "settle_new" not in [button.key for button in app.button]


def test_a_trip_is_put_in_folders_with_its_layout_filled_in(back: Services, app: AppTest) -> None:
    app.run()
    assert "2024-07 12 to 14 July" in texts(app).replace("\\", "")
    press(app, "homecoming_folders_sort")
    assert [title.value for title in app.title] == ["Sort a folder"]
    assert app.text_input(key="sort_q").value == 'trip:"12 to 14 July 2024" -is:apart'
    assert app.selectbox(key="sort_by").value == "trip"
    assert app.selectbox(key="sort_folders").value == "{dated_trip}/{day}/{name}"
    app.switch_page("classify.py").run()
    press(app, "homecoming_folders_export")
    assert [title.value for title in app.title] == ["Export"]
    assert app.text_input(key="export_q").value == 'trip:"12 to 14 July 2024" -is:apart'


def test_only_new_unsure_photos_are_reviewed_from_there(back: Services, app: AppTest) -> None:
    app.query_params["new"] = "1"
    app.run()
    app.switch_page("review.py").run()
    assert "No photos left to review" in texts(app), "rows of the test have no embedding"
    press(app, "review_all")
    assert "new" not in app.query_params
    assert "review_all" not in [button.key for button in app.button]
