"""Every kind of error: none reveals a path, a stack trace or a library's version."""

import re
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from pathlib import Path

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from scene_model.api import create_app
from scene_model.classifier.classify import Classifier
from scene_model.config import PROJECT_DIR, Settings
from scene_model.errors import LibraryUnavailable
from scene_model.services import Services, open_services
from scene_model.visitors.tokens import new_token
from tests.pictures import encode, textured

TOKEN, ENTRY = new_token("me")
SendRequest = Callable[[TestClient], httpx.Response]
PICTURE = encode(textured(64, 48))
NOT_JSON = {"content": b"{", "headers": {"content-type": "application/json"}}


def sent(data: bytes) -> dict[str, tuple[str, bytes]]:
    return {"file": ("C:\\private\\x.jpg", data)}


ERRORS: dict[str, tuple[int, SendRequest]] = {
    "no route": (404, lambda c: c.get("/api/nothing")),
    "wrong method": (405, lambda c: c.delete("/api/predict")),
    "no file": (422, lambda c: c.post("/api/predict")),
    "wrong parameter": (422, lambda c: c.get("/api/photos?limit=x")),
    "broken form": (
        400,
        lambda c: c.post(
            "/api/predict",
            content=b"junk",
            headers={"content-type": "multipart/form-data; boundary=x"},
        ),
    ),
    "no picture": (415, lambda c: c.post("/api/predict", files=sent(b"hello"))),
    "a PDF": (415, lambda c: c.post("/api/predict", files=sent(b"%PDF-1.7"))),
    "empty": (422, lambda c: c.post("/api/predict", files=sent(b""))),
    "truncated": (422, lambda c: c.post("/api/predict", files=sent(PICTURE[:900]))),
    "damaged": (422, lambda c: c.post("/api/predict", files=sent(PICTURE[:20] + bytes(900)))),
    "too large": (413, lambda c: c.post("/api/predict", files=sent(bytes(60_000)))),
    "too many pixels": (
        413,
        lambda c: c.post("/api/predict", files=sent(encode(textured(400, 400), quality=10))),
    ),
    "unknown head": (400, lambda c: c.post("/api/predict?head=x", files=sent(PICTURE))),
    "no JSON": (400, lambda c: c.post("/api/classify", **NOT_JSON)),  # type: ignore[arg-type]
    "no images": (400, lambda c: c.post("/api/classify", json={})),
    "no base64": (400, lambda c: c.post("/api/classify", json={"images": ["!"]})),
    "too many images": (413, lambda c: c.post("/api/classify", json={"images": [""] * 9})),
    "unknown job": (404, lambda c: c.get("/api/jobs/x")),
    "unknown download": (404, lambda c: c.get("/api/download/" + "0" * 32)),
    "unknown photo": (404, lambda c: c.get("/api/photos/" + "0" * 64)),
    "unknown original": (404, lambda c: c.get(f"/api/photos/{'0' * 64}/original")),
    "a path for an id": (404, lambda c: c.get("/api/photos/..%2F..%2Fetc%2Fpasswd")),
    "a query": (400, lambda c: c.get("/api/photos?q=(")),
    "an order": (400, lambda c: c.get("/api/photos?sort=x")),
    "a cursor": (400, lambda c: c.get("/api/photos?cursor=x")),
    "an upload": (400, lambda c: c.post("/api/uploads", json={"files": []})),
    "an export": (422, lambda c: c.post("/api/exports", json={"format": "exe"})),
    "a file of a script": (404, lambda c: c.get("/api/docs-files/..%2F__init__")),
    "foreign host": (403, lambda c: c.get("/api/photos", headers={"host": "evil.example"})),
    "foreign site": (403, lambda c: c.get("/api/photos", headers={"origin": "http://evil"})),
    "wrong token": (401, lambda c: c.get("/api/photos", headers={"authorization": "Bearer x"})),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        library=tmp_path / "library",
        workers=1,
        max_file_bytes=50_000,
        max_pixels=100_000,
        max_images=3,
        api_tokens=ENTRY,
        trust_loopback=True,
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(
        create_app(settings),
        base_url="http://localhost",
        raise_server_exceptions=False,
        client=("127.0.0.1", 1),
    ) as client:
        yield client


def leaked(response: httpx.Response, settings: Settings) -> list[str]:
    """What an response leaked that it should not."""
    text = response.text + "".join(f"{name}: {value}\n" for name, value in response.headers.items())
    secrets = [str(PROJECT_DIR), str(settings.library), "/site-packages", "/python3", "/usr/"]
    secrets += ["Traceback", 'File "', ".py", "0x", "pydantic.dev", "sqlite", "SELECT ", TOKEN]
    leaks = [secret for secret in secrets if secret in text]
    for distribution in distributions():
        name, number = re.escape(distribution.name), re.escape(distribution.version)
        if re.search(rf"{name}[ /=-]*v?{number}", text, re.IGNORECASE):
            leaks.append(f"{distribution.name} {distribution.version}")
    return leaks


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("No room left (/srv/my photos/library). Free some.", "No room left (…). Free some."),
        ("x.jpg is not at /home/a b/x.jpg any more.", "x.jpg is not at … any more."),
        (
            "The library folder C:\\Users\\me cannot be read.",
            "The library folder … cannot be read.",
        ),
        ("Photos 3/4 and and/or stay.", "Photos 3/4 and and/or stay."),
    ],
)
def test_paths_are_left_out(message: str, expected: str) -> None:
    assert LibraryUnavailable(message).public_message == expected


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_reveals_nothing(kind: str, client: TestClient, settings: Settings) -> None:
    status, request = ERRORS[kind]
    response = request(client)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert leaked(response, settings) == []


def test_the_check_detects_leaks(settings: Settings) -> None:
    for text in (
        f"see {settings.library}/x",
        'File "a"',
        "pillow 13.0.0",
        "Server: uvicorn/0.54.0",
    ):
        assert leaked(httpx.Response(500, text=text), settings), text


def test_an_exception_reveals_nothing(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"cannot open {settings.library}")

    monkeypatch.setattr(Classifier, "predict", broken)
    for response in (
        client.post("/api/predict", files=sent(PICTURE)),
        client.post("/api/predict/batch", files={"files": ("x.jpg", PICTURE)}),
        client.post("/api/classify?partial=true", json={"images": ["/9j/"]}),
    ):
        assert response.status_code in (200, 500)
        assert leaked(response, settings) == []


def test_library_errors_reveal_nothing(settings: Settings, temple: bytes) -> None:
    """A missing original, a changed one, and a folder that cannot be written."""
    settings = settings.model_copy(update={"max_file_bytes": 1_000_000, "max_pixels": 10**7})
    app = create_app(settings)
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1)) as client:
        files = {"files": ("t.jpg", temple)}
        client.post("/api/predict/batch?add_to_library=true", files=files)
        (photo,) = client.get("/api/photos").json()["photos"]
        reader: Services = open_services(settings, resume=False)
        original = reader.library.original_location(reader.library.photo(photo["id"]))
        reader.close()
        original.chmod(0o600)
        original.write_bytes(b"changed")
        changed = client.get(photo["original_url"])
        assert changed.status_code == 409
        original.unlink()
        lost = client.get(photo["original_url"])
        assert lost.status_code == 410
        batches = settings.library / "batches"
        for entry in batches.iterdir():
            entry.rename(settings.library / f"moved-{entry.name}")
        batches.rmdir()
        batches.write_bytes(b"no folder")
        full = client.post("/api/predict/batch", files=files)
        assert full.status_code in (503, 507)
        for response in (changed, lost, full):
            assert leaked(response, settings) == [], response.text
