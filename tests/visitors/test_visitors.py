"""Visitors' libraries: separate, limited, served fairly, and removed after expiry."""

import threading
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.errors import NotForVisitors, QuotaExceeded, SceneError, VisitorUnknown
from scene_model.ingest.announced import Announced
from scene_model.learning.taught_tags import fit_tag, save_taught_tag
from scene_model.visitors.usage import Usage
from scene_model.visitors.visitors import Visitors
from tests.pictures import encode, textured
from tests.visitors.conftest import Clock

pytestmark = pytest.mark.slow

A, B, C = "a" * 64, "b" * 64, "c" * 64


def test_visitors_have_separate_libraries_and_one_model(visitors: Visitors, temple: bytes) -> None:
    first, second = visitors.services(A), visitors.services(B)
    assert first.jobs.submit([("t.jpg", temple)]).wait(60)
    assert first.library.count() == 1
    assert second.library.count() == 0
    assert first.model is second.model
    assert visitors.services(A) is first


@pytest.mark.parametrize("owner", [None, "", "..", "A" * 64, f"{A}/..", A[:-1]])
def test_an_invalid_owner_has_no_library(visitors: Visitors, owner: str | None) -> None:
    with pytest.raises(VisitorUnknown):
        visitors.services(owner)


def test_expiry_removes_everything(
    visitors: Visitors, clock: Clock, shared_settings: Settings, temple: bytes
) -> None:
    assert visitors.services(A).jobs.submit([("t.jpg", temple)]).wait(60)
    clock.now += 23 * 3600
    visitors.services(B)
    assert visitors.sweep() == []
    clock.now += 3600
    with visitors.present(A):
        assert visitors.sweep() == []  # a download in progress counts as a visit
    clock.now += 24 * 3600
    visitors.services(B)
    assert visitors.sweep() == [A]
    files = [p for p in shared_settings.visitors.rglob("*") if p.is_file()]
    assert all(p.name == "secret" or {B, "empty"} & {*p.parts} for p in files)
    assert not [p for p in files if p.read_bytes() == temple]
    assert visitors.services(A).library.count() == 0


def test_an_expired_library_is_not_opened_before_the_sweep(
    visitors: Visitors, clock: Clock, temple: bytes
) -> None:
    services = visitors.services(A)
    assert services.jobs.submit([("t.jpg", temple)]).wait(60)
    clock.now += 24 * 3600
    assert visitors.services(A) is not services
    assert visitors.services(A).library.count() == 0


def test_expiry_cancels_running_jobs(visitors: Visitors, clock: Clock) -> None:
    uploads = visitors.services(A).uploads
    job = uploads.announce([Announced("never.jpg", 1000)])
    clock.now += 24 * 3600
    assert visitors.sweep() == [A]
    assert job.is_cancelled


def test_libraries_of_inactive_visitors_are_closed(
    visitors: Visitors, clock: Clock, temple: bytes
) -> None:
    inactive, busy, present = (visitors.services(owner) for owner in (A, B, C))
    assert inactive.jobs.submit([("t.jpg", temple)]).wait(60)
    busy.uploads.announce([Announced("later.jpg", 1000)])
    clock.now += 1000
    with visitors.present(C):
        assert visitors.close_inactive() == [A]
    assert visitors.services(B) is busy
    assert visitors.services(C) is present
    reopened = visitors.services(A)
    assert reopened is not inactive
    assert reopened.library.count() == 1
    assert visitors.close_inactive() == []


