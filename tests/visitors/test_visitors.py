"""Libraries of several visitors: apart, limited, fair, and gone after their time."""

import threading
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.errors import NotForVisitors, QuotaExceeded, SceneError, VisitorUnknown
from scene_model.ingest.uploads import Announced
from scene_model.learning.taught_tags import fit_tag, save_taught_tag
from scene_model.visitors.usage import Usage
from scene_model.visitors.visitors import Visitors
from tests.pictures import encode, textured
from tests.visitors.conftest import Clock

A, B, C = "a" * 64, "b" * 64, "c" * 64


def test_each_has_a_library_and_all_share_one_model(visitors: Visitors, temple: bytes) -> None:
    one, other = visitors.services(A), visitors.services(B)
    assert one.jobs.submit([("t.jpg", temple)]).wait(60)
    assert one.library.count() == 1
    assert other.library.count() == 0
    assert one.model is other.model
    assert visitors.services(A) is one


@pytest.mark.parametrize("owner", [None, "", "..", "A" * 64, f"{A}/..", A[:-1]])
def test_nobody_has_no_library(visitors: Visitors, owner: str | None) -> None:
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
        assert visitors.sweep() == []  # still being downloaded, which counts as a visit
    clock.now += 24 * 3600
    visitors.services(B)
    assert visitors.sweep() == [A]
    left = [p for p in shared_settings.visitors.rglob("*") if p.is_file()]
    assert all(p.name == "secret" or B in p.parts for p in left)
    assert not [p for p in left if p.read_bytes() == temple]
    assert visitors.services(A).library.count() == 0


def test_who_comes_too_late_starts_anew_also_before_the_sweep(
    visitors: Visitors, clock: Clock, temple: bytes
) -> None:
    services = visitors.services(A)
    assert services.jobs.submit([("t.jpg", temple)]).wait(60)
    clock.now += 24 * 3600
    assert visitors.services(A) is not services
    assert visitors.services(A).library.count() == 0


def test_expiry_ends_what_is_under_way(visitors: Visitors, clock: Clock) -> None:
    uploads = visitors.services(A).uploads
    job = uploads.announce([Announced("never.jpg", 1000)])
    clock.now += 24 * 3600
    assert visitors.sweep() == [A]
    assert job.is_cancelled


def test_who_left_has_nothing_open(visitors: Visitors, clock: Clock, temple: bytes) -> None:
    gone, busy, present = (visitors.services(owner) for owner in (A, B, C))
    assert gone.jobs.submit([("t.jpg", temple)]).wait(60)
    busy.uploads.announce([Announced("later.jpg", 1000)])
    clock.now += 1000
    with visitors.present(C):
        assert visitors.close_quiet() == [A]
    assert visitors.services(B) is busy
    assert visitors.services(C) is present
    again = visitors.services(A)
    assert again is not gone
    assert again.library.count() == 1
    assert visitors.close_quiet() == []


