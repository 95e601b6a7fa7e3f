"""Single photos and batches: in the request, in the background, repeated, too large."""

import io
import json
import threading
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from scene_model.api import inference_queue as inference_queue
from scene_model.api.batches import Batches
from scene_model.classifier.classify import Classifier
from scene_model.config import Settings
from scene_model.errors import ServerBusy
from scene_model.library.store import Library
from tests.api.conftest import client_of, problem_of
from tests.bundles import grouped, other_network
from tests.pictures import encode, textured

Files = list[tuple[str, tuple[str, bytes]]]


def files(*named: tuple[str, bytes]) -> Files:
    return [("files", file) for file in named]


SMALL = encode(textured(200, 150))


def wait_for_end(api: TestClient, location: str) -> dict[str, object]:
    for _ in range(1200):
        job: dict[str, object] = api.get(location).json()
        if job["state"] != "running":
            return job
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def stored_files(settings: Settings) -> list[Path]:
    return [path for path in (settings.library / "batches").rglob("*") if path.is_file()]


def test_one_photo(
    api: TestClient, settings: Settings, temple: bytes, classifier: Classifier
) -> None:
    response = api.post("/api/predict", files={"file": ("töm ple.jpg", temple)})
    assert response.status_code == 200
    body = response.json()
    answers = classifier.predict(temple).head_predictions
    assert list(body) == [
        *("filename", "label", "confidence", "unsure", "probabilities", "class", "group"),
        "bundle",
    ]
    assert body["filename"] == "töm ple.jpg"
    assert body["label"] == answers.class_prediction.label
    assert body["confidence"] == pytest.approx(answers.class_prediction.confidence)
    assert body["unsure"] == answers.class_prediction.unsure
    assert body["class"] == answers.photo_class.label
    assert body["group"] == (answers.group and answers.group.believed_label)
    assert body["bundle"] == classifier.bundle_id
    assert list(body["probabilities"]) == list(classifier.heads["scenes"].labels.ids)
    assert sum(body["probabilities"].values()) == pytest.approx(1.0)
    assert stored_files(settings) == []


@pytest.mark.parametrize(("threshold", "group"), [(0.4, "plants"), (1.0, "unsure")])
def test_one_photo_with_a_group(
    settings: Settings, tmp_path: Path, flower: bytes, threshold: float, group: str
) -> None:
    bundle = grouped(tmp_path / "models", confidence_threshold=threshold)
    with client_of(settings.model_copy(update={"bundle": bundle})) as api:
        body = api.post("/api/predict", files={"file": ("a.jpg", flower)}).json()
    assert body["group"] == group


def test_one_photo_by_a_model_without_groups(
    settings: Settings, tmp_path: Path, flower: bytes
) -> None:
    bundle = other_network(tmp_path / "models")
    with client_of(settings.model_copy(update={"bundle": bundle})) as api:
        body = api.post("/api/predict", files={"file": ("a.jpg", flower)}).json()
    assert body["group"] is None


def test_one_photo_with_another_head(api: TestClient, temple: bytes) -> None:
    form = {"file": ("a.jpg", temple)}
    body = api.post("/api/predict", params={"head": "camera"}, files=form).json()
    assert len(body["probabilities"]) == 36
    assert "scenes" in problem_of(api.post("/api/predict?head=moods", files=form), 400)


def test_unusable_photos(api: TestClient, temple: bytes) -> None:
    def refused(data: bytes, status: int) -> str:
        return problem_of(api.post("/api/predict", files={"file": ("a.jpg", data)}), status)

    assert "0 bytes" in refused(b"", 422)
    assert "not a picture" in refused(b"hello", 415)
    assert "cut short" in refused(temple[:9000], 422)
    assert "SCENE_MAX_FILE_BYTES" in refused(bytes(500_000), 413)
    assert "SCENE_MAX_FILE_BYTES" in refused(bytes(5_000_000), 413)
    large = encode(Image.new("RGB", (1200, 1000)))
    assert "SCENE_MAX_PIXELS" in refused(large, 413)


