"""Watched folders in threads: real events, two processes, pausing; and kills while files arrive."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.watch import kill_while_writing
from scene_model.config import PROJECT_DIR, Settings
from scene_model.errors import FolderNotWatchable, NotForVisitors
from scene_model.ingest.watch.folder_state import FolderStatus
from scene_model.ingest.watch.folder_watcher import Pace, Surroundings
from scene_model.ingest.watch.mounts import Mount
from scene_model.ingest.watch.watched_folders import WatchedFolder
from scene_model.ingest.watch.watches import Watches
from scene_model.jobs.job import JobKind
from scene_model.photos.decoders.pool import Decoders
from scene_model.services import Services, open_services
from tests.ingest.watch.conftest import wait_until
from tests.pictures import encode, textured

pytestmark = pytest.mark.slow
# Scans are rare: only events can be as quick as the tests expect.
QUICK = Pace(scan_s=1_000, scan_with_events_s=1_000, presence_s=0.5, quiet_s=0.2, old_s=1)


@pytest.fixture
def arrivals(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "a.jpg", 1)
    return folder


@pytest.fixture
def watches(services: Services) -> Iterator[Watches]:
    opened = Watches(services.library, services.jobs, QUICK)
    yield opened
    opened.close()


def write(path: Path, seed: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode(textured(90, 90, seed=seed)))
    return path


def test_events_bring_new_and_moved_files(
    services: Services, watches: Watches, arrivals: Path
) -> None:
    folder = watches.watch(arrivals, by_reference=True)
    wait_until(lambda: services.library.count() == 1)
    wait_until(lambda: watches.state(folder).status is FolderStatus.WATCHING)
    write(arrivals / "new" / "b.jpg", 2)
    wait_until(lambda: services.library.count() == 2)
    (arrivals / "a.jpg").rename(arrivals / "new" / "moved.jpg")
    (photo_id,) = (
        r.id for r in services.library.records(services.library.find()) if r.name[0] == "a"
    )
    moved = arrivals / "new" / "moved.jpg"
    wait_until(lambda: services.library.photo(photo_id).reference == moved)
    assert services.library.count() == 2


_AT_THE_LIMIT = """
import sys, time
from pathlib import Path
from scene_model.ingest.watch.events import FolderEvents
Path("/proc/sys/user/max_inotify_watches").write_text("2")
events = FolderEvents(Path(sys.argv[1]), lambda: None)
deadline = time.monotonic() + 30
while events.problem is None and time.monotonic() < deadline:
    time.sleep(0.05)
