"""The upload routes over HTTP."""

import errno
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from scene_model.api import create_api
from scene_model.api.access.guard import SameSiteGuard
from scene_model.library.files.file_system import FileSystem
from scene_model.services import Services, open_services


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


def test_a_file_comes_in_parts(client: TestClient, services: Services, temple: bytes) -> None:
    files = [{"path": "temple.jpg", "size": len(temple)}]
    upload = client.post("/api/uploads", json={"files": files}).json()
    url, half = f"/api/uploads/{upload['id']}", len(temple) // 2

    def received() -> int:
        missing = client.get(url, params={"files": True}).json()["missing"]
        return int(missing[0]["received"])

    def part(start: int, content: object) -> tuple[int, str]:
        answer = client.put(f"{url}/files/0?offset={start}", content=content)  # type: ignore[arg-type]
        return answer.status_code, answer.json().get("type", "")

    assert part(0, temple[:half]) == (200, "")
    assert received() == half
    out_of_order = (409, "urn:scene-gallery:part_out_of_order")
    assert part(0, temple[:half]) == out_of_order  # its answer was lost
    assert part(half + 1, temple[half + 1 :]) == out_of_order
    assert part(half, iter([temple[half:], b"more"]))[0] == 400
    assert received() == half
    assert part(-1, b"x")[0] == 422
    assert part(half, temple[half:]) == (200, "")
    assert services.jobs.job(upload["id"]).wait(60)
    (photo_id,) = services.library.find()
    assert services.library.original_path(photo_id).read_bytes() == temple


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def parts_of_takeout(temple: bytes, flower: bytes) -> dict[str, bytes]:
    facts = {"title": "temple.jpg", "photoTakenTime": {"timestamp": "1500000000"}}
    folder = "Takeout/Google Photos/Photos from 2017"
    return {
        "takeout-20240101T000000Z-001.zip": zip_of(
            {f"{folder}/temple.jpg": temple, f"{folder}/readme.txt": b"x"}
        ),
        "takeout-20240101T000000Z-002.zip": zip_of(
            {
                f"{folder}/temple.jpg.json": json.dumps(facts).encode(),
                f"{folder}/flower.jpg": flower,
            }
        ),
    }


def test_archives_are_added_together_when_all_have_come(
    client: TestClient, services: Services, temple: bytes, flower: bytes
) -> None:
    archives = parts_of_takeout(temple, flower)
    files = [
        {"path": f"{i}/{name}", "size": len(d)} for i, (name, d) in enumerate(archives.items())
    ]
    upload = client.post("/api/uploads", json={"files": files}).json()
    assert len(upload["missing"]) == 2
    url = f"/api/uploads/{upload['id']}"
    for number, data in enumerate(archives.values()):
        assert client.put(f"{url}/files/{number}", content=data).status_code == 200
    assert services.jobs.job(upload["id"]).wait(60)
    export = client.get(url).json()["next"]
    assert services.jobs.job(export).wait(60)
    progress = client.get(f"/api/uploads/{export}", params={"files": True}).json()
    assert (progress["total"], progress["reasons"]) == (2, [])
    photos = {photo.name: photo for photo in services.library.records(services.library.find())}
    assert set(photos) == {"temple.jpg", "flower.jpg"}
    assert str(photos["temple.jpg"].taken_at).startswith("2017-07-1")
    assert list((services.library.folder / "archives").iterdir()) == []
    assert not list(services.library.incoming_dir.iterdir())


def test_archives_beside_photos_and_broken_ones_are_named(
    client: TestClient, services: Services, temple: bytes
) -> None:
    files = [{"path": "a.zip", "size": 5}, {"path": "temple.jpg", "size": len(temple)}]
    upload = client.post("/api/uploads", json={"files": files}).json()
    assert "without photos beside them" in upload["reasons"][0]["message"]
    client.delete(f"/api/uploads/{upload['id']}")
    upload = client.post("/api/uploads", json={"files": files[:1]}).json()
    client.put(f"/api/uploads/{upload['id']}/files/0", content=b"a ZIP")
    assert services.jobs.job(upload["id"]).wait(60)
    export = client.get(f"/api/uploads/{upload['id']}").json()["next"]
    assert services.jobs.job(export).wait(60)
    (reason,) = client.get(f"/api/uploads/{export}", params={"files": True}).json()["reasons"]
    assert (reason["name"], reason["code"]) == ("a.zip", "archive_damaged")
    assert list((services.library.folder / "archives").iterdir()) == []


