"""The routes of trips."""

import pytest
from starlette.testclient import TestClient

from scene_model.config import Settings
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import all_trips
from scene_model.trips.trip_edits import hide_trips
from scene_model.trips.trip_run import update_trips
from tests.api.conftest import problem_of
from tests.library.rows import put
from tests.trips.journeys import days, ids

JULY = days("2024-07-12", "2024-07-13")
SEPTEMBER = days("2023-09-06", "2023-09-07")


@pytest.fixture
def filled(api: TestClient, settings: Settings) -> TestClient:
    with Library(settings.library) as library:
        put(library, [*JULY, *SEPTEMBER])
        update_trips(library)
    return api


def test_all_trips_and_one(filled: TestClient) -> None:
    trips = filled.get("/api/trips").json()["trips"]
    assert [trip["title"] for trip in trips] == ["6 to 7 September 2023", "12 to 13 July 2024"]
    july = trips[1]
    assert july == {
        "id": july["id"],
        "title": "12 to 13 July 2024",
        "from": "2024-07-12T10:00:00",
        "to": "2024-07-13T13:40:00",
        "photos": 24,
        "country": None,
        "places": [],
        "days": [
            {"date": "2024-07-12", "photos": 12, "place": None},
            {"date": "2024-07-13", "photos": 12, "place": None},
        ],
        "photo_ids": ids(JULY),
    }
    assert filled.get(f"/api/trips/{july['id']}").json() == july
    photos = filled.get("/api/photos", params={"q": 'trip:"12 to 13 July 2024"'}).json()
    assert photos["total"] == 24


def test_a_hidden_trip_is_not_listed(filled: TestClient, settings: Settings) -> None:
    with Library(settings.library) as library:
        hidden = all_trips(library)[0].id
        hide_trips(library, [hidden])
    assert len(filled.get("/api/trips").json()["trips"]) == 1
    assert filled.get(f"/api/trips/{hidden}").json()["photos"] == 24


@pytest.mark.parametrize(
    ("trip_id", "status"), [("99", 404), ("0", 422), ("x", 422), (str(2**63), 422)]
)
def test_errors(api: TestClient, trip_id: str, status: int) -> None:
    problem_of(api.get(f"/api/trips/{trip_id}"), status)


def test_without_photos_there_is_none(api: TestClient) -> None:
    assert api.get("/api/trips").json() == {"trips": []}