def test_an_upload_that_nobody_goes_on_with_is_ended(
    visitors: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = visitors.services(A).uploads.announce([Announced("never.jpg", 1000)])
    visitors.close_quiet()
    assert job.is_running
    monkeypatch.setattr("scene_model.ingest.uploads.IDLE_S", -1.0)
    visitors.close_quiet()
    assert job.wait(10)
    assert [s.code for s in job.progress().skipped] == ["upload_incomplete"]


def test_a_start_finishes_what_a_kill_left(shared_settings: Settings, clock: Clock) -> None:
    half = shared_settings.visitors / "removed" / "x" / "library" / "originals"
    half.mkdir(parents=True)
    (half / "p.jpg").write_bytes(b"private")
    Visitors(shared_settings, clock).close()
    assert not list((shared_settings.visitors / "removed").iterdir())


def test_the_last_visit_outlives_a_restart(shared_settings: Settings, clock: Clock) -> None:
    first = Visitors(shared_settings, clock)
    first.services(A)
    first.close()
    clock.now += 25 * 3600
    second = Visitors(shared_settings, clock)
    assert second.sweep() == [A]
    second.close()


def limited(settings: Settings, clock: Clock, **limits: int) -> Visitors:
    return Visitors(settings.model_copy(update=limits), clock)


def test_quotas_are_named_when_met(shared_settings: Settings, clock: Clock) -> None:
    photos = [Announced(f"{i}.jpg", 100) for i in range(3)]
    few = limited(shared_settings, clock, visitor_max_photos=3)
    uploads = few.services(A).uploads
    uploads.announce(photos[:2])
    with pytest.raises(QuotaExceeded, match="2 photos are to come|4 photos"):
        uploads.announce(photos[:2])
    few.services(B).uploads.announce(photos)  # another's uploads do not count
    few.close()
    small = limited(shared_settings, clock, visitor_max_bytes=20_000_000)
    with pytest.raises(QuotaExceeded, match=r"30\.0 MB are to come.*20\.0 MB for each visitor"):
        small.services(C).uploads.announce([Announced("x.jpg", 30_000_000)])
    small.close()
    full = limited(shared_settings, clock, server_max_bytes=1)
    with pytest.raises(QuotaExceeded, match="all its visitors"):
        full.services("d" * 64)
    assert not (shared_settings.visitors / "libraries" / ("d" * 64)).exists()
    full.close()


def test_what_is_not_for_visitors(visitors: Visitors, tmp_path: Path) -> None:
    services = visitors.services(A)
    for refused in (
        lambda: services.submit_folder([tmp_path / "x.jpg"], by_reference=True),
        lambda: services.classification("class", ""),
        lambda: services.use_bundle(services.bundles()[0].name),
        lambda: services.learn_corrections(),
        lambda: services.use_corrections(None),
    ):
        with pytest.raises(NotForVisitors):
            refused()


def test_what_is_held_is_counted_on_and_measured_again(tmp_path: Path) -> None:
    usage = Usage()
    (tmp_path / "a.jpg").write_bytes(b"x" * 100)
    assert usage.held(A, tmp_path) == 100
    usage.add(A, 30)
    assert usage.total() == 130
    (tmp_path / "b.jpg").write_bytes(b"x" * 30)
    (tmp_path / "derived").write_bytes(b"x" * 5)
    assert usage.measure(A, tmp_path) == 135
    usage.forget(A)
    assert usage.total() == 0


def test_what_was_freed_lets_more_in_at_once(
    shared_settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scene_model.visitors.usage._MEASURING_SHARE", 1e-9)  # never by itself
    small = limited(shared_settings, clock, visitor_max_bytes=20_000_000)
    services = small.services(A)
    ballast = services.library.folder / "ballast"
    ballast.write_bytes(b"x" * 10_000_000)
    with pytest.raises(QuotaExceeded):
        services.quota.require(0, 15_000_000)
    ballast.unlink()
    services.quota.require(0, 15_000_000)
    small.close()


def test_what_one_teaches_is_not_the_others_(visitors: Visitors, temple: bytes) -> None:
    one, other = visitors.services(A), visitors.services(B)
    others = [(f"{seed}.jpg", encode(textured(640, 480, seed=seed))) for seed in range(3, 9)]
    crops = [(f"t{i}.jpg", temple + bytes([i])) for i in range(6)]
    assert one.jobs.submit([*others, *crops]).wait(100)
    examples = [p.id for p in one.library.records(one.library.find()) if p.name.startswith("t")]
    candidate = fit_tag(one.library, one.classifier, "my house", examples, [])
    save_taught_tag(one.library, one.classifier, candidate)
    for services in (one, other):
        assert services.jobs.submit([("new.jpg", temple + b"new")]).wait(60)
    assert one.gallery().count("my_house name:new") == 1
    assert other.gallery().count("my_house") == 0
    assert other.library.taught_labels() == []
    assert "my house" not in other.gallery().vocabulary.names


def test_one_photo_does_not_wait_behind_two_thousand(visitors: Visitors, temple: bytes) -> None:
    """By order: the only worker stands still once everybody had a turn; B's photo is done then."""
    begin, stop = threading.Event(), threading.Event()
    worker_pools = visitors.common.worker_pools.adding

    def wait_for(event: threading.Event) -> None:
        event.wait(500)

    worker_pools.put("begin", [lambda: wait_for(begin)], "begin")
    picture = encode(textured(64, 48, seed=1))
    files = [(f"{i}.jpg", picture) for i in range(100)]
    crowd = [visitors.services(A).jobs.submit(files) for _ in range(20)]
    one = visitors.services(B)
    single = one.jobs.submit([("t.jpg", temple)])
    worker_pools.put("stop", [lambda: wait_for(stop)], "stop")
    begin.set()
    try:
        assert single.wait(100)
        assert sum(job.progress().done for job in crowd) == 1
        assert one.library.count() == 1
    finally:
        for job in crowd:
            job.cancel()
        stop.set()
    assert all(job.wait(120) for job in crowd)


def test_errors_are_of_the_tree() -> None:
    assert issubclass(VisitorUnknown, SceneError)
    assert VisitorUnknown.http_status == 401