print(events.problem)
"""


def test_the_systems_limit_on_events_is_noticed(tmp_path: Path) -> None:
    """In a user namespace of its own, which has limits of its own."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-Ur", "true"], capture_output=True).returncode:
        pytest.skip("there are no user namespaces here")
    for number in range(5):
        (tmp_path / str(number)).mkdir()
    done = subprocess.run(
        [unshare, "-Ur", sys.executable, "-c", _AT_THE_LIMIT, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
    )
    assert done.stdout == "OS file watch limit reached\n", done.stderr


def test_a_copied_folder_gets_no_bytes_from_elsewhere(
    services: Services, watches: Watches, arrivals: Path
) -> None:
    watches.watch(arrivals, by_reference=False)
    wait_until(lambda: services.library.count() == 1)
    wait_until(watches.is_idle)
    shutil.rmtree(arrivals)
    (photo_id,) = services.library.find()
    services.library.verified_original(photo_id)


def test_two_processes_do_not_watch_the_same_folder(
    services: Services, watches: Watches, arrivals: Path, decoders: Decoders
) -> None:
    folder = watches.watch(arrivals, by_reference=False)
    wait_until(watches.is_idle)
    # Locks exclude open files, so a second set of services is as good as a second process.
    settings = services.settings
    second = open_services(settings, resume=False, decoders=decoders)
    others = Watches(second.library, second.jobs, QUICK)
    assert others.state(folder).status is FolderStatus.ELSEWHERE
    others.begin(folder)
    wait_until(lambda: others.state(folder).status is FolderStatus.ELSEWHERE)
    with pytest.raises(FolderNotWatchable, match="Another process"):
        others.remove(folder.id)
    write(arrivals / "b.jpg", 2)
    wait_until(lambda: services.library.count() == 2)
    watches.close()
    wait_until(lambda: others.state(folder).status is FolderStatus.WATCHING)
    write(arrivals / "c.jpg", 3)
    wait_until(lambda: second.library.count() == 3)
    others.close()
    second.close()


def test_pausing_outlives_a_restart_and_stopping_forgets(
    services: Services, watches: Watches, arrivals: Path
) -> None:
    folder = watches.watch(arrivals, by_reference=False)
    wait_until(watches.is_idle)
    watches.pause(folder.id)
    assert [state.status for _, state in watches.states()] == [FolderStatus.PAUSED]
    write(arrivals / "b.jpg", 2)
    again = Watches(services.library, services.jobs, QUICK)
    again.start()
    assert again.is_idle()  # it watches nothing
    again.resume(folder.id)
    wait_until(lambda: services.library.count() == 2)
    again.remove(folder.id)
    assert again.states() == []
    assert services.library.count() == 2
    assert (arrivals / "b.jpg").exists()
    again.close()


def test_a_server_watches_on_after_a_restart(
    tmp_path: Path, arrivals: Path, decoders: Decoders
) -> None:
    settings = Settings(library=tmp_path / "library", workers=2)
    first = open_services(settings, decoders=decoders)
    folder = first.watches.watch(arrivals, by_reference=True)
    wait_until(lambda: first.library.count() == 1)
    first.close()
    write(arrivals / "b.jpg", 2)
    second = open_services(settings, decoders=decoders)
    try:
        wait_until(lambda: second.library.count() == 2)
        wait_until(lambda: second.watches.state(folder).photos == 2)
        assert not second.jobs.running(JobKind.ADD)
    finally:
        second.close()


def test_what_is_in_work_when_it_ends_is_not_read_again(services: Services, arrivals: Path) -> None:
    for number in range(30):
        write(arrivals / f"{number}.jpg", number + 10)
    watches = Watches(services.library, services.jobs, QUICK)
    folder = watches.watch(arrivals, by_reference=False)
    wait_until(lambda: services.library.count() >= 3)
    watches.close()
    count = services.library.count()
    assert 3 <= count < 31
    assert [state.photos for _, state in watches.states()] == [count]
    done: list[str] = []
    again = Watches(
        services.library, services.jobs, QUICK, on_done=lambda _f, path, _o: done.append(path)
    )
    again.begin(folder)
    wait_until(lambda: services.library.count() == 31)
    wait_until(again.is_idle)
    again.close()
    assert len(done) == 31 - count


def test_an_unforeseen_error_does_not_end_the_watch(services: Services, arrivals: Path) -> None:
    failures = ["first", "second"]

    def mounts() -> list[Mount]:
        if failures:
            raise RuntimeError(failures.pop())
        return []

    pace = replace(QUICK, retry_s=0.1)
    watches = Watches(services.library, services.jobs, pace, Surroundings(mounts=mounts))
    watches.watch(arrivals, by_reference=False)
    wait_until(lambda: services.library.count() == 1)
    watches.close()


def test_visitors_of_a_shared_server_watch_nothing(services: Services) -> None:
    shared = services.settings.model_copy(update={"mode": "shared"})
    with pytest.raises(NotForVisitors, match="watch folders"):
        _ = replace(services, settings=shared).watches


def test_a_folder_watched_inside_another_is_refused(watches: Watches, arrivals: Path) -> None:
    watches.watch(arrivals, by_reference=False)
    (arrivals / "deep").mkdir()
    with pytest.raises(FolderNotWatchable, match="is inside"):
        watches.watch(arrivals / "deep", by_reference=False)
    assert watches.folders.all() == [WatchedFolder(arrivals, False)]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for children on Windows")
@pytest.mark.parametrize("options", [["--copy"], ["--reference", "--interval", "1"]])
def test_kills_lose_and_double_nothing(tmp_path: Path, options: list[str]) -> None:
    """Files arrive slowly and move; with events, and with scans alone."""
    assert kill_while_writing(tmp_path / "in", tmp_path / "library", 60, 2, options, 1) == []
