"""The route of the map: clusters of the photos in an area."""

import pytest
from starlette.testclient import TestClient

from scene_model.config import Settings
from scene_model.library.store import Library
from tests.api.conftest import problem_of
from tests.library.rows import Row, put

LISBON, SYDNEY = (38.72, -9.14), (-33.87, 151.21)
ROWS = [Row("a", place=LISBON), Row("b", place=LISBON), Row("c", place=SYDNEY), Row("d")]


@pytest.fixture
def placed_api(api: TestClient, settings: Settings) -> TestClient:
    with Library(settings.library) as library:
        put(library, ROWS)
    return api


def test_clusters_of_an_area_and_a_query(placed_api: TestClient) -> None:
    world = {"within": "-90,-180,90,180", "zoom": "2"}
    clusters = placed_api.get("/api/map/clusters", params=world).json()["clusters"]
    assert [(c["photos"], c["within"]) for c in clusters] == [
        (2, [38.72, -9.14, 38.72, -9.14]),
        (1, [-33.87, 151.21, -33.87, 151.21]),
    ]
    assert (clusters[0]["latitude"], clusters[0]["longitude"]) == LISBON
    assert clusters[0]["photo_id"] == ROWS[1].id
    named = placed_api.get("/api/map/clusters", params=world | {"q": "name:c OR name:d"}).json()
    assert [cluster["photos"] for cluster in named["clusters"]] == [1]
    everything = placed_api.get("/api/map/clusters").json()["clusters"]
    assert sum(cluster["photos"] for cluster in everything) == 3
    europe = placed_api.get("/api/map/clusters", params={"within": "30,-20,70,40", "zoom": "4"})
    assert [cluster["photos"] for cluster in europe.json()["clusters"]] == [2]


@pytest.mark.parametrize(
    ("parameters", "status", "detail"),
    [
        ({"within": "1,2,3", "zoom": "2"}, 400, "is not an area"),
        ({"within": "0,0,91,1", "zoom": "2"}, 400, "no latitude"),
        ({"within": "0,0,1,1", "zoom": "21"}, 422, "zoom"),
        ({"within": "0,0,1,1", "zoom": "2", "q": "(sea"}, 400, "bracket"),
    ],
)
def test_errors(api: TestClient, parameters: dict[str, str], status: int, detail: str) -> None:
    response = api.get("/api/map/clusters", params=parameters)
    assert detail in problem_of(response, status)