def test_requests_without_a_file(api: TestClient) -> None:
    for path, field in (("/api/predict", "file"), ("/api/predict/batch", "files")):
        assert f"{field}:" in problem_of(api.post(path), 422)
        assert f"{field}:" in problem_of(api.post(path, json={"a": 1}), 422)
        assert f"{field}:" in problem_of(api.post(path, files={"other": ("a.jpg", b"x")}), 422)
        head = {"content-type": "multipart/form-data; boundary=x"}
        for body in (b"", b"nonsense", b'--x\r\ncontent-disposition: form-data; name="files"\r\n'):
            problem_of(api.post(path, content=body, headers=head), 400)


def test_a_batch(api: TestClient, temple: bytes, flower: bytes, settings: Settings) -> None:
    sent = files(
        ("b/temple.jpg", temple), ("note.txt", b"hello"), ("flower.jpg", flower), ("", temple)
    )
    response = api.post("/api/predict/batch", files=sent)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["job_id", "summary", "results", "download_url"]
    # A part without a file name is accepted as a file.
    assert [item["filename"] for item in body["results"]] == [
        *("b/temple.jpg", "note.txt", "flower.jpg", "")
    ]
    for item in body["results"]:
        assert list(item) == ["filename", "label", "confidence", "unsure", "class", "error"]
    first, note, second, _ = body["results"]
    assert note["error"]["code"] == "not_a_picture"
    assert note["class"] is None
    assert first["error"] is None
    assert body["summary"] == {"total": 4, "by_class": {first["class"]: 2, second["class"]: 1}}
    assert body["download_url"] == f"/api/download/{body['job_id']}"

    download = api.get(body["download_url"])
    archive = zipfile.ZipFile(io.BytesIO(download.content))
    assert archive.namelist() == [
        "manifest.csv",
        f"{first['class']}/temple.jpg",
        f"{second['class']}/flower.jpg",
        f"{first['class']}/photo",
    ]
    assert archive.read(f"{second['class']}/flower.jpg") == flower
    assert "not_a_picture" in archive.read("manifest.csv").decode()
    job = api.get(f"/api/jobs/{body['job_id']}").json()
    assert (job["state"], job["done"], job["failed"]) == ("done", 4, 1)
    assert job["results"] == body["results"]
    with Library(settings.library) as library:
        assert library.count() == 0


def test_a_batch_of_more_than_a_thousand_parts(api: TestClient) -> None:
    photo = encode(textured(40, 30), quality=30)
    sent = [("a.jpg", photo), *[("b.jpg", b"no photo")] * 1_198, ("c.jpg", photo)]
    body = api.post("/api/predict/batch", files=files(*sent)).json()
    assert body["summary"]["total"] == 1_200
    assert sum(body["summary"]["by_class"].values()) == 2
    assert [number for number, r in enumerate(body["results"]) if not r["error"]] == [0, 1_199]


def test_limits_of_a_batch(api: TestClient, temple: bytes, settings: Settings) -> None:
    def refused(sent: Files) -> str:
        return problem_of(api.post("/api/predict/batch", files=sent), 413)

    assert "SCENE_MAX_BATCH_FILES" in refused(files(*[("a.jpg", b"x")] * 1_501))
    assert "SCENE_MAX_BATCH_BYTES" in refused(files(*[("a.jpg", bytes(390_000))] * 30))
    # A file over the limit of one file fails alone.
    sent = files(("big.jpg", bytes(400_001)), ("a.jpg", temple))
    big, other = api.post("/api/predict/batch", files=sent).json()["results"]
    assert big["error"]["code"] == "file_too_large"
    assert "SCENE_MAX_FILE_BYTES" in big["error"]["message"]
    assert other["error"] is None
    # Refused requests leave no files.
    assert len(list((settings.library / "batches").iterdir())) == 1


def test_a_batch_in_the_background(api: TestClient) -> None:
    sent = files(*[(f"{i}.jpg", SMALL) for i in range(20)])
    response = api.post("/api/predict/batch?background=true", files=sent)
    assert response.status_code == 202
    location = response.headers["location"]
    assert response.json() == {"job_id": location.split("/")[-1], "status_url": location}
    assert location.startswith("/api/jobs/")
    job = wait_for_end(api, location)
    assert (job["state"], job["done"]) == ("done", 20)
    assert api.get(str(job["download_url"])).status_code == 200


