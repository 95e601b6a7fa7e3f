"""The film of a motion photo is served alone, with ranges, and guarded like originals."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from scene_model.services import Services
from tests.photos.films import google_motion_photo, live_film
from tests.pictures import encode, textured

FILM = live_film()
Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def ids(add_photos: Add) -> list[str]:
    return add_photos([("a.jpg", google_motion_photo(FILM)), ("b.jpg", encode(textured(90, 60)))])


def test_the_film_alone(api: TestClient, ids: list[str]) -> None:
    response = api.get(f"/api/photos/{ids[0]}/film")
    assert (response.status_code, response.content) == (200, FILM)
    assert response.headers["content-type"] == "video/mp4"
    assert response.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-50", slice(-50, None)),
        ("bytes=10-99999999", slice(10, None)),
    ],
)
def test_ranges(api: TestClient, ids: list[str], header: str, part: slice) -> None:
    response = api.get(f"/api/photos/{ids[0]}/film", headers={"Range": header})
    assert (response.status_code, response.content) == (206, FILM[part])
    first = FILM.index(FILM[part]) if part.start == 0 else range(len(FILM))[part][0]
    last = first + len(FILM[part]) - 1
    assert response.headers["content-range"] == f"bytes {first}-{last}/{len(FILM)}"


@pytest.mark.parametrize("header", ["bytes=-", "bytes=9-3", "bytes=99999999-", "lines=1-2", "x"])
def test_ranges_that_cannot_be_met_are_ignored(
    api: TestClient, ids: list[str], header: str
) -> None:
    response = api.get(f"/api/photos/{ids[0]}/film", headers={"Range": header})
    assert (response.status_code, response.content) == (200, FILM)


def test_other_photos_have_none(api: TestClient, ids: list[str]) -> None:
    response = api.get(f"/api/photos/{ids[1]}/film")
    assert response.status_code == 404
    assert response.json()["detail"] == ("b.jpg is no motion photo: there is no film in its file.")
    assert api.get("/api/photos/nonsense/film").status_code == 404


def test_a_changed_original_is_not_served(
    api: TestClient, ids: list[str], services: Services
) -> None:
    path = services.library.original_path(ids[0])
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert api.get(f"/api/photos/{ids[0]}/film").status_code == 409


def test_motion_photos_are_found(services: Services, ids: list[str]) -> None:
    assert services.gallery().ids("is:live") == ids[:1]
