"""A client written only from the documented contract, without the code.

The contract: under /api, GET /health, GET /models (heads, labels, groups,
limits), POST /predict (multipart
`file`), POST /predict/batch (multipart `files`, `?background=true`), GET and DELETE
/jobs/{job_id}, GET /download/{job_id}, POST /classify and /classify/ (JSON). Errors are
application/problem+json with type, title, status and detail.
"""

import base64
import io
import json
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from dataclasses import dataclass
from email.message import Message
from typing import Any

import pytest
from PIL import Image

from tests.api.conftest import Server

RESULT_FIELDS = {"filename", "label", "confidence", "unsure", "class", "error"}


def lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@dataclass
class Client:
    """The client; it uses only the standard library."""

    server: str

    def request(
        self, method: str, path: str, body: bytes | None = None, content_type: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"Content-Type": content_type} if content_type else {}
        request = urllib.request.Request(self.server + path, body, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return (
                    answer.status,
                    {k.lower(): v for k, v in answer.headers.items()},
                    answer.read(),
                )
        except urllib.error.HTTPError as error:
            with error:
                return error.code, lowered(error.headers), error.read()

    def get(self, path: str) -> Any:
        status, _, body = self.request("GET", path)
        assert status == 200, body
        return json.loads(body)

    def send(
        self, path: str, field: str, *files: tuple[str, bytes]
    ) -> tuple[int, dict[str, str], Any]:
        boundary = uuid.uuid4().hex
        parts = []
        for name, data in files:
            disposition = f'form-data; name="{field}"; filename="{name}"'
            parts.append(f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode())
            parts += [data, b"\r\n"]
        parts.append(f"--{boundary}--\r\n".encode())
        kind = f"multipart/form-data; boundary={boundary}"
        status, headers, body = self.request("POST", path, b"".join(parts), kind)
        return status, headers, json.loads(body)

    def classify(self, document: Any, path: str = "/api/classify/") -> tuple[int, Any]:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        status, _, body = self.request("POST", path, data, "application/json")
        return status, json.loads(body)


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server.url)


def picture(kind: str, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (64, 48)).save(buffer, kind)
    return buffer.getvalue()


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_health_and_models(client: Client) -> None:
    client.get("/api/health")
    models = client.get("/api/models")
    scenes = next(head for head in models["heads"] if head["id"] == "scenes")
    assert [label["id"] for label in scenes["labels"]] == [
        *("buildings", "forest", "glacier", "mountain", "sea", "street")
    ]
    groups = {group["id"]: group["name"] for group in models["groups"]}
    assert groups["water"] == "Water" and len(groups) == 19
    assert {label["id"]: label["group"] for label in scenes["labels"]}["sea"] == "water"
    assert all(isinstance(limit, int) for limit in models["limits"].values())


