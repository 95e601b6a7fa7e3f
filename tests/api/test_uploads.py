"""The upload routes over HTTP."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from scene_model.api import create_api
from scene_model.api.access.guard import SameSiteGuard
from scene_model.services import Services


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    guard = Middleware(SameSiteGuard, allowed_hosts=services.settings.allowed_host_names)
    app = Starlette(routes=[Mount("/api", app=create_api(lambda: services))], middleware=[guard])
    with TestClient(app, base_url="http://localhost:8501", raise_server_exceptions=False) as client:
        yield client


def test_announce_send_and_query(client: TestClient, services: Services, temple: bytes) -> None:
    files = [{"path": "trip/temple.jpg", "size": len(temple)}, {"path": "film.wmv", "size": 5}]
    started = client.post("/api/uploads", json={"files": files})
    assert started.status_code == 201
    upload = started.json()
    assert [item["path"] for item in upload["missing"]] == ["trip/temple.jpg"]
    assert [item["code"] for item in upload["reasons"]] == ["video_file"]
    url = f"/api/uploads/{upload['id']}"
    assert [u["id"] for u in client.get("/api/uploads").json()] == [upload["id"]]
    truncated = client.put(f"{url}/files/0", content=iter([temple[:100]]))
    assert (truncated.status_code, truncated.json()["type"]) == (
        400,
        "urn:scene-gallery:upload_incomplete",
    )
    oversized = client.put(f"{url}/files/0", content=iter([temple, b"more"]))
    assert oversized.status_code == 400
    assert not list(services.library.files.new_dir.iterdir())
    assert client.put(f"{url}/files/0", content=temple).status_code == 200
    assert services.jobs.job(upload["id"]).wait(60)
    progress = client.get(url, params={"files": True}).json()
    assert (progress["state"], progress["arrived"], progress["done"]) == ("done", 2, 2)
    assert client.put(f"{url}/files/0", content=temple).status_code == 410
    (photo_id,) = services.library.find()
    assert services.library.original_path(photo_id).read_bytes() == temple


def test_cancel_and_end(client: TestClient, services: Services) -> None:
    files = [{"path": "a.jpg", "size": 10}, {"path": "b.jpg", "size": 10}]
    for verb, path, state in (("DELETE", "", "cancelled"), ("POST", "/end", "done")):
        upload = client.post("/api/uploads", json={"files": files}).json()
        assert client.request(verb, f"/api/uploads/{upload['id']}{path}").json()["state"] == state
    assert not list(services.library.incoming_dir.iterdir())


@pytest.mark.parametrize("body", ["", "[]", '{"files": []}', '{"files": [{"path": "a"}]}'])
def test_invalid_lists(client: TestClient, body: str) -> None:
    assert client.post("/api/uploads", content=body).status_code == 400


def test_unknown_and_foreign(client: TestClient) -> None:
    assert client.put(f"/api/uploads/{'0' * 32}/files/0", content=b"x").status_code == 404
    foreign = {"origin": "http://evil.example"}
    assert client.post("/api/uploads", json={}, headers=foreign).status_code == 403