def test_cancelling_a_batch(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    predict = Classifier.predict

    def slow(self: Classifier, data: bytes) -> object:
        go_on.wait(60)
        return predict(self, data)

    monkeypatch.setattr(Classifier, "predict", slow)
    sent = files(*[(f"{i}.jpg", SMALL) for i in range(30)])
    location = api.post("/api/predict/batch?background=true", files=sent).headers["location"]
    running = api.get(location).json()
    assert (running["state"], running["results"]) == ("running", None)
    problem_of(api.get(location.replace("jobs", "download")), 409)
    assert api.delete(location).status_code == 200
    go_on.set()
    job = wait_for_end(api, location)
    assert job["state"] == "cancelled"
    results = job["results"]
    assert isinstance(results, list)
    assert len(results) == 30
    assert results[-1]["error"]["code"] == "cancelled"
    # Cancelling again changes nothing.
    assert api.delete(location).json()["state"] == "cancelled"


@pytest.mark.parametrize("job_id", ["0" * 32, "..", "x", "0" * 31 + "/", "%2e%2e%2fkeys"])
def test_unknown_jobs(api: TestClient, job_id: str) -> None:
    problem_of(api.get(f"/api/jobs/{job_id}"), 404)
    problem_of(api.delete(f"/api/jobs/{job_id}"), 404)
    problem_of(api.get(f"/api/download/{job_id}"), 404)


def test_a_batch_is_found_after_a_restart_and_nowhere_else(
    settings: Settings, temple: bytes, tmp_path: Path
) -> None:
    with client_of(settings) as api:
        body = api.post("/api/predict/batch", files=files(("a.jpg", temple))).json()
    with client_of(settings) as api:
        assert api.get(f"/api/jobs/{body['job_id']}").json()["results"] == body["results"]
        assert api.get(body["download_url"]).status_code == 200
    other = settings.model_copy(update={"library": tmp_path / "another"})
    with client_of(other) as api:
        problem_of(api.get(f"/api/jobs/{body['job_id']}"), 404)


def test_stopping_the_server_ends_a_batch_with_partial_results(settings: Settings) -> None:
    sent = files(*[(f"{i}.jpg", SMALL) for i in range(300)])
    with client_of(settings) as api:
        location = api.post("/api/predict/batch?background=true", files=sent).headers["location"]
    with client_of(settings) as api:
        job = api.get(location).json()
    assert job["state"] == "cancelled"
    assert job["done"] < 300


def test_a_batch_expires(settings: Settings, temple: bytes) -> None:
    short = settings.model_copy(update={"batch_lifetime_s": 3})
    with client_of(short) as api:
        body = api.post("/api/predict/batch", files=files(("a.jpg", temple))).json()
        for _ in range(400):
            if not list((settings.library / "batches").iterdir()):
                break
            time.sleep(0.05)
        assert stored_files(settings) == []
        problem_of(api.get(body["download_url"]), 404)
        problem_of(api.get(f"/api/jobs/{body['job_id']}"), 404)


def test_a_repeated_request(api: TestClient, temple: bytes, flower: bytes) -> None:
    def send(key: str, *named: tuple[str, bytes], query: str = "") -> object:
        response = api.post(
            f"/api/predict/batch{query}", files=files(*named), headers={"Idempotency-Key": key}
        )
        return response.json().get("job_id", response)

    first = send("k1", ("a.jpg", temple))
    assert send("k1", ("a.jpg", temple)) == first
    assert send("k1", ("a.jpg", temple), query="?background=true") == first
    assert send("k2", ("a.jpg", temple)) != first
    for other in ([("a.jpg", flower)], [("b.jpg", temple)], [("a.jpg", temple)] * 2):
        response = api.post(
            "/api/predict/batch", files=files(*other), headers={"Idempotency-Key": "k1"}
        )
        assert "Idempotency-Key" in problem_of(response, 422)


def test_a_batch_enters_the_library_when_asked(
    api: TestClient, temple: bytes, flower: bytes
) -> None:
    sent = files(("a.jpg", temple), ("b.jpg", flower), ("c.txt", b"no"))
    body = api.post("/api/predict/batch?add_to_library=true", files=sent).json()
    plain = api.post("/api/predict/batch", files=sent).json()
    assert body["results"] == plain["results"]
    listed = api.get("/api/photos", params={"sort": "name"}).json()
    assert [photo["name"] for photo in listed["photos"]] == ["a.jpg", "b.jpg"]


def test_a_full_queue_sends_retry_after(
    settings: Settings, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    predict = Classifier.predict

    def slow(self: Classifier, data: bytes) -> object:
        begun.set()
        go_on.wait(60)
        return predict(self, data)

    monkeypatch.setattr(Classifier, "predict", slow)
    narrow = settings.model_copy(update={"max_waiting": 0, "workers": 1, "max_batches": 1})
    with client_of(narrow) as api:
        form = {"file": ("a.jpg", temple)}
        answers: list[int] = []
        waiting = threading.Thread(
            target=lambda: answers.append(api.post("/api/predict", files=form).status_code)
        )
        waiting.start()
        begun.wait(60)
        response = api.post("/api/predict", files=form)
        assert "SCENE_MAX_WAITING" in problem_of(response, 429)
        assert int(response.headers["retry-after"]) >= 1
        batch = files(("a.jpg", temple))
        api.post("/api/predict/batch?background=true", files=batch)
        response = api.post("/api/predict/batch", files=batch)
        assert "SCENE_MAX_BATCHES" in problem_of(response, 429)
        assert int(response.headers["retry-after"]) >= 1
        assert api.get("/api/health").status_code == 200
        go_on.set()
        waiting.join()
        assert answers == [200]


def test_a_single_photo_does_not_wait_for_a_batch() -> None:
    order: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go_on.wait(60)

    line = inference_queue.InferenceQueue(workers=1, max_waiting=10)
    line.submit_batch("batch", [first, *[lambda: order.append("batch")] * 50])
    begun.wait(60)
    (single,) = line.submit([lambda: order.append("single")])
    go_on.set()
    single.result(60)
    assert order.index("single") <= 1
    line.close()


def test_owners_take_turns_and_one_may_not_fill_the_line() -> None:
    order: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go_on.wait(60)

    line = inference_queue.InferenceQueue(workers=1, max_waiting=40, max_per_owner=10)
    line.submit_batch("a", [first], "crowd")
    begun.wait(60)
    line.submit_batch("b", [lambda: order.append("batch")] * 50, "crowd")
    waiting = line.submit([lambda: order.append("crowd")] * 11, "crowd")
    with pytest.raises(ServerBusy, match="11 photos of yours are waiting; the limit is 10"):
        line.require_room(owner="crowd")
    (single,) = line.submit([lambda: order.append("single")], "one")
    go_on.set()
    single.result(60)
    assert order.index("single") <= 1
    for future in waiting:
        future.result(60)
    line.require_room(owner="crowd")
    line.close()


def test_one_library_may_not_take_every_batch(tmp_path: Path) -> None:
    line = inference_queue.InferenceQueue(workers=1, max_waiting=1)
    batches = Batches(line, max_batches=3, lifetime_s=60, max_per_owner=2)
    mine = [batches.begin(tmp_path / "crowd") for _ in range(2)]
    with pytest.raises(ServerBusy, match="2 of them yours"):
        batches.begin(tmp_path / "crowd")
    batches.begin(tmp_path / "one")
    batches.discard(mine[0])
    batches.begin(tmp_path / "crowd")
    line.close()
    batches.close()


def test_a_result_is_returned_even_if_it_cannot_be_written(
    api: TestClient, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    body = api.post("/api/predict/batch", files=files(("a.jpg", temple))).json()
    assert body["results"][0]["error"] is None


def test_unreadable_keys_on_disk_are_ignored(settings: Settings, temple: bytes) -> None:
    with client_of(settings) as api:
        junk = settings.library / "batches" / "junk"
        junk.mkdir(parents=True)
        (junk / "key.json").write_text("{", encoding="utf-8")
        (junk / "result.json").write_text(json.dumps({"state": "done"}), encoding="utf-8")
        headers = {"Idempotency-Key": "a"}
        sent = files(("a.jpg", temple))
        assert api.post("/api/predict/batch", files=sent, headers=headers).status_code == 200


def test_batches_of_a_server_that_stops_are_refused(tmp_path: Path) -> None:
    line = inference_queue.InferenceQueue(workers=1, max_waiting=1)
    batches = Batches(line, max_batches=1, lifetime_s=60)
    line.close()
    batches.close()
    with pytest.raises(ServerBusy):
        batches.begin(tmp_path)
