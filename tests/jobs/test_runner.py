"""Batches in the background: a result or a reason per file, cancel, and resume."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.classifier.classify import Classifier, Look
from scene_model.config import Settings
from scene_model.errors import JobNotFound
from scene_model.jobs.incoming import left_behind, receive
from scene_model.jobs.runner import JobState
from scene_model.services import Services, open_services
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
