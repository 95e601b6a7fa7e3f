"""The routes for phones over HTTP."""

import hashlib
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from pages.phone import PHONE_FILES
from scene_model.api.access.guard import PHONE_PREFIX
from scene_model.api.phone import create_phone_app
from scene_model.ingest.phone.phone_uploads import (
    MAX_OPEN,
    MAX_UPLOADS,
    PhoneLibrary,
    PhoneLimits,
)
from scene_model.services import Services
from tests.api.conftest import problem_of
from tests.phones import Clock, Phones

Files = list[tuple[str, bytes]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def phones(tmp_path: Path, services: Services, clock: Clock) -> Phones:
    return Phones(tmp_path / "codes", lambda _: services, clock)


def client_of(phones: Phones) -> TestClient:
    app = Starlette(routes=[Mount(PHONE_PREFIX, app=create_phone_app(phones, PHONE_FILES))])
    return TestClient(app, base_url="http://localhost/phone/", raise_server_exceptions=False)


@pytest.fixture
def client(phones: Phones) -> Iterator[TestClient]:
    with client_of(phones) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def token(phones: Phones, client: TestClient) -> str:
    """A token that the client sends with every request."""
    _, token = phones.codes.make("", 900)
    client.headers.update(bearer(token))
    return token


def listed(files: Files) -> dict[str, list[dict[str, object]]]:
    return {"files": [{"path": name, "size": len(data)} for name, data in files]}


def results_of(client: TestClient, upload_id: str, after: int = 0) -> dict[int, tuple[str, str]]:
    rows = client.get(f"uploads/{upload_id}?after={after}").json()["results"]
    return {row["number"]: (row["state"], row["code"]) for row in rows}


def test_each_file_has_its_result(
    client: TestClient, token: str, services: Services, temple: bytes, flower: bytes
) -> None:
    files = [("image.jpg", temple), ("image.jpg", flower), ("image.jpg", b"no"), ("a.pdf", b"%")]
    services.jobs.submit([("already.jpg", flower)]).wait(60)
    upload = client.post("uploads", json=listed(files)).json()
    assert [item["number"] for item in upload["missing"]] == [0, 1, 2]
    for number, (_, data) in enumerate(files[:3]):
        answer = client.put(f"uploads/{upload['id']}/files/{number}", content=data)
        assert answer.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert services.jobs.job(upload["id"]).wait(60)
    assert results_of(client, upload["id"]) == {
        0: ("added", ""),
        1: ("known", ""),
        2: ("refused", "not_a_picture"),
        3: ("refused", "not_a_picture"),
    }
    assert len(results_of(client, upload["id"], after=3)) == 1
    assert services.library.original_path(hashlib.sha256(temple).hexdigest()).read_bytes() == temple


def test_a_file_sent_twice_arrives_once(
    client: TestClient, token: str, phones: Phones, temple: bytes, flower: bytes
) -> None:
    upload = client.post("uploads", json=listed([("a.jpg", temple), ("b.jpg", flower)])).json()
    url = f"uploads/{upload['id']}/files/0"
    # The connection is cut after half of it, and later after all of it, before the answer.
    cut = client.put(url, content=iter([temple[: len(temple) // 2]]))
    assert "bytes arrived" in problem_of(cut, 400)
    assert phones.codes.find(token).files == 0
    assert client.put(url, content=temple).status_code == 200
    assert client.put(url, content=temple).json() == {"number": 0, "sha256": None}
    code = phones.codes.find(token)
    assert (code.files, code.file_bytes) == (1, len(temple))


def test_without_a_valid_token(client: TestClient, phones: Phones, services: Services) -> None:
    phones.codes.make("", 900)
    routes = (
        ("GET", "session"),
        ("POST", "uploads"),
        ("GET", "uploads/" + "0" * 32),
        ("DELETE", "uploads/" + "0" * 32),
        ("POST", f"uploads/{'0' * 32}/end"),
        ("PUT", f"uploads/{'0' * 32}/files/0"),
    )
    wrong = ("", "Bearer", "Bearer nothing", "Basic eDp5", "x")
    for (method, path), authorization in itertools.product(routes, wrong):
        headers = {"authorization": authorization}
        response = client.request(method, path, headers=headers, content=b"{}")
        assert "scan the code" in problem_of(response, 401)
        assert response.json()["type"] == "urn:scene-gallery:phone_code_unknown"
        assert response.headers["www-authenticate"] == "Bearer"
    assert services.jobs.running() == []


def test_a_code_that_is_over_is_named(
    client: TestClient, token: str, phones: Phones, clock: Clock, temple: bytes
) -> None:
    assert client.get("session").json()["ends_at"] == clock.now + 900
    clock.now += 900
    for response in (client.get("session"), client.post("uploads", json=listed([("a", temple)]))):
        assert response.json()["type"] == "urn:scene-gallery:phone_code_expired"
    code, token = phones.codes.make("", 900)
    phones.codes.end(code.id, "")
    response = client.get("session", headers=bearer(token))
    assert response.json()["type"] == "urn:scene-gallery:phone_code_ended"


def test_a_code_sees_its_own_uploads_alone(
    client: TestClient, token: str, phones: Phones, services: Services, temple: bytes
) -> None:
    """Two phones at once, and an upload of the pages."""
    _, other_token = phones.codes.make("", 900)
    of_other = client.post(
        "uploads", json=listed([("other.jpg", temple)]), headers=bearer(other_token)
    ).json()
    of_pages = services.jobs.submit([("page.jpg", temple)])
    for upload_id in (of_other["id"], of_pages.id, "0" * 32):
        for method, path in (
            ("GET", f"uploads/{upload_id}?files=true&after=0"),
            ("DELETE", f"uploads/{upload_id}"),
            ("POST", f"uploads/{upload_id}/end"),
            ("PUT", f"uploads/{upload_id}/files/0"),
        ):
            response = client.request(method, path, content=temple)
            assert "no upload" in problem_of(response, 404), (method, path)
    assert len(services.uploads.missing(of_other["id"])) == 1
    own = client.post("uploads", json=listed([("own.jpg", temple)])).json()
    for upload, headers in ((own, bearer(token)), (of_other, bearer(other_token))):
        url = f"uploads/{upload['id']}/files/0"
        assert client.put(url, content=temple, headers=headers).status_code == 200
        assert services.jobs.job(upload["id"]).wait(60)
    assert services.library.count() == 1


def test_limits_of_a_code(
    tmp_path: Path, services: Services, clock: Clock, temple: bytes, flower: bytes
) -> None:
    limits = PhoneLimits(files=3, file_bytes=len(temple) + len(flower))
    phones = Phones(tmp_path / "codes", lambda _: services, clock, limits)
    _, token = phones.codes.make("", 900)
    with client_of(phones) as client:
        client.headers.update(bearer(token))
        four = client.post("uploads", json=listed([("a.jpg", b"x")] * 4))
        assert "SCENE_PHONE_MAX_FILES" in problem_of(four, 413)
        large = client.post("uploads", json=listed([("a.jpg", temple + flower + b"x")]))
        assert "SCENE_PHONE_MAX_BYTES" in problem_of(large, 413)
        upload = client.post("uploads", json=listed([("a.jpg", temple)])).json()
        # What is announced counts, and later what has arrived.
        for is_sent in (False, True):
            if is_sent:
                client.put(f"uploads/{upload['id']}/files/0", content=temple)
            again = client.post("uploads", json=listed([("a.jpg", temple)]))
            assert "SCENE_PHONE_MAX_BYTES" in problem_of(again, 413)
        upload = client.post("uploads", json=listed([("b.jpg", flower), ("c.jpg", b"")])).json()
        more = client.post("uploads", json=listed([("d.jpg", b"x")]))
        assert "3 files" in problem_of(more, 413)
        # What was given up does not count.
        client.post(f"uploads/{upload['id']}/end")
        assert client.post("uploads", json=listed([("b.jpg", flower)])).status_code == 201


def test_open_uploads_of_a_code_are_limited(client: TestClient, token: str) -> None:
    made = [
        client.post("uploads", json=listed([("a.jpg", b"x" * 100)])).json()["id"]
        for _ in range(MAX_OPEN)
    ]
    response = client.post("uploads", json=listed([("a.jpg", b"x" * 100)]))
    assert "still expect files" in problem_of(response, 429)
    client.delete(f"uploads/{made[0]}")
    assert client.post("uploads", json=listed([("a.jpg", b"x" * 100)])).status_code == 201


def test_uploads_of_a_code_are_limited(client: TestClient, token: str, phones: Phones) -> None:
    code = phones.codes.find(token)
    for number in range(MAX_UPLOADS):
        assert len(phones.codes.find(token).uploads) == number
        phones.codes.add_upload(code.id, f"{number:032x}")
    response = client.post("uploads", json=listed([("a.jpg", b"x" * 100)]))
    assert "200 uploads" in problem_of(response, 413)


def test_lists_that_cannot_be_read(client: TestClient, token: str) -> None:
    for body in ("", "[]", '{"files": []}', '{"files": [{"path": "a"}]}'):
        problem_of(client.post("uploads", content=body), 400)


def test_numbers_that_cannot_be_read(client: TestClient, token: str, temple: bytes) -> None:
    upload = client.post("uploads", json=listed([("a.jpg", temple)])).json()
    problem_of(client.put(f"uploads/{upload['id']}/files/1", content=b"x"), 404)
    problem_of(client.put(f"uploads/{upload['id']}/files/-1", content=b"x"), 404)
    for after in ("x", "-1", "²", "1" * 30):
        response = client.get(f"uploads/{upload['id']}", params={"after": after})
        assert response.status_code in (200, 400), after
        if response.status_code == 200:
            assert response.json()["results"] == []


def test_a_file_on_its_way_when_the_code_is_ended_is_refused(
    client: TestClient, token: str, phones: Phones, services: Services, temple: bytes
) -> None:
    upload = client.post("uploads", json=listed([("a.jpg", temple), ("b.jpg", temple)])).json()
    code, halfway, is_ended = phones.codes.find(token), threading.Event(), threading.Event()

    def body() -> Iterator[bytes]:
        yield temple[:1000]
        halfway.set()
        assert is_ended.wait(60)
        yield temple[1000:]

    def end() -> None:
        assert halfway.wait(60)
        library = PhoneLibrary(services.uploads, services.jobs)
        phones.uploads.end_code(code.id, "", lambda: library)
        is_ended.set()

    thread = threading.Thread(target=end)
    thread.start()
    response = client.put(f"uploads/{upload['id']}/files/0", content=body())
    thread.join()
    assert response.status_code in (401, 410), response.text
    assert services.jobs.job(upload["id"]).wait(60)
    assert services.library.count() == 0
    assert phones.codes.active() == []


def test_an_upload_goes_on_after_a_restart(
    client: TestClient,
    token: str,
    phones: Phones,
    services: Services,
    tmp_path: Path,
    clock: Clock,
    temple: bytes,
    flower: bytes,
) -> None:
    upload = client.post("uploads", json=listed([("a.jpg", temple), ("b.jpg", flower)])).json()
    client.put(f"uploads/{upload['id']}/files/0", content=temple)
    with client_of(Phones(tmp_path / "codes", lambda _: services, clock)) as restarted:
        restarted.headers.update(bearer(token))
        state = restarted.get(f"uploads/{upload['id']}?files=true").json()
        assert [item["path"] for item in state["missing"]] == ["b.jpg"]
        restarted.put(f"uploads/{upload['id']}/files/1", content=flower)
        assert services.jobs.job(upload["id"]).wait(60)
        assert results_of(restarted, upload["id"])[1] == ("added", "")
    assert services.library.count() == 2


def test_the_page_and_its_files(client: TestClient) -> None:
    for name in PHONE_FILES:
        response = client.get(name)
        assert response.status_code == 200, name
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
    page = client.get("").text
    assert "<style" not in page
    assert "style=" not in page
    manifest = client.get("app.webmanifest").json()
    for icon in manifest["icons"]:
        assert icon["src"] in PHONE_FILES
    assert manifest["share_target"]["action"] == "./share"
    shared = client.post("share", files={"photos": b"x"}, follow_redirects=False)
    assert (shared.status_code, shared.headers["location"]) == (303, "/phone/?shared=lost")
    problem_of(client.get("__init__.py"), 404)
    problem_of(client.get("..%2f..%2fapp.py"), 404)
    problem_of(client.post(""), 405)
