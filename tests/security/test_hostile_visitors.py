"""Visitors who come only to use up memory, open files, disk or connections."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from scene_model.config import Settings
from scene_model.errors import LibraryReadOnly, ServerBusy
from scene_model.ingest.announced import Announced
from scene_model.library import edits
from scene_model.search.saved_searches import save_search
from scene_model.visitors.open_files import library_limit, socket_limit
from scene_model.visitors.visitors import Visitors
from tests.pictures import encode, textured
from tests.security.conftest import StartApp, client_of
from tests.visitors.conftest import Clock

STRANGER = ("192.0.2.7", 50_000)
OWNERS = [f"{number:064x}" for number in range(8)]
PHOTO = encode(textured(48, 32, seed=1))

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a name each, not a path


def visitor_of(start_app: StartApp, **settings: object) -> TestClient:
    visitor = client_of(start_app(mode="shared", **settings), STRANGER)
    assert visitor.get("/").status_code == 200
    return visitor


def come(app: TestClient, count: int) -> list[TestClient]:
    visitors = [client_of(app.app, STRANGER) for _ in range(count)]  # type: ignore[arg-type]
    assert {visitor.get("/").status_code for visitor in visitors} == {200}
    return visitors


@needs_proc
@pytest.mark.parametrize(
    "path", ["/api/photos", "/api/uploads", "/api/trips", "/api/library/export.csv"]
)
def test_a_visitor_who_stores_nothing_holds_no_file(
    start_app: StartApp, tmp_path: Path, path: str
) -> None:
    first = visitor_of(start_app)
    assert first.get(path).status_code == 200
    before = open_files()
    for visitor in come(first, 10):
        assert visitor.get(path).status_code == 200
    assert open_files() <= before
    assert not list((tmp_path / "visitors" / "libraries").iterdir())


def test_a_photo_that_is_only_classified_makes_no_library(
    start_app: StartApp, tmp_path: Path
) -> None:
    visitor = visitor_of(start_app)
    files = {"file": ("t.jpg", PHOTO)}
    assert visitor.post("/api/predict", files=files).json()["filename"] == "t.jpg"
    assert visitor.post("/api/classify", json={"images": ["eA=="]}).status_code == 400
    assert not list((tmp_path / "visitors" / "libraries").iterdir())
    assert visitor.post("/api/predict/batch", files={"files": ("t.jpg", PHOTO)}).status_code == 200
    assert len(list((tmp_path / "visitors" / "libraries").iterdir())) == 1


@pytest.fixture
def visitors(shared_settings: Settings, clock: Clock) -> Iterator[Visitors]:
    limited = shared_settings.model_copy(update={"max_open_libraries": 3})
    opened = Visitors(limited, clock, clock)
    yield opened
    opened.close()


def add(visitors: Visitors, owner: str, *seeds: int) -> None:
    files = [(f"{seed}.jpg", encode(textured(48, 32, seed=seed))) for seed in seeds]
    assert visitors.services(owner).jobs.submit(files).wait(60)


def test_nothing_can_be_written_before_there_is_a_library(visitors: Visitors) -> None:
    view = visitors.view(OWNERS[0])
    assert view.library.count() == 0
    for write in (
        lambda: view.jobs.submit([("t.jpg", PHOTO)]),
        lambda: view.uploads.announce([Announced("t.jpg", 10)]),
        lambda: save_search(view.library, "mine", "beach", view.gallery().sort),
        lambda: edits.add_tag(view.library, ["a" * 64], "beach"),
    ):
        with pytest.raises(LibraryReadOnly):
            write()
    assert visitors.view(OWNERS[1]).library.count() == 0
    assert not visitors.has_library(OWNERS[0])


def test_a_view_becomes_the_library(visitors: Visitors) -> None:
    assert visitors.view(OWNERS[0]).queue_owner != visitors.view(OWNERS[1]).queue_owner
    add(visitors, OWNERS[0], 1)
    assert visitors.view(OWNERS[0]) is visitors.services(OWNERS[0])
    assert visitors.allowance(OWNERS[0]).photos == 1
    assert visitors.allowance(OWNERS[1]).photos == 0


@needs_proc
def test_open_libraries_are_limited(visitors: Visitors, clock: Clock) -> None:
    most = 0
    for number, owner in enumerate(OWNERS):
        add(visitors, owner, number, number + 100)
        clock.now += 10
        most = max(most, sum("libraries" in str(path.readlink()) for path in files_of_process()))
    assert most <= 3 * 24
    assert [visitors.view(owner).library.count() for owner in OWNERS[-3:]] == [2, 2, 2]
    for owner in OWNERS:
        clock.now += 10
        assert visitors.view(owner).library.count() == 2


def files_of_process() -> list[Path]:
    links = [Path(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    return [link for link in links if os.path.lexists(link)]


def test_the_library_used_least_recently_is_closed(visitors: Visitors, clock: Clock) -> None:
    first, second, third = (visitors.services(owner) for owner in OWNERS[:3])
    clock.now += 10
    assert visitors.view(OWNERS[0]) is first
    clock.now += 10
    visitors.services(OWNERS[3])
    assert visitors.view(OWNERS[0]) is first
    assert visitors.view(OWNERS[2]) is third
    clock.now += 10
    assert visitors.view(OWNERS[1]) is not second


def test_libraries_in_use_are_never_closed(visitors: Visitors, clock: Clock) -> None:
    for owner in OWNERS[:3]:
        visitors.services(owner)
    with pytest.raises(ServerBusy, match="SCENE_MAX_OPEN_LIBRARIES"):
        visitors.services(OWNERS[3])
    clock.now += 100
    with ExitStack() as present:
        for owner in OWNERS[:3]:
            present.enter_context(visitors.present(owner))
        with pytest.raises(ServerBusy):
            visitors.services(OWNERS[3])
    clock.now += 100
    visitors.services(OWNERS[3])


def test_an_upload_that_pauses_goes_on_after_its_library_was_closed(
    visitors: Visitors, clock: Clock
) -> None:
    job = visitors.services(OWNERS[0]).uploads.announce([Announced("t.jpg", len(PHOTO))])
    for owner in OWNERS[1:3]:
        visitors.services(owner).uploads.announce([Announced("never.jpg", 1_000)])
    clock.now += 9
    with pytest.raises(ServerBusy):
        visitors.services(OWNERS[3])
    clock.now += 1
    visitors.services(OWNERS[3])
    clock.now += 10
    uploads = visitors.view(OWNERS[0]).uploads
    target = uploads.begin_file(job.id, 0, len(PHOTO))
    assert target is not None
    target.write_bytes(PHOTO)
    uploads.finish_file(job.id, 0, target)
    assert visitors.view(OWNERS[0]).jobs.job(job.id).wait(60)
    assert visitors.view(OWNERS[0]).library.count() == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on open files there")
def test_limits_fit_into_what_the_system_allows(shared_settings: Settings) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
        sockets, libraries = socket_limit(shared_settings), library_limit(shared_settings)
        assert 4 * sockets + 24 * libraries + 128 + 128 * 3 <= 1_024
        assert sockets >= 60
        assert libraries >= 10
        few = shared_settings.model_copy(update={"max_sockets": 2, "max_open_libraries": 2})
        assert (socket_limit(few), library_limit(few)) == (2, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def pages(start_app: StartApp, addresses: list[str], **settings: object) -> list[int]:
    app = start_app(mode="shared", max_new_visitors_per_hour=3, **settings)
    return [client_of(app, (address, 1)).get("/").status_code for address in addresses]


def test_new_visitors_of_one_address_are_limited(start_app: StartApp) -> None:
    assert pages(start_app, ["192.0.2.7"] * 5 + ["192.0.2.8"]) == [200] * 3 + [429] * 2 + [200]


def test_addresses_of_one_ipv6_network_count_together(start_app: StartApp) -> None:
    addresses = [f"2001:db8::{number:x}" for number in range(1, 6)]
    assert pages(start_app, [*addresses, "2001:db8:0:1::1"]) == [200] * 3 + [429] * 2 + [200]


def test_known_visitors_and_files_are_served_above_the_limit(start_app: StartApp) -> None:
    visitor = visitor_of(start_app, max_new_visitors_per_hour=1)
    stranger = client_of(visitor.app, STRANGER)  # type: ignore[arg-type]
    refused = stranger.get("/")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert "set-cookie" not in refused.headers
    assert visitor.get("/").status_code == 200
    assert stranger.get("/api/health").status_code == 200
