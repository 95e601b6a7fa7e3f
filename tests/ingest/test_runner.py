"""Background jobs: one outcome for each file, cancel, and resume."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.config import PROJECT_DIR, Settings
from scene_model.errors import JobNotFound, LibraryFull
from scene_model.ingest.incoming import find_unfinished
from scene_model.ingest.new_batch import receive
from scene_model.jobs.job import JobKind, JobState
from scene_model.library.embeddings.backbone_embeddings import Network, embedding_by
from scene_model.library.files.file_system import FileSystem
from scene_model.maintenance.verify import verify
from scene_model.services import Services, open_services
from tests.bundles import other_network, own_head
from tests.pictures import encode, textured

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]

BAD = [
    ("empty.jpg", b"", "empty_file"),
    ("notes.jpg", b"just some text", "not_a_picture"),
    ("film.jpg", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 64, "truncated_photo"),
    ("cut.jpg", encode(textured(200, 200))[:2000], "truncated_photo"),
    ("raw.jpg", b"FUJIFILMCCD-RAW 0201", "damaged_photo"),
]


def test_twenty_with_five_bad_ones(services: Services) -> None:
    good = [(f"{i}.jpg", encode(textured(90, 90, seed=i))) for i in range(15)]
    mixed = [*good[:7], *[(name, data) for name, data, _ in BAD], *good[7:]]
    job = services.jobs.submit(mixed)
    assert job.wait(60)
    progress = job.progress()
    assert (progress.state, progress.total, progress.done) == (JobState.DONE, 20, 20)
    assert len(progress.photo_ids) == services.library.count() == 15
    assert {(s.name, s.code) for s in progress.skipped} == {(n, c) for n, _, c in BAD}
    assert all(s.message for s in progress.skipped)
    assert not list(services.library.incoming_dir.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "<script>alert(1)</script>.jpg",
        "=cmd|'/c calc'!A1.jpg",
        "n" * 300 + ".jpg",
        "🌊🏔️.jpg",
        "\u202egpj.live",
        "a\nb.jpg",
        "",
    ],
)
def test_hostile_names_are_only_names(
    services: Services, name: str, temple: bytes, tmp_path: Path
) -> None:
    before = {p for p in tmp_path.rglob("*") if "library" not in p.parts}
    services.jobs.submit([(name, temple)]).wait(60)
    (record,) = services.library.records(services.library.find())
    assert record.name == name
    assert {p for p in tmp_path.rglob("*") if "library" not in p.parts} == before
    assert services.library.original_path(record.id).read_bytes() == temple


def test_stored_photos_are_not_predicted_again(
    services: Services, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.jobs.submit([("a.jpg", temple)]).wait(60)

    def fail(self: Classifier, data: bytes) -> Prediction:
        raise AssertionError("predicted a stored photo")

    monkeypatch.setattr(Classifier, "predict", fail)
    job = services.jobs.submit([("b.jpg", temple)])
    job.wait(60)
    assert (job.progress().known, job.progress().skipped) == (1, ())


def test_cancel_keeps_the_photos_done(
    services: Services, made_photos: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, begun, go_on = Classifier.predict, threading.Semaphore(0), threading.Event()

    def slow(self: Classifier, data: bytes) -> Prediction:
        begun.release()
        go_on.wait(30)
        return predict(self, data)

    monkeypatch.setattr(Classifier, "predict", slow)
    job = services.jobs.submit(made_photos)
    assert begun.acquire(timeout=30)
    job.cancel()
    go_on.set()
    assert job.wait(60)
    progress = job.progress()
    assert progress.state is JobState.CANCELLED
    assert 1 <= progress.done == services.library.count() < len(made_photos)
    assert not list(services.library.incoming_dir.iterdir())


def test_an_unexpected_error_skips_one_file(
    services: Services, made_photos: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = Classifier.predict

    def sometimes(self: Classifier, data: bytes) -> Prediction:
        if data == made_photos[3][1]:
            raise ZeroDivisionError("a bug")
        return predict(self, data)

    monkeypatch.setattr(Classifier, "predict", sometimes)
    job = services.jobs.submit(made_photos)
    job.wait(60)
    (skipped,) = job.progress().skipped
    assert (skipped.name, skipped.code) == (made_photos[3][0], "internal_error")
    assert "bug" not in skipped.message
    assert services.library.count() == len(made_photos) - 1


def test_an_interrupted_job_is_resumed(
    tmp_path: Path, made_photos: list[tuple[str, bytes]]
) -> None:
    settings = Settings(library=tmp_path / "library", workers=1)
    first = open_services(settings)
    batch = receive(first.library.incoming_dir, made_photos, "2026-01-02T03:04:05+00:00")
    batch.path(batch.files[0]).unlink()  # done before the crash
    batch.lock_file.release()
    (first.library.incoming_dir / "incomplete").mkdir()  # interrupted while it was received
    first.close()
    second = open_services(settings)
    for job in second.jobs.running():
        assert job.wait(60)
    records = list(second.library.records(second.library.find()))
    assert {r.name for r in records} == {name for name, _ in made_photos[1:]}
    assert {r.added_at for r in records} == {"2026-01-02T03:04:05+00:00"}
    assert find_unfinished(second.library.incoming_dir) == []
    assert not (second.library.incoming_dir / "incomplete").exists()
    second.close()


def test_empty_batch_and_unknown_job(services: Services) -> None:
    job = services.jobs.submit([])
    assert job.wait(5)
    assert job.progress().share == 1.0
    with pytest.raises(JobNotFound):
        services.jobs.job("nonsense")


def test_stored_photos_of_a_large_job_are_not_predicted_again(
    services: Services, made_photos: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    services.jobs.submit(made_photos).wait(60)
    predict, predicted = Classifier.predict, list[int]()

    def counted(self: Classifier, data: bytes) -> Prediction:
        predicted.append(len(data))
        return predict(self, data)

    monkeypatch.setattr(Classifier, "predict", counted)
    again = [*made_photos, ("new.jpg", encode(textured(90, 90, seed=99)))]
    job = services.jobs.submit(again)
    assert job.wait(60)
    assert (job.progress().known, len(predicted)) == (12, 1)


def test_a_large_job_does_not_starve_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_services(Settings(library=tmp_path / "library", workers=1))
    many = [(f"many_{i}.jpg", encode(textured(40, 40, seed=i))) for i in range(30)]
    few = [(f"few_{i}.jpg", encode(textured(40, 40, seed=100 + i))) for i in range(3)]
    predict, go_on, order = Classifier.predict, threading.Event(), list[bytes]()

    def delayed(self: Classifier, data: bytes) -> Prediction:
        go_on.wait(30)
        order.append(data)
        return predict(self, data)

    monkeypatch.setattr(Classifier, "predict", delayed)
    large, small = app.jobs.submit(many), app.jobs.submit(few)
    go_on.set()
    assert small.wait(60)
    assert large.wait(60)
    last_of_few = max(order.index(data) for _, data in few)
    assert last_of_few - len(few) < 8, "they take turns"
    app.close()


class FillingDisk(FileSystem):
    """A full disk until `is_full` is False."""

    is_full = True

    def free_bytes(self, folder: Path) -> int:
        return 0 if self.is_full and folder.name == "library" else 10**12


class TestNoRoom:
    """Files without space to be saved stay in the incoming folder."""

    @pytest.fixture
    def app(self, tmp_path: Path) -> Iterator[Services]:
        opened = open_services(Settings(library=tmp_path / "library", workers=2))
        opened.library.file_system = FillingDisk()
        yield opened
        opened.close()

    def test_it_is_saved_by_a_retry(
        self, app: Services, made_photos: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        predicted: list[bytes] = []
        predict = Classifier.predict

        def counted(self: Classifier, data: bytes) -> Prediction:
            predicted.append(data)
            return predict(self, data)

        monkeypatch.setattr(Classifier, "predict", counted)
        job = app.jobs.submit([*made_photos, ("bad.jpg", b"no picture at all")])
        assert job.wait(60)
        progress = job.progress()
        assert (progress.waiting, progress.done, progress.photo_ids) == (13, 13, ())
        assert {skipped.code for skipped in progress.skipped} == {"library_full"}
        assert predicted == [], "nothing is predicted without space to save it"
        assert app.jobs.retry(job.id).wait(60)
        assert app.jobs.job(job.id).progress().waiting == 13
        assert isinstance(app.library.file_system, FillingDisk)
        app.library.file_system.is_full = False
        again = app.jobs.retry(job.id)
        assert again.wait(60)
        progress = app.jobs.job(job.id).progress()
        assert (progress.waiting, progress.done, len(progress.photo_ids)) == (0, 13, 12)
        assert {skipped.code for skipped in progress.skipped} == {"not_a_picture"}
        assert not list(app.library.incoming_dir.iterdir())
        assert app.jobs.retry(job.id).progress() == progress, "no file is waiting"

    def test_a_restart_retries(self, app: Services, made_photos: list[tuple[str, bytes]]) -> None:
        job = app.jobs.submit(made_photos)
        assert job.wait(60)
        app.close()
        second = open_services(app.settings)
        assert second.jobs.job(job.id).wait(60)
        assert second.library.count() == 12
        assert not list(second.library.incoming_dir.iterdir())
        second.close()

    def test_an_upload_without_space_is_refused_whole(
        self, app: Services, made_photos: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(FileSystem, "free_bytes", lambda *_: 1000)
        file_system = FileSystem()
        with pytest.raises(LibraryFull):
            receive(app.library.incoming_dir, made_photos, "now", file_system)
        assert not list(app.library.incoming_dir.iterdir())
        assert not list(app.library.files.new_dir.iterdir())


class TestAfterARestart:
    """Results stay available after a restart, and an interrupted job resumes with its count."""

    def test_a_result_can_be_read(self, services: Services) -> None:
        good = encode(textured(90, 90))
        job = services.jobs.submit([("a.jpg", good), ("b.jpg", good), ("c.jpg", b"none")])
        job.wait(60)
        services.close()
        second = open_services(services.settings)
        restored = second.jobs.job(job.id)
        assert restored.kind is JobKind.ADD
        assert not restored.is_running
        first, again = job.progress(), restored.progress()
        assert again.photo_ids == first.photo_ids
        assert again.skipped == first.skipped
        assert (again.state, again.total, again.done, again.known) == (JobState.DONE, 3, 3, 1)
        assert abs(again.photos_per_s - first.photos_per_s) < 0.01
        assert second.jobs.running() == []
        second.close()

    def test_a_running_job_resumes(
        self, tmp_path: Path, made_photos: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = Settings(library=tmp_path / "library", workers=1)
        first = open_services(settings)
        predict = Classifier.predict

        def slow(self: Classifier, data: bytes) -> Prediction:
            time.sleep(0.05)
            return predict(self, data)

        monkeypatch.setattr(Classifier, "predict", slow)
        job = first.jobs.submit([("bad.jpg", b"no picture"), *made_photos])
        while job.progress().done < 4:
            time.sleep(0.01)
        first.close()
        done = job.progress().done
        assert job.is_running
        second = open_services(settings)
        again = second.jobs.job(job.id)
        assert again.is_running
        assert done <= again.progress().done <= again.progress().total == 13
        assert again.wait(60)
        progress = again.progress()
        assert (len(progress.photo_ids), progress.done, progress.known) == (12, 13, 0)
        assert [skipped.name for skipped in progress.skipped] == ["bad.jpg"]
        second.close()

    def test_a_cancelled_job_stays_cancelled(
        self, tmp_path: Path, made_photos: list[tuple[str, bytes]]
    ) -> None:
        settings = Settings(library=tmp_path / "library", workers=1)
        first = open_services(settings)
        batch = receive(first.library.incoming_dir, made_photos, "2026-01-02T03:04:05+00:00")
        batch.cancel()
        batch.drop(batch.files[0])
        batch.lock_file.release()
        first.close()
        second = open_services(settings)
        job = second.jobs.job(batch.id)
        assert job.wait(60)
        assert job.progress().state is JobState.CANCELLED
        assert second.library.count() == 0
        assert not list(second.library.incoming_dir.iterdir())
        second.close()

    def test_unreadable_results_are_no_jobs(self, services: Services) -> None:
        (services.library.jobs_dir / f"{'a' * 32}.json").write_text('{"kind": "add"')
        (services.library.folder / "secret.json").write_text("{}")
        for job_id in ("a" * 32, "b" * 32, "../secret", ""):
            with pytest.raises(JobNotFound):
                services.jobs.job(job_id)

    def test_the_oldest_results_are_removed(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scene_model.jobs.results.MAX_RESULTS", 3)
        jobs = [services.jobs.submit([]) for _ in range(5)]
        stored = {path.stem for path in services.library.jobs_dir.iterdir()}
        assert len(stored) == 3
        assert jobs[-1].id in stored


def test_two_processes_do_not_resume_the_same_upload(
    services: Services, made_photos: list[tuple[str, bytes]]
) -> None:
    incoming = services.library.incoming_dir
    batch = receive(incoming, made_photos, "2026-01-02T03:04:05+00:00")
    script = (
        "import sys; from pathlib import Path; "
        "from scene_model.ingest.incoming import find_unfinished; "
        "print(len(find_unfinished(Path(sys.argv[1]))))"
    )

    def resumable_elsewhere() -> int:
        done = subprocess.run(
            [sys.executable, "-c", script, str(incoming)],
            capture_output=True,
            text=True,
            check=True,
            cwd=PROJECT_DIR,
        )
        return int(done.stdout)

    assert resumable_elsewhere() == 0
    assert len(list(batch.folder.iterdir())) == 13, "nothing of it was touched"
    batch.lock_file.release()
    assert resumable_elsewhere() == 1
    assert services.jobs.resume()[0].wait(60)


def test_an_unreadable_upload_is_not_removed(services: Services) -> None:
    folder = services.library.incoming_dir / "odd"
    folder.mkdir()
    (folder / "items.json").write_text("[[]]")
    (folder / "000000").write_bytes(b"somebody's photo")
    assert find_unfinished(services.library.incoming_dir) == []
    assert (folder / "000000").exists()


class TestRetag:
    """The library follows a change of models, photo by photo."""

    @pytest.fixture
    def app(
        self, models_dir: Path, tmp_path: Path, made_photos: list[tuple[str, bytes]]
    ) -> Iterator[Services]:
        own_head(models_dir, "mine")
        other_network(models_dir, "whole")
        opened = open_services(Settings(library=tmp_path / "library", workers=1))
        opened.jobs.submit(made_photos).wait(60)
        yield opened
        opened.close()

    def heads(self, app: Services) -> list[str]:
        return sorted(photo.class_head for photo in app.library.records(app.library.find()))

    def test_from_stored_embeddings(self, app: Services) -> None:
        for file in (app.library.folder / "originals").rglob("*.jpg"):
            file.unlink()  # the same network: no original is needed
        app.model_choice.use_bundle("mine")
        job = app.jobs.retag()
        assert job.wait(60)
        progress = job.progress()
        assert (progress.state, progress.done, progress.skipped) == (JobState.DONE, 12, ())
        assert self.heads(app) == ["my_folders"] * 12
        assert app.jobs.retag().progress().total == 0, "every photo is tagged by the model in use"

    def test_from_the_originals(self, app: Services) -> None:
        app.model_choice.use_bundle("whole")
        lost = app.library.find()[0]
        app.library.original_path(lost).unlink()
        job = app.jobs.retag()
        assert job.wait(60)
        (skipped,) = job.progress().skipped
        assert skipped.code == "original_missing"
        assert skipped.name == app.library.photo(lost).name
        assert self.heads(app) == ["my_scenes"] * 11 + ["scenes"]
        assert app.library.tagged_by_other_bundles(app.classifier.bundle_id) == [lost]

    def test_the_search_model_keeps_its_embeddings(self, app: Services) -> None:
        search = app.search_choice
        search.use("scene_mobilenet_v2")
        first = app.library.find()[0]
        before = app.library.embedding(first).values
        app.model_choice.use_bundle("whole")
        assert app.jobs.retag().wait(60)
        state = search.state()
        assert state is not None
        assert state.embeddings is not None
        assert (state.embeddings.embedded, state.embeddings.missing) == (12, 0)
        model = app.model.search
        assert model is not None
        kept = embedding_by(app.library, Network(model.backbone, model.size), first)
        assert kept.tolist() == before.tolist()
        assert not verify(app.library, settle_s=0).problems
        # Back again: one embedding by each network, and no slot lost.
        app.model_choice.use_bundle("scene_mobilenet_v2")
        assert app.jobs.retag().wait(60)
        assert app.library.embedding(first).values.tolist() == before.tolist()
        assert not verify(app.library, settle_s=0).problems

    def test_cancel_and_start_again(self, app: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        app.model_choice.use_bundle("whole")
        predict, begun, go_on = Classifier.predict, threading.Semaphore(0), threading.Event()

        def slow(self: Classifier, data: bytes) -> Prediction:
            begun.release()
            go_on.wait(30)
            return predict(self, data)

        monkeypatch.setattr(Classifier, "predict", slow)
        job = app.jobs.retag()
        assert begun.acquire(timeout=30)
        assert app.jobs.retag() is job, "a second session gets the same job"
        assert app.jobs.running(JobKind.RETAG) == [job]
        assert app.jobs.running(JobKind.ADD) == []
        job.cancel()
        go_on.set()
        assert job.wait(60)
        assert job.progress().state is JobState.CANCELLED
        done = self.heads(app).count("my_scenes")
        assert 1 <= done == job.progress().done < 12
        second_job = app.jobs.retag()
        assert second_job.wait(60)
        assert second_job.progress().total == 12 - done
        assert self.heads(app) == ["my_scenes"] * 12

    def test_interrupted_by_the_end_of_the_program(
        self, app: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app.model_choice.use_bundle("whole")
        predict = Classifier.predict

        def slow(self: Classifier, data: bytes) -> Prediction:
            time.sleep(0.1)
            return predict(self, data)

        monkeypatch.setattr(Classifier, "predict", slow)
        app.jobs.retag()
        app.close()
        second = open_services(app.settings)
        assert second.library.count() == 12
        remaining = second.library.count_tagged_by_other_bundles(second.classifier.bundle_id)
        assert 1 <= remaining < 13
        assert self.heads(second).count("scenes") == remaining
        assert second.jobs.retag().wait(60)
        assert self.heads(second) == ["my_scenes"] * 12
        second.close()

    def test_new_photos_do_not_wait_for_a_retag(
        self, app: Services, temple: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app.model_choice.use_bundle("whole")
        predict, go_on = Classifier.predict, threading.Event()

        def slow(self: Classifier, data: bytes) -> Prediction:
            if data != temple:
                go_on.wait(30)
            return predict(self, data)

        monkeypatch.setattr(Classifier, "predict", slow)
        again = app.jobs.retag()
        assert app.jobs.submit([("temple.jpg", temple)]).wait(20)
        assert again.is_running
        go_on.set()
        assert again.wait(60)