class SlowList(FileSystem):
    """Waits before the list of a job is written."""

    def __init__(self) -> None:
        self.is_reached, self.may_go_on = threading.Event(), threading.Event()

    def before_step(self, step: str, path: Path) -> None:
        if (step, path.name) == ("write", "items.json"):
            self.is_reached.set()
            assert self.may_go_on.wait(30)


def test_an_upload_runs_until_the_job_of_its_archives_is_known(
    client: TestClient, services: Services, temple: bytes
) -> None:
    archive = zip_of({"temple.jpg": temple})
    files = [{"path": "a.zip", "size": len(archive)}]
    upload = client.post("/api/uploads", json={"files": files}).json()
    url, slow = f"/api/uploads/{upload['id']}", SlowList()
    services.library.file_system = slow
    client.put(f"{url}/files/0", content=archive)
    assert slow.is_reached.wait(30)
    progress = client.get(url).json()
    assert (progress["state"], progress["done"], "next" in progress) == ("running", 1, False)
    slow.may_go_on.set()
    assert services.jobs.job(upload["id"]).wait(60)
    progress = client.get(url).json()
    assert progress["state"] == "done"
    assert services.jobs.job(progress["next"]).wait(60)


class NoNewJob(FileSystem):
    """Has no room for the list of a job."""

    def before_step(self, step: str, path: Path) -> None:
        if (step, path.name) == ("write", "items.json"):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))


def test_archives_that_cannot_be_read_now_are_named_and_read_after_a_restart(
    client: TestClient, services: Services, temple: bytes
) -> None:
    archive = zip_of({"temple.jpg": temple})
    files = [{"path": "a.zip", "size": len(archive)}]
    upload = client.post("/api/uploads", json={"files": files}).json()
    url = f"/api/uploads/{upload['id']}"
    services.library.file_system = NoNewJob()
    client.put(f"{url}/files/0", content=archive)
    assert services.jobs.job(upload["id"]).wait(60)
    (reason,) = client.get(url, params={"files": True}).json()["reasons"]
    assert (reason["name"], reason["code"]) == ("a.zip", "library_full")
    assert "read after the next start" in reason["message"]
    again = open_services(services.settings, decoders=services.library.decoders)
    try:
        assert again.jobs.job(upload["id"]).wait(60)
        assert again.jobs.job(str(again.jobs.next_job(upload["id"]))).wait(60)
        assert again.library.count() == 1
    finally:
        again.close()


def test_another_process_leaves_the_archives_of_a_running_upload(
    client: TestClient, services: Services, temple: bytes, flower: bytes
) -> None:
    archives = [zip_of({"temple.jpg": temple}), zip_of({"flower.jpg": flower})]
    files = [{"path": f"{i}.zip", "size": len(data)} for i, data in enumerate(archives)]
    upload = client.post("/api/uploads", json={"files": files}).json()
    url = f"/api/uploads/{upload['id']}"
    client.put(f"{url}/files/0", content=archives[0])
    while client.get(url).json()["done"] < 1:
        time.sleep(0.02)
    open_services(services.settings, decoders=services.library.decoders).close()
    client.put(f"{url}/files/1", content=archives[1])
    assert services.jobs.job(upload["id"]).wait(60)
    assert services.jobs.job(client.get(url).json()["next"]).wait(60)
    assert services.library.count() == 2


def test_archives_of_a_server_that_was_killed_are_added_once(
    client: TestClient, services: Services, temple: bytes, flower: bytes
) -> None:
    archives = parts_of_takeout(temple, flower)
    files = [{"path": name, "size": len(data)} for name, data in archives.items()]
    upload = client.post("/api/uploads", json={"files": files}).json()
    url = f"/api/uploads/{upload['id']}"
    first, second = archives.values()
    assert client.put(f"{url}/files/0", content=first).status_code == 200
    assert client.put(f"{url}/files/1?offset=0", content=second[:100]).status_code == 200
    services.jobs.close()
    # Another process takes over: with what has arrived, and how much of the rest.
    again = open_services(services.settings, decoders=services.library.decoders)
    try:
        assert again.uploads.received_bytes(upload["id"]) == {1: 100}
        target = again.uploads.begin_part(upload["id"], 1, 100)
        assert target is not None
        with target.open("ab") as file:
            file.write(second[100:])
        assert again.uploads.finish_part(upload["id"], 1, target)
        again.uploads.leave_part(target)
        assert again.jobs.job(upload["id"]).wait(60)
        assert again.jobs.job(str(again.jobs.next_job(upload["id"]))).wait(60)
        assert again.library.count() == 2
        assert list((again.library.folder / "archives").iterdir()) == []
    finally:
        again.close()
