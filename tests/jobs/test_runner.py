"""Batches in the background: a result or a reason per file, cancel, and resume."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scene_model.classifier.classify import Classifier, Look
from scene_model.config import Settings
from scene_model.errors import JobNotFound
from scene_model.jobs.incoming import left_behind, receive
from scene_model.jobs.job import JobKind, JobState
from scene_model.services import Services, open_services
from tests.bundles import other_network, own_head
from tests.pictures import encode, textured

Add = Callable[[list[tuple[str, bytes]]], list[str]]

BAD = [
    ("empty.jpg", b"", "empty_file"),
    ("notes.jpg", b"just some text", "not_a_picture"),
    ("film.jpg", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 64, "video_file"),
    ("cut.jpg", encode(textured(200, 200))[:2000], "truncated_photo"),
    ("raw.jpg", b"FUJIFILMCCD-RAW 0201", "unsupported_picture"),
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


def test_known_photos_cost_no_look(
    services: Services, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.jobs.submit([("a.jpg", temple)]).wait(60)

    def never(self: Classifier, data: bytes) -> Look:
        raise AssertionError("looked at a known photo")

    monkeypatch.setattr(Classifier, "look", never)
    job = services.jobs.submit([("b.jpg", temple)])
    job.wait(60)
    assert (job.progress().known, job.progress().skipped) == (1, ())


def test_cancel_keeps_what_is_done(
    services: Services, made_photos: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    look, seen, go_on = Classifier.look, threading.Semaphore(0), threading.Event()

    def slow(self: Classifier, data: bytes) -> Look:
        seen.release()
        go_on.wait(30)
        return look(self, data)

    monkeypatch.setattr(Classifier, "look", slow)
    job = services.jobs.submit(made_photos)
    assert seen.acquire(timeout=30)
    job.cancel()
    go_on.set()
    assert job.wait(60)
    progress = job.progress()
    assert progress.state is JobState.CANCELLED
    assert 1 <= progress.done == services.library.count() < len(made_photos)
    assert not list(services.library.incoming_dir.iterdir())


def test_an_unforeseen_fault_is_one_files_fault(
    services: Services, made_photos: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Classifier.look

    def sometimes(self: Classifier, data: bytes) -> Look:
        if data == made_photos[3][1]:
            raise ZeroDivisionError("a bug")
        return look(self, data)

    monkeypatch.setattr(Classifier, "look", sometimes)
    job = services.jobs.submit(made_photos)
    job.wait(60)
    (skipped,) = job.progress().skipped
    assert (skipped.name, skipped.code) == (made_photos[3][0], "internal_error")
    assert "bug" not in skipped.message
    assert services.library.count() == len(made_photos) - 1


def test_a_stopped_run_is_taken_up(tmp_path: Path, made_photos: list[tuple[str, bytes]]) -> None:
    settings = Settings(library=tmp_path / "library", workers=1)
    first = open_services(settings)
    batch = receive(first.library.incoming_dir, made_photos, "2026-01-02T03:04:05+00:00")
    batch.path(batch.files[0]).unlink()  # done before the crash
    batch.claim.release()
    (first.library.incoming_dir / "halfway").mkdir()  # cut off while it was received
    first.close()
    second = open_services(settings)
    for job in second.jobs.running():
        assert job.wait(60)
    records = list(second.library.records(second.library.find()))
    assert {r.name for r in records} == {name for name, _ in made_photos[1:]}
    assert {r.added_at for r in records} == {"2026-01-02T03:04:05+00:00"}
    assert left_behind(second.library.incoming_dir) == []
    assert not (second.library.incoming_dir / "halfway").exists()
    second.close()


def test_empty_batch_and_unknown_job(services: Services) -> None:
    job = services.jobs.submit([])
    assert job.wait(5)
    assert job.progress().share == 1.0
    with pytest.raises(JobNotFound):
        services.jobs.job("nonsense")


class TestTaggingAgain:
    """The library follows a change of models, photo by photo."""

    @pytest.fixture
    def app(
        self, shelf: Path, tmp_path: Path, made_photos: list[tuple[str, bytes]]
    ) -> Iterator[Services]:
        own_head(shelf, "mine")
        other_network(shelf, "whole")
        opened = open_services(Settings(library=tmp_path / "library", workers=1))
        opened.jobs.submit(made_photos).wait(60)
        yield opened
        opened.close()

    def heads(self, app: Services) -> list[str]:
        return sorted(photo.class_head for photo in app.library.records(app.library.find()))

    def test_from_what_was_kept(self, app: Services) -> None:
        for file in (app.library.folder / "originals").rglob("*.jpg"):
            file.unlink()  # the same network: nothing has to be looked at
        app.use_bundle("mine")
        job = app.jobs.tag_again()
        assert job.wait(60)
        progress = job.progress()
        assert (progress.state, progress.done, progress.skipped) == (JobState.DONE, 12, ())
        assert self.heads(app) == ["my_folders"] * 12
        assert app.jobs.tag_again().progress().total == 0, "nothing is left to do"

    def test_from_the_originals(self, app: Services) -> None:
        app.use_bundle("whole")
        lost = app.library.find()[0]
        app.library.original_path(lost).unlink()
        job = app.jobs.tag_again()
        assert job.wait(60)
        (skipped,) = job.progress().skipped
        assert skipped.code == "original_missing"
        assert skipped.name == app.library.photo(lost).name
        assert self.heads(app) == ["my_scenes"] * 11 + ["scenes"]
        assert app.library.answered_by_others(app.classifier.bundle_id) == [lost]

    def test_cancel_and_go_on(self, app: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        app.use_bundle("whole")
        look, seen, go_on = Classifier.look, threading.Semaphore(0), threading.Event()

        def slow(self: Classifier, data: bytes) -> Look:
            seen.release()
            go_on.wait(30)
            return look(self, data)

        monkeypatch.setattr(Classifier, "look", slow)
        job = app.jobs.tag_again()
        assert seen.acquire(timeout=30)
        assert app.jobs.tag_again() is job, "a second session joins in"
        assert app.jobs.running(JobKind.TAG_AGAIN) == [job]
        assert app.jobs.running(JobKind.ADD) == []
        job.cancel()
        go_on.set()
        assert job.wait(60)
        assert job.progress().state is JobState.CANCELLED
        done = self.heads(app).count("my_scenes")
        assert 1 <= done == job.progress().done < 12
        rest = app.jobs.tag_again()
        assert rest.wait(60)
        assert rest.progress().total == 12 - done
        assert self.heads(app) == ["my_scenes"] * 12

    def test_cut_off_by_the_end_of_the_program(
        self, app: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app.use_bundle("whole")
        look = Classifier.look

        def slow(self: Classifier, data: bytes) -> Look:
            time.sleep(0.1)
            return look(self, data)

        monkeypatch.setattr(Classifier, "look", slow)
        app.jobs.tag_again()
        app.close()
        second = open_services(app.settings)
        assert second.library.count() == 12
        left = second.library.count_answered_by_others(second.classifier.bundle_id)
        assert 1 <= left < 13
        assert self.heads(second).count("scenes") == left
        assert second.jobs.tag_again().wait(60)
        assert self.heads(second) == ["my_scenes"] * 12
        second.close()

    def test_new_photos_do_not_wait_behind_the_library(
        self, app: Services, temple: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app.use_bundle("whole")
        look, go_on = Classifier.look, threading.Event()

        def slow(self: Classifier, data: bytes) -> Look:
            if data != temple:
                go_on.wait(30)
            return look(self, data)

        monkeypatch.setattr(Classifier, "look", slow)
        again = app.jobs.tag_again()
        assert app.jobs.submit([("temple.jpg", temple)]).wait(20)
        assert again.is_running
        go_on.set()
        assert again.wait(60)
