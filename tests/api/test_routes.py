"""The API's responses over HTTP, behind the same-site guard."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator

import httpx2 as httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from scene_model.api import create_api
from scene_model.api.access.guard import SameSiteGuard, host_name
from scene_model.services import Services
from tests.pictures import placed, textured

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    guard = Middleware(SameSiteGuard, allowed_hosts=services.settings.allowed_host_names)
    app = Starlette(routes=[Mount("/api", app=create_api(lambda: services))], middleware=[guard])
    with TestClient(app, base_url="http://localhost:8501", raise_server_exceptions=False) as client:
        yield client


def problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status
    return str(body["detail"])


def test_health_and_models(client: TestClient, services: Services) -> None:
    assert client.get("/api/health").json()["status"] == "ok"
    models = client.get("/api/models").json()
    assert models["bundle"] == services.classifier.bundle_id
    assert [head["id"] for head in models["heads"]] == [
        "scenes",
        "camera",
        "camsdd",
        "places",
        "objects",
    ]
    assert models["limits"]["max_pixels"] == 100_000_000


def test_pictures(client: TestClient, add_photos: Add, temple: bytes) -> None:
    (photo_id,) = add_photos([("../tem\nple.jpg", temple)])
    for kind in ("thumbnail", "preview"):
        response = client.get(f"/api/photos/{photo_id}/{kind}")
        assert response.headers["content-type"] == "image/webp"
        assert "immutable" in response.headers["cache-control"]
        assert response.content[8:12] == b"WEBP"
    full = client.get(f"/api/photos/{photo_id}/full")
    assert full.headers["content-type"] == "image/jpeg"
    assert full.content[:2] == b"\xff\xd8"
    assert b"Exif" not in full.content
    original = client.get(f"/api/photos/{photo_id}/original")
    assert original.content == temple
    assert original.headers["content-disposition"] == "attachment; filename*=UTF-8''tem_ple.jpg"
    assert original.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("photo_id", ["0" * 64, "xyz", "..%2f..%2flibrary.db", "A" * 64])
def test_unknown_pictures(client: TestClient, photo_id: str) -> None:
    for kind in ("thumbnail", "preview", "full", "original", "film"):
        response = client.get(f"/api/photos/{photo_id}/{kind}")
        assert response.status_code == 404


def test_a_missing_original_is_410(
    client: TestClient, services: Services, add_photos: Add, temple: bytes
) -> None:
    (photo_id,) = add_photos([("temple.jpg", temple)])
    services.library.original_path(photo_id).unlink()
    detail = problem(client.get(f"/api/photos/{photo_id}/original"), 410)
    assert str(services.library.folder) not in detail


def test_downloads(client: TestClient, add_photos: Add, temple: bytes, flower: bytes) -> None:
    add_photos([("temple.jpg", temple), ("dahlia.jpg", flower)])
    table = client.get("/api/library/export.csv", params={"q": "class:flower", "bom": "true"})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.startswith("\ufeffID,")
    assert "dahlia.jpg" in table.text
    assert "temple.jpg" not in table.text
    people = {"q": "class:flower", "people": "true", "language": "de"}
    readable = client.get("/api/library/export.csv", params=people)
    assert readable.text.startswith("Name,Class,Group,")
    assert "Blume" in readable.text
    assert "scene-gallery-people.csv" in readable.headers["content-disposition"]
    response = client.get("/api/library/export.zip", params={"q": "name:dahlia"})
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert archive.namelist() == ["manifest.csv", "flower/dahlia.jpg"]
    assert archive.read("flower/dahlia.jpg") == flower


def test_downloads_support_queries_and_orders(
    client: TestClient, add_photos: Add, temple: bytes, flower: bytes
) -> None:
    add_photos([("temple.jpg", temple), ("dahlia.jpg", flower), ("again.jpg", temple + b"more")])

    def names(**parameters: str) -> list[str]:
        text = client.get("/api/library/export.csv", params=parameters).text
        return [row["Name"] for row in csv.DictReader(io.StringIO(text))]

    assert names(sort="name") == ["again.jpg", "dahlia.jpg", "temple.jpg"]
    assert names(q="is:duplicate added:today", sort="-name") == ["temple.jpg", "again.jpg"]
    assert names(q="album:nature taken:2024-07 OR album:natur") == ["dahlia.jpg"]
    response = client.get("/api/library/export.zip", params={"q": "-is:duplicate", "sort": "taken"})
    assert len(zipfile.ZipFile(io.BytesIO(response.content)).namelist()) == 2
    for path in ("export.csv", "export.zip"):
        response = client.get(f"/api/library/{path}", params={"sort": "date"})
        assert "added, taken, name, score, size" in problem(response, 400)


def test_an_invalid_query(client: TestClient) -> None:
    assert "closing bracket" in problem(
        client.get("/api/library/export.csv", params={"q": "(sea"}), 400
    )


def test_an_exception_reveals_nothing(
    client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(type(services.library), "thumbnail", broken)
    assert "secret" not in problem(client.get(f"/api/photos/{'0' * 64}/thumbnail"), 500)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "localhost.evil.example:8501"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_foreign_requests_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    problem(client.get("/api/health", headers=headers), 403)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "127.0.0.1:8501"},
        {"host": "[::1]:8501"},
        {"host": "LOCALHOST:8501", "origin": "http://localhost:8501"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
def test_own_requests_pass(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/api/health", headers=headers).status_code == 200


def test_host_names() -> None:
    assert host_name("LocalHost:8501") == "localhost"
    assert host_name("[::1]:8501") == "[::1]"
    assert host_name("") == ""


def test_every_route_is_behind_the_guard(client: TestClient, services: Services) -> None:
    paths = [path for path in create_api(lambda: services).openapi()["paths"]]
    assert len(paths) >= 7
    for path in paths:
        url = "/api" + path.replace("{photo_id}", "0" * 64)
        problem(client.get(url, headers={"origin": "http://evil.example"}), 403)


def test_every_refusal_is_a_problem(client: TestClient) -> None:
    assert "not a route" in problem(client.get("/api/nope"), 404)
    problem(client.post("/api/health"), 405)
    assert "bom" in problem(client.get("/api/library/export.csv", params={"bom": "xyz"}), 422)
    assert "q:" in problem(client.get("/api/library/export.csv", params={"q": "x" * 1001}), 422)
    problem(client.get("/api/health", headers={"origin": "http://["}), 403)


def test_a_changed_original_is_409(
    client: TestClient, services: Services, add_photos: Add, temple: bytes
) -> None:
    (photo_id,) = add_photos([("temple.jpg", temple)])
    services.library.original_path(photo_id).write_bytes(b"junk")
    assert "changed on disk" in problem(client.get(f"/api/photos/{photo_id}/original"), 409)


def test_places_in_the_answers(client: TestClient, add_photos: Add) -> None:
    (photo_id,) = add_photos([("a.jpg", placed(textured(64, 48), 38.7876, -9.3906))])
    place = client.get(f"/api/photos/{photo_id}").json()["place"]
    assert place.pop("distance_km") == pytest.approx(1.8, abs=0.1)
    assert place == {
        "title": "Sintra, Portugal",
        "name": "Sintra",
        "region": "Lisbon",
        "country": "PT",
        "kind": "settlement",
        "source": "gps",
    }
    (listed,) = client.get("/api/photos?q=city:sintra").json()["photos"]
    assert listed["place"]["country"] == "PT"
    (record,) = client.get("/api/library/export.json").json()
    assert record["place"]["title"] == "Sintra, Portugal"
    assert client.get("/api/library/export.json?place=false").json()[0]["place"] is None
    assert "Sintra" not in client.get("/api/library/export.csv?place=false").text


def test_exports_by_rule_and_without_coordinates(
    client: TestClient, add_photos: Add, flower: bytes
) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    (record,) = client.get("/api/library/export.json?place=false").json()
    assert (record["id"], record["latitude"]) == (photo_id, None)
    archive = client.get("/api/library/export.zip?by=head:camera&q=dahlia")
    assert "flower/dahlia.jpg" in zipfile.ZipFile(io.BytesIO(archive.content)).namelist()
    assert "head:camera" in problem(client.get("/api/library/export.zip?by=nothing"), 400)
    assert "not a field" in problem(client.get("/api/library/export.json?q=a:b"), 400)