def test_an_idle_upload_is_ended(visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    job = visitors.services(A).uploads.announce([Announced("never.jpg", 1000)])
    visitors.close_inactive()
    assert job.is_running
    monkeypatch.setattr("scene_model.ingest.uploads.IDLE_S", -1.0)
    visitors.close_inactive()
    assert job.wait(10)
    assert [s.code for s in job.progress().skipped] == ["upload_incomplete"]


def test_a_start_finishes_interrupted_removals(shared_settings: Settings, clock: Clock) -> None:
    originals = shared_settings.visitors / "removed" / "x" / "library" / "originals"
    originals.mkdir(parents=True)
    (originals / "p.jpg").write_bytes(b"private")
    Visitors(shared_settings, clock, clock).close()
    assert not list((shared_settings.visitors / "removed").iterdir())


def test_the_last_visit_is_read_after_a_restart(shared_settings: Settings, clock: Clock) -> None:
    first = Visitors(shared_settings, clock, clock)
    first.services(A)
    first.close()
    clock.now += 25 * 3600
    second = Visitors(shared_settings, clock, clock)
    assert second.sweep() == [], "the clock may not be set yet"
    clock.now += 600
    assert second.sweep() == [A]
    second.close()


def limited(settings: Settings, clock: Clock, **limits: int) -> Visitors:
    return Visitors(settings.model_copy(update=limits), clock, clock)


def test_quota_errors_name_the_limit(shared_settings: Settings, clock: Clock) -> None:
    photos = [Announced(f"{i}.jpg", 100) for i in range(3)]
    few = limited(shared_settings, clock, visitor_max_photos=3)
    uploads = few.services(A).uploads
    uploads.announce(photos[:2])
    with pytest.raises(QuotaExceeded, match="2 photos would be added|4 photos"):
        uploads.announce(photos[:2])
    few.services(B).uploads.announce(photos)  # uploads of another visitor do not count
    few.close()
    small = limited(shared_settings, clock, visitor_max_bytes=20_000_000)
    with pytest.raises(QuotaExceeded, match=r"30\.0 MB would be added.*20\.0 MB for each visitor"):
        small.services(C).uploads.announce([Announced("x.jpg", 30_000_000)])
    small.close()
    full = limited(shared_settings, clock, server_max_bytes=1)
    with pytest.raises(QuotaExceeded, match="all visitors together"):
        full.services("d" * 64)
    assert not (shared_settings.visitors / "libraries" / ("d" * 64)).exists()
    full.close()


def test_operations_refused_to_visitors(visitors: Visitors, tmp_path: Path) -> None:
    services = visitors.services(A)
    choice = services.model_choice
    for operation in (
        lambda: services.jobs.submit_paths([tmp_path / "x.jpg"], by_reference=True),
        lambda: services.classification("class", ""),
        lambda: choice.use_bundle(choice.bundles()[0].name),
        lambda: choice.learn_corrections(),
        lambda: choice.use_corrections(None),
        lambda: choice.use_thresholds({}),
    ):
        with pytest.raises(NotForVisitors):
            operation()


def test_usage_is_counted_between_measurements(tmp_path: Path) -> None:
    usage = Usage()
    (tmp_path / "a.jpg").write_bytes(b"x" * 100)
    assert usage.stored_bytes(A, tmp_path) == 100
    usage.add(A, 30)
    assert usage.total() == 130
    (tmp_path / "b.jpg").write_bytes(b"x" * 30)
    (tmp_path / "derived").write_bytes(b"x" * 5)
    assert usage.measure(A, tmp_path) == 135
    usage.forget(A)
    assert usage.total() == 0


def test_freed_space_can_be_used_at_once(
    shared_settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that the size is not measured again after a time.
    monkeypatch.setattr("scene_model.visitors.usage.MEASURING_SHARE", 1e-9)
    small = limited(shared_settings, clock, visitor_max_bytes=20_000_000)
    services = small.services(A)
    ballast = services.library.folder / "ballast"
    ballast.write_bytes(b"x" * 10_000_000)
    with pytest.raises(QuotaExceeded):
        services.quota.require(0, 15_000_000)
    ballast.unlink()
    services.quota.require(0, 15_000_000)
    small.close()


def test_taught_tags_are_private(visitors: Visitors, temple: bytes) -> None:
    first, second = visitors.services(A), visitors.services(B)
    textures = [(f"{seed}.jpg", encode(textured(640, 480, seed=seed))) for seed in range(3, 9)]
    crops = [(f"t{i}.jpg", temple + bytes([i])) for i in range(6)]
    assert first.jobs.submit([*textures, *crops]).wait(100)
    examples = [p.id for p in first.library.records(first.library.find()) if p.name.startswith("t")]
    candidate = fit_tag(first.library, first.classifier, "my house", examples, [])
    save_taught_tag(first.library, first.classifier, candidate)
    for services in (first, second):
        assert services.jobs.submit([("new.jpg", temple + b"new")]).wait(60)
    assert first.gallery().count("my_house name:new") == 1
    assert second.gallery().count("my_house") == 0
    assert second.library.taught_labels() == []
    assert "my house" not in second.gallery().vocabulary.names


def test_one_photo_does_not_wait_for_two_thousand(visitors: Visitors, temple: bytes) -> None:
    """The workers stop after each visitor had one turn; B's photo must be done by then."""
    begin, stop = threading.Event(), threading.Event()
    worker_pools = visitors.common.worker_pools.adding
    threads = range(worker_pools.threads)
    all_busy = threading.Barrier(len(threads) + 1)

    def wait_for(event: threading.Event) -> None:
        event.wait(500)

    def wait_for_begin() -> None:
        all_busy.wait(500)
        wait_for(begin)

    worker_pools.submit_batch("begin", [wait_for_begin for _ in threads], "begin")
    all_busy.wait(500)
    picture = encode(textured(64, 48, seed=1))
    files = [(f"{i}.jpg", picture) for i in range(100)]
    large_jobs = [visitors.services(A).jobs.submit(files) for _ in range(20)]
    small = visitors.services(B)
    single = small.jobs.submit([("t.jpg", temple)])
    for name in (f"stop {number}" for number in threads):
        worker_pools.submit_batch(name, [lambda: wait_for(stop)], name)
    begin.set()
    try:
        assert single.wait(100)
        assert sum(job.progress().done for job in large_jobs) == 1
        assert small.library.count() == 1
    finally:
        for job in large_jobs:
            job.cancel()
        stop.set()
    assert all(job.wait(120) for job in large_jobs)


def test_visitor_unknown_is_a_scene_error() -> None:
    assert issubclass(VisitorUnknown, SceneError)
    assert VisitorUnknown.http_status == 401