def test_one_photo(client: Client, temple: bytes) -> None:
    status, _, body = client.send("/api/predict", "file", ("temple.jpg", temple))
    assert status == 200
    assert set(body) == {
        *("filename", "label", "confidence", "unsure", "probabilities", "class", "group", "bundle")
    }
    assert body["filename"] == "temple.jpg"
    best = max(body["probabilities"], key=body["probabilities"].__getitem__)
    assert body["label"] == best
    assert body["confidence"] == pytest.approx(body["probabilities"][best], abs=1e-6)
    assert sum(body["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def folders(archive: bytes) -> dict[str, str]:
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    return {name.partition("/")[2]: name.partition("/")[0] for name in names if "/" in name}


def check_results(results: list[dict[str, Any]], archive: bytes) -> None:
    assert [result["filename"] for result in results] == ["a.jpg", "b.txt", "c.jpg"]
    assert all(set(result) == RESULT_FIELDS for result in results)
    assert results[1]["error"]["code"]
    assert results[1]["error"]["message"]
    assert results[0]["error"] is results[2]["error"] is None
    assert folders(archive) == {r["filename"]: r["class"] for r in results if not r["error"]}


def test_a_batch_and_its_download(client: Client, temple: bytes, flower: bytes) -> None:
    files = (("a.jpg", temple), ("b.txt", b"no picture"), ("c.jpg", flower))
    status, _, body = client.send("/api/predict/batch", "files", *files)
    assert status == 200
    assert set(body) == {"job_id", "summary", "results", "download_url"}
    assert body["summary"]["total"] == 3
    assert sum(body["summary"]["by_class"].values()) == 2
    assert body["download_url"] == f"/api/download/{body['job_id']}"
    _, headers, archive = client.request("GET", body["download_url"])
    assert headers["content-type"] == "application/zip"
    check_results(body["results"], archive)


def test_a_batch_in_the_background(client: Client, temple: bytes, flower: bytes) -> None:
    files = (("a.jpg", temple), ("b.txt", b"no picture"), ("c.jpg", flower))
    status, headers, body = client.send("/api/predict/batch?background=true", "files", *files)
    assert status == 202
    assert headers["location"] == f"/api/jobs/{body['job_id']}"
    job = client.get(headers["location"])
    while job["state"] == "running":
        assert 0 <= job["done"] <= job["total"] == 3
        time.sleep(0.05)
        job = client.get(headers["location"])
    _, _, archive = client.request("GET", f"/api/download/{body['job_id']}")
    check_results(job["results"], archive)
    status, _, _ = client.request("DELETE", headers["location"])
    assert status == 200


def test_tags_of_base64_images(client: Client, temple: bytes, flower: bytes) -> None:
    images = [text_of(temple), f"data:image/jpeg;base64,{text_of(flower)}"]
    for path in ("/api/classify", "/api/classify/"):
        status, body = client.classify({"images": images}, path)
        assert status == 200
        assert set(body) == {"tags"}
        assert len(body["tags"]) == 2
        for tags in body["tags"]:
            assert 1 <= len(tags) <= 2
            assert all(tag[0] == tag[0].upper() for tag in tags)
    kinds = [text_of(picture(kind)) for kind in ("JPEG", "PNG", "WEBP")]
    assert client.classify({"images": kinds})[0] == 200
    status, body = client.classify({"images": [text_of(temple), "?"]}, "/api/classify?partial=true")
    assert status == 200
    assert body["tags"][1] is None
    assert body["errors"][0] is None
    assert body["errors"][1]["message"]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({}, id="parameter missing"),
        pytest.param({"images": "x"}, id="no list"),
        pytest.param({"images": []}, id="empty list"),
        pytest.param({"images": ["not base64 at all"]}, id="no base64"),
        pytest.param({"images": [text_of(b"no picture")]}, id="no picture"),
        pytest.param({"images": [7]}, id="no string"),
        pytest.param({"images": [text_of(picture("GIF"))]}, id="type not accepted"),
        pytest.param({"images": [text_of(picture("TIFF", "F"))]}, id="colours not converted"),
        pytest.param(b"{", id="no JSON"),
    ],
)
def test_images_that_classify_refuses(client: Client, document: Any) -> None:
    status, body = client.classify(document)
    assert status == 400
    check_problem(body, 400)


def check_problem(body: Any, status: int) -> None:
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status
    assert len(body["detail"]) > 10


def test_limits_are_published_and_named_in_errors(client: Client, temple: bytes) -> None:
    limits = client.get("/api/models")["limits"]
    large = temple + bytes(limits["max_file_bytes"])
    status, _, body = client.send("/api/predict", "file", ("large.jpg", large))
    assert status == 413
    check_problem(body, 413)
    assert "SCENE_MAX_FILE_BYTES" in body["detail"]
    images = [text_of(temple)] * (limits["max_images"] + 1)
    status, body = client.classify({"images": images})
    assert status == 413
    assert "SCENE_MAX_IMAGES" in body["detail"] or "SCENE_MAX_JSON_BYTES" in body["detail"]
    files = [(f"{n}", b"x") for n in range(limits["max_batch_files"] + 1)]
    status, _, body = client.send("/api/predict/batch", "files", *files)
    assert status == 413
    assert "SCENE_MAX_BATCH_FILES" in body["detail"]


def test_missing_resources(client: Client) -> None:
    for method, path in (
        *(("GET", "/api/jobs/unknown"), ("DELETE", "/api/jobs/unknown")),
        *(("GET", "/api/download/unknown"), ("GET", "/api/unknown")),
    ):
        status, headers, body = client.request(method, path)
        assert status == 404
        assert headers["content-type"] == "application/problem+json"
        check_problem(json.loads(body), 404)
    status, _, body = client.send("/api/predict", "other", ("a.jpg", b"x"))
    assert status == 422
    check_problem(body, 422)
    status, _, body = client.send("/api/predict", "file", ("a.txt", b"no picture"))
    assert status == 415
    check_problem(body, 415)
