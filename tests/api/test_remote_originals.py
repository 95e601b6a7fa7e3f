"""Photos whose originals are at URLs, over HTTP: opened by a person, with reasons when it fails."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from scene_model.api import create_api
from scene_model.api.access.guard import SameSiteGuard
from scene_model.config import Settings
from scene_model.library.records import NewPhoto
from scene_model.services import Services, original_fetcher
from tests.api.conftest import problem_of
from tests.photo_server import PhotoServer, photo_server
from tests.videos import video


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with photo_server() as server:
        yield server


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    guard = Middleware(SameSiteGuard, allowed_hosts=services.settings.allowed_host_names)
    app = Starlette(routes=[Mount("/api", app=create_api(lambda: services))], middleware=[guard])
    with TestClient(app, base_url="http://localhost:8501", raise_server_exceptions=False) as client:
        yield client


def add(services: Services, url: str, data: bytes) -> str:
    """Add a picture by reference; returns the path of its routes."""
    photo = NewPhoto(data, "dahlia.jpg", "2026-01-02T03:04:05+00:00", remote_url=url)
    classifier = services.classifier
    added = services.library.add(photo, classifier.predict(data), classifier.provenance)
    return f"/api/photos/{added.id}"


def test_browsing_fetches_nothing_and_opening_fetches_once(
    client: TestClient, services: Services, server: PhotoServer, flower: bytes
) -> None:
    photo = add(services, server.put("/dahlia.jpg?key=secret", flower), flower)
    for path in ("/api/photos", photo, f"{photo}/thumbnail", f"{photo}/tags"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert b"secret" not in answer.content
    for table in ("csv", "json", "jsonl"):
        assert client.get(f"/api/library/export.{table}").status_code == 200
    assert client.get(photo).json()["remote"] is True
    assert server.gets == []
    assert client.get(f"{photo}/preview").status_code == 200
    assert client.get(f"{photo}/original").content == flower
    assert client.get(f"{photo}/full").status_code == 200
    assert flower in client.get("/api/library/export.zip").content
    assert server.gets == ["/dahlia.jpg?key=secret"]


def test_the_reason_is_told_and_the_thumbnail_stays(
    client: TestClient, services: Services, server: PhotoServer, flower: bytes, temple: bytes
) -> None:
    photo = add(services, server.put("/dahlia.jpg?key=secret", flower), flower)
    server.faults["/dahlia.jpg?key=secret"] = "404"
    detail = problem_of(client.get(f"{photo}/preview"), 502)
    assert detail.startswith(f"The original of dahlia.jpg could not be fetched from {server.base}")
    assert "404" in detail
    assert "secret" not in detail
    del server.faults["/dahlia.jpg?key=secret"]
    server.files["/dahlia.jpg?key=secret"] = temple[: len(flower)]
    assert "another file" in problem_of(client.get(f"{photo}/original"), 409)
    assert client.get(f"{photo}/thumbnail").status_code == 200
    assert client.get(f"{photo}/film").status_code == 404


def test_a_video_is_fetched_whole_and_played_in_parts(
    client: TestClient, services: Services, server: PhotoServer
) -> None:
    data = video()
    job = services.jobs.submit([("film.mp4", data)])
    assert job.wait(120)
    (photo_id,) = job.progress().photo_ids
    url = server.put("/film.mp4", data)
    with services.library.database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE photos SET remote_url = ?", (url,))
    services.library.files.copy_location(photo_id, "MP4").unlink()
    part = client.get(f"/api/photos/{photo_id}/video", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    assert server.gets == ["/film.mp4"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "memory:///a.jpg", "http://[::1"])
def test_an_address_in_the_database_opens_no_file_of_this_computer(
    client: TestClient, services: Services, flower: bytes, url: str
) -> None:
    photo = add(services, url, flower)
    assert "original of dahlia.jpg" in problem_of(client.get(f"{photo}/original"), 502)


def test_a_shared_server_connects_to_no_address() -> None:
    assert original_fetcher(Settings(mode="shared")) is None
