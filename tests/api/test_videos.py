"""Videos over HTTP: played in parts, with frames and facts; refused where pictures are read."""

import io
from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from scene_model.api import create_api
from scene_model.api.access.guard import SameSiteGuard
from scene_model.services import Services
from tests.api.conftest import problem_of
from tests.pictures import striped
from tests.videos import padded, video

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    guard = Middleware(SameSiteGuard, allowed_hosts=services.settings.allowed_host_names)
    app = Starlette(routes=[Mount("/api", app=create_api(lambda: services))], middleware=[guard])
    with TestClient(app, base_url="http://localhost:8501", raise_server_exceptions=False) as client:
        yield client


def test_a_video_is_played_in_parts(client: TestClient, add_photos: Add) -> None:
    data = padded(video(), 300_000)
    (photo_id,) = add_photos([("film.mp4", data)])
    facts = client.get(f"/api/photos/{photo_id}").json()
    assert facts["duration"] == 2.0
    url = facts["video_url"]
    whole = client.get(url)
    assert (whole.status_code, whole.content) == (200, data)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-disposition"] == "inline"
    assert "private" in whole.headers["cache-control"]
    for span, start, end in (
        ("bytes=0-99", 0, 100),
        ("bytes=1000-", 1000, len(data)),
        ("bytes=-50", len(data) - 50, len(data)),
    ):
        part = client.get(url, headers={"Range": span})
        assert (part.status_code, part.content) == (206, data[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{len(data)}"
    beyond = client.get(url, headers={"Range": f"bytes={len(data)}-"})
    assert beyond.status_code == 416


@pytest.mark.parametrize(
    ("kind", "media_type"), [("WEBM", "video/webm"), ("MOV", "video/quicktime")]
)
def test_the_media_type_is_that_of_the_content(
    client: TestClient, add_photos: Add, kind: str, media_type: str
) -> None:
    (photo_id,) = add_photos([("film.mp4", video(kind))])
    assert client.get(f"/api/photos/{photo_id}/video").headers["content-type"] == media_type


def test_frames_are_a_picture(client: TestClient, add_photos: Add) -> None:
    (photo_id,) = add_photos([("film.mp4", video())])
    frames = client.get(client.get(f"/api/photos/{photo_id}").json()["frames_url"])
    assert frames.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(frames.content)).size == (4 * 64, 48)


def test_a_picture_has_neither(client: TestClient, add_photos: Add) -> None:
    (photo_id,) = add_photos([("stripes.jpg", striped(3))])
    facts = client.get(f"/api/photos/{photo_id}").json()
    assert (facts["duration"], facts["video_url"], facts["frames_url"]) == (None, None, None)
    for name in ("video", "frames"):
        problem_of(client.get(f"/api/photos/{photo_id}/{name}"), 404)
        problem_of(client.get(f"/api/photos/{'0' * 64}/{name}"), 404)


def test_a_foreign_page_cannot_play(client: TestClient, add_photos: Add) -> None:
    (photo_id,) = add_photos([("film.mp4", video())])
    foreign = client.get(
        f"/api/photos/{photo_id}/video", headers={"Origin": "https://elsewhere.example"}
    )
    assert foreign.status_code == 403


def test_a_changed_reference_is_not_played(
    client: TestClient, services: Services, add_photos: Add
) -> None:
    (photo_id,) = add_photos([("film.mp4", video())])
    services.library.original_path(photo_id).write_bytes(b"other")
    assert "changed" in problem_of(client.get(f"/api/photos/{photo_id}/video"), 409)
    services.library.original_path(photo_id).unlink()
    problem_of(client.get(f"/api/photos/{photo_id}/video"), 410)


def test_a_prediction_of_a_video_says_where_it_works(client: TestClient) -> None:
    detail = problem_of(client.post("/api/predict", files={"file": ("film.mp4", video())}), 415)
    assert "classify" in detail
