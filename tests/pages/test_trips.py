"""The page Trips: proposals with their reasons, an open trip, and what people change about it."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.library.trips.trip_rows import TripState, all_trips
from scene_model.services import Services
from scene_model.trips.trip_details import find_trip
from scene_model.trips.trip_edits import hide_trips
from scene_model.trips.trip_run import update_trips
from tests.library.rows import Row, put
from tests.pages.conftest import labels, notice_text, press, texts
from tests.trips.journeys import day, days, ids

pytestmark = pytest.mark.slow

JULY = days("2024-07-12", "2024-07-13", "2024-07-14")
SEPTEMBER = days("2023-09-06", "2023-09-07")
FEBRUARY = days("2020-02-02", "2020-02-03")


@pytest.fixture
def filled(opened: Services) -> Services:
    put(opened.library, [*JULY, *SEPTEMBER, *FEBRUARY])
    update_trips(opened.library)
    return opened


def states(services: Services) -> dict[str, TripState]:
    return {trip.title: trip.state for trip in all_trips(services.library)}


def open_trip(app: AppTest, title: str, services: Services) -> None:
    (trip_id,) = [trip.id for trip in all_trips(services.library) if trip.title == title]
    app.query_params["trip"] = str(trip_id)
    app.switch_page("trips.py").run()


def cells(app: AppTest) -> list[dict[str, Any]]:
    sent = (json.loads(element.proto.json or "{}") for element in app.get("bidi_component"))
    pages = next(data["pages"] for data in sent if "pages" in data)
    return [cell for page in pages.values() for cell in page["photos"]]


def cards(app: AppTest) -> list[dict[str, Any]]:
    sent = (json.loads(element.proto.json or "{}") for element in app.get("bidi_component"))
    shown: list[dict[str, Any]] = next(data["cards"] for data in sent if "cards" in data)
    return shown


def press_in(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception, app.exception


def test_an_empty_library_says_how_to_begin(app: AppTest) -> None:
    app.run()
    app.switch_page("trips.py").run()
    assert [title.value for title in app.title] == ["Trips"]
    assert "No photos yet" in texts(app)


def test_photos_without_dates_are_named(opened: Services, app: AppTest) -> None:
    put(opened.library, [Row("undated.jpg")])
    app.switch_page("trips.py").run()
    assert "No trips yet" in texts(app)
    assert "1 photo has no date." in texts(app)


def test_trips_are_cards_by_year_with_reasons(filled: Services, app: AppTest) -> None:
    app.switch_page("trips.py").run()
    shown = cards(app)
    assert [card["year"] for card in shown] == [2024, 2023, 2020]
    july = find_trip(filled.library, shown[0]["id"])
    assert shown[0] == {
        "id": july.trip.id,
        "year": 2024,
        "title": "12 to 14 July 2024",
        "line": "3 days · 36 photos",
        "cover": july.photo_ids[len(july.photo_ids) // 2],
        "reasons": "3 days, 36 photos, by the dates alone",
    }


def test_proposals_are_accepted_and_hidden(filled: Services, app: AppTest) -> None:
    app.switch_page("trips.py").run()
    _, september, _ = (trip.id for trip in all_trips(filled.library))
    press_in(app, "accept_all_trips")
    assert set(states(filled).values()) == {TripState.ACCEPTED}
    assert [card["reasons"] for card in cards(app)] == [None, None, None]
    press(app, "Undo")
    assert set(states(filled).values()) == {TripState.PROPOSED}
    hide_trips(filled.library, [september])
    app.run()
    assert [card["year"] for card in cards(app)] == [2024, 2020]
    app.selectbox(key="hidden_trip").set_value(september).run()
    press(app, "Show again")
    assert states(filled)["6 to 7 September 2023"] is TripState.ACCEPTED
    assert [card["year"] for card in cards(app)] == [2024, 2023, 2020]


def test_an_open_trip_shows_its_photos_by_day(filled: Services, app: AppTest) -> None:
    open_trip(app, "12 to 14 July 2024", filled)
    assert [title.value for title in app.title] == ["12 to 14 July 2024"]
    assert app.query_params["sort"] == ["taken"] or app.query_params["sort"] == "taken"
    shown = cells(app)
    assert [cell["id"] for cell in shown] == ids(JULY)
    assert "Fri 12 July · 12" in labels(app)
    press(app, "Sun 14 July · 12")
    links = [button.proto.url for button in app.get("link_button")]
    assert any("export.zip?q=trip%3A%2212+to+14+July+2024%22" in url for url in links), links


def test_a_day_is_scrolled_to_each_time(filled: Services, app: AppTest) -> None:
    open_trip(app, "12 to 14 July 2024", filled)
    targets = []
    for date in ("2024-07-13", "2024-07-13", "2024-07-12"):
        press_in(app, f"trip_day_{date}")
        sent = (json.loads(element.proto.json or "{}") for element in app.get("bidi_component"))
        targets.append(next(data["target"] for data in sent if "pages" in data))
    numbers, indexes = zip(*((t["number"], t["index"]) for t in targets), strict=True)
    assert len(set(numbers)) == 3
    assert indexes[0] == indexes[1] > indexes[2] == 0


def test_a_trip_is_renamed_split_and_merged(filled: Services, app: AppTest) -> None:
    open_trip(app, "12 to 14 July 2024", filled)
    field = next(field for field in app.text_input if field.label == "Title")
    field.set_value(' a "quote"')
    press(app, "Rename")
    assert "cannot contain a quotation mark" in texts(app)
    next(field for field in app.text_input if field.label == "Title").set_value("Our summer")
    press(app, "Rename")
    assert [title.value for title in app.title] == ["Our summer"]
    assert states(filled)["Our summer"] is TripState.ACCEPTED
    trip_id = next(trip.id for trip in all_trips(filled.library) if trip.title == "Our summer")
    choice = app.selectbox(key=f"split_day_{trip_id}")
    choice.set_value(choice.options and find_trip(filled.library, trip_id).days[2].date).run()
    press_in(app, "split_trip")
    assert {"Our summer", "Sunday, 14 July 2024"} <= set(states(filled))
    press(app, "Undo")
    assert "Sunday, 14 July 2024" not in states(filled)
    other = next(t.id for t in all_trips(filled.library) if t.title == "6 to 7 September 2023")
    app.selectbox(key=f"merge_with_{trip_id}").set_value(other).run()
    press_in(app, "merge_trips")
    assert set(states(filled)) == {"Our summer", "2 to 3 February 2020"}
    assert [title.value for title in app.title] == ["Our summer"]
    assert len(find_trip(filled.library, other).photo_ids) == len(JULY) + len(SEPTEMBER)


def test_photos_are_taken_out_and_moved(filled: Services, app: AppTest) -> None:
    open_trip(app, "12 to 14 July 2024", filled)
    app.session_state["gallery"].select(ids(JULY)[:2])
    app.run()
    press(app, "Take out")
    july, september, _ = (trip.id for trip in all_trips(filled.library))
    assert len(find_trip(filled.library, july).photo_ids) == len(JULY) - 2
    assert filled.library.count() == len(JULY) + len(SEPTEMBER) + len(FEBRUARY), "the photos stay"
    press(app, "Undo")
    assert len(find_trip(filled.library, july).photo_ids) == len(JULY)
    app.session_state["gallery"].select(ids(JULY)[:3])
    app.run()
    app.selectbox(key="trip_trip").set_value(september).run()
    press_in(app, "trip_put_in_trip")
    assert len(find_trip(filled.library, september).photo_ids) == len(SEPTEMBER) + 3
    assert app.session_state["gallery"].selection == []


def test_search_results_are_put_into_a_trip(filled: Services, app: AppTest) -> None:
    july = all_trips(filled.library)[0].id
    app.switch_page("search.py")
    app.query_params["q"] = "taken:2020-02-02 name:-7"
    app.run()
    press(app, "Select all 1")
    app.selectbox(key="search_trip").set_value(july).run()
    press_in(app, "search_put_in_trip")
    assert notice_text(app) == "Put into “12 to 14 July 2024”: 1 photo."
    assert len(find_trip(filled.library, july).photo_ids) == len(JULY) + 1


def test_export_and_sort_get_the_query(filled: Services, app: AppTest) -> None:
    open_trip(app, "12 to 14 July 2024", filled)
    press(app, "Tables and options")
    assert app.text_input(key="export_q").value == 'trip:"12 to 14 July 2024"'
    assert "36 photos" in texts(app)
    assert "Trip" in app.segmented_control(key="zip_by").options
    open_trip(app, "12 to 14 July 2024", filled)
    press(app, "Sort files on this computer")
    assert app.text_input(key="sort_q").value == 'trip:"12 to 14 July 2024"'
    assert app.selectbox(key="sort_by").value == "trip"


def test_a_trip_that_is_gone_is_named(filled: Services, app: AppTest) -> None:
    app.query_params["trip"] = "999"
    app.switch_page("trips.py").run()
    assert "There is no such trip any more." in texts(app)
    assert [title.value for title in app.title] == ["Trips"]


def test_many_trips_are_shown_in_steps(opened: Services, app: AppTest) -> None:
    dates = [f"{1996 + n}-05-0{d}" for n in range(30) for d in (1, 2)]
    months = [row for date in dates for row in day(date, 5)]
    put(opened.library, months)
    update_trips(opened.library)
    app.switch_page("trips.py").run()
    assert len(cards(app)) == 24
    press(app, "Show 6 more of 6 earlier trips")
    assert len(cards(app)) == 30
