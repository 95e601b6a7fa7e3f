"""One watched folder: what is added when, moves, deletions, drives, full disks, sleep."""

import datetime
import errno
import logging
import os
import shutil
from pathlib import Path

import pytest

from scene_model.errors import UnreadableFile
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.quota import NO_QUOTA
from scene_model.ingest.watch.folder_state import FolderStatus
from scene_model.ingest.watch.mounts import Mount
from scene_model.ingest.watch.scanned_photo import ingest_scanned
from scene_model.library import edits
from scene_model.library.records import NewPhoto
from scene_model.photos.decode import PhotoLimits, decode_photo
from scene_model.photos.hashes import content_hash
from scene_model.services import Services
from tests.ingest.watch.conftest import WatchedPlace
from tests.pictures import encode, textured
from tests.videos import video

pytestmark = pytest.mark.slow

XMP_DATE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
    b' photoshop:DateCreated="%s"/></rdf:RDF></x:xmpmeta>'
)


def photo(seed: int) -> bytes:
    return encode(textured(90, 90, seed=seed))


def test_a_new_file_is_added_when_it_stays_the_same(place: WatchedPlace) -> None:
    place.pass_time(1)
    data = photo(1)
    path = place.write("a.jpg", data[:1000])
    for end in (2000, 3000, len(data)):
        place.pass_time(1.5)
        place.write("a.jpg", data[:end])
        assert place.names() == []
    place.pass_time(3)
    (record,) = place.services.library.records(place.services.library.find())
    assert (record.name, record.reference) == ("a.jpg", path)
    assert place.watcher.state.photos == 1
    assert place.watcher.state.status is FolderStatus.WATCHING
    assert not list(place.services.library.incoming_dir.iterdir())


def test_a_video_is_added_and_followed(place: WatchedPlace) -> None:
    place.pass_time(1)
    path = place.write("film.mp4", video())
    place.pass_time(10)
    (record,) = place.services.library.records(place.services.library.find())
    assert (record.name, record.reference, record.is_video) == ("film.mp4", path, True)
    moved = path.rename(path.with_name("renamed.mp4"))
    assert place.events.paths is not None
    place.events.paths += [str(path), str(moved)]
    place.pass_time(5)
    assert place.services.library.photo(record.id).reference == moved


def test_folder_time_and_sidecar_come_with_a_file(place: WatchedPlace) -> None:
    place.pass_time(1)
    place.write("trip/a.xmp", XMP_DATE % b"2019-05-04T10:20:30")
    path = place.write("trip/a.jpg", photo(1))
    os.utime(path, (1_500_000_000, 1_500_000_000))
    place.pass_time(10)
    (record,) = place.services.library.records(place.services.library.find())
    assert (record.taken_at, record.taken_source) == ("2019-05-04T10:20:30", "XMP")
    with place.services.library.database.reader.begin() as connection:
        row = connection.exec_driver_sql("SELECT folder, modified_at FROM photos").one()
    modified_at = datetime.datetime.fromtimestamp(1_500_000_000).isoformat()
    assert tuple(row) == (str(path.parent), modified_at)


def test_a_slow_file_is_not_called_damaged_and_an_old_damaged_one_is(place: WatchedPlace) -> None:
    data = photo(1)
    place.pass_time(1)
    place.write("slow.jpg", data[:2000])
    place.write("cut.jpg", photo(2)[:2000])
    place.pass_time(30)  # a pause of the writer, longer than it takes to be tried
    assert (place.watcher.state.failed, place.watcher.state.pending) == ((), 2)
    place.write("slow.jpg", data)
    place.pass_time(90)
    assert place.names() == ["slow.jpg"]
    (failed,) = place.watcher.state.failed
    assert (Path(failed.path).name, failed.code) == ("cut.jpg", "truncated_photo")
    place.pass_time(400)
    assert place.done.count("cut.jpg") == 1  # it is not tried again and again
    place.write("cut.jpg", photo(2))
    place.pass_time(5)
    assert place.names() == ["cut.jpg", "slow.jpg"]
    assert place.watcher.state.failed == ()


def test_a_copy_whose_size_was_reserved_is_not_added_half(place: WatchedPlace) -> None:
    data = encode(textured(90, 90, seed=1), "WEBP")
    half = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
    decode_photo(half, PhotoLimits())  # decoders take it for a picture
    place.pass_time(1)
    place.write("a.webp", half)
    place.pass_time(40)
    assert place.services.library.find() == []
    place.write("a.webp", data)
    place.pass_time(5)
    assert place.services.library.find() == [content_hash(data)]


def test_a_library_inside_the_folder_is_left_alone(services: Services, tmp_path: Path) -> None:
    place = WatchedPlace(services, tmp_path, by_reference=False)
    place.write("a.jpg", photo(1))
    place.pass_time(5)
    assert place.events.paths is not None
    own = [str(path) for path in services.library.folder.rglob("*")]
    assert any(path.endswith(".webp") for path in own)
    place.events.paths += [str(services.library.folder), *own]
    place.pass_time(400)
    assert place.names() == ["a.jpg"]
    assert (place.watcher.state.photos, place.watcher.state.pending) == (1, 0)


def test_a_file_that_changes_while_it_is_read_waits(place: WatchedPlace) -> None:
    services, path = place.services, place.write("a.jpg", photo(1))
    stamp = path.stat()
    scanned = IncomingFile(
        "a.jpg",
        "000000",
        "2026-01-02T03:04:05.000+00:00",
        stamp.st_size,
        source=str(path),
        mtime_ns=stamp.st_mtime_ns - 1,
    )
    with pytest.raises(UnreadableFile) as raised:
        ingest_scanned(services.library, services.classifier, scanned, NO_QUOTA)
    assert raised.value.code == "file_changing"
    assert services.library.find() == []


def test_failed_files_are_tried_again_when_asked(place: WatchedPlace) -> None:
    place.write("cut.jpg", photo(2)[:2000])
    place.pass_time(70)
    place.watcher.try_again()
    place.pass_time(70)
    assert place.done.count("cut.jpg") == 2


def test_what_events_miss_is_found_by_the_scan(place: WatchedPlace) -> None:
    place.pass_time(1)
    (place.folder / "quiet").mkdir()
    (place.folder / "quiet" / "a.jpg").write_bytes(photo(1))
    place.pass_time(200)
    assert place.names() == []
    place.pass_time(120)
    assert place.names() == ["a.jpg"]


def test_a_folder_that_is_moved_in_comes_with_its_files(
    place: WatchedPlace, tmp_path: Path
) -> None:
    place.pass_time(1)
    (tmp_path / "trip" / "day").mkdir(parents=True)
    (tmp_path / "trip" / "day" / "a.jpg").write_bytes(photo(1))
    (tmp_path / "trip").rename(place.folder / "trip")
    assert place.events.paths is not None
    (place.folder / "folder.jpg").mkdir()
    (place.folder / "folder.jpg" / "c.jpg").write_bytes(photo(2))
    names = ("trip", ".hidden/b.jpg", "folder.jpg")
    place.events.paths += [str(place.folder / name) for name in names]
    place.pass_time(70)
    assert place.names() == ["a.jpg", "c.jpg"]
    assert place.watcher.state.failed == ()


def test_too_many_events_become_a_scan(place: WatchedPlace) -> None:
    place.pass_time(1)
    place.write("a.jpg", photo(1))
    place.events.paths = None
    place.pass_time(5)
    assert place.names() == ["a.jpg"]


def test_a_renamed_and_moved_file_keeps_its_photo(place: WatchedPlace) -> None:
    library = place.services.library
    first = place.write("a.jpg", photo(1))
    place.pass_time(5)
    (photo_id,) = library.find()
    edits.add_tag(library, [photo_id], "mine")
    moved = place.folder / "deep" / "b.jpg"
    moved.parent.mkdir()
    first.rename(moved)
    assert place.events.paths is not None
    place.events.paths += [str(first), str(moved)]
    place.pass_time(5)
    record = library.photo(photo_id)
    assert library.find() == [photo_id]
    assert (record.reference, record.name) == (moved, "a.jpg")
    assert "mine" in [tag.label for tag in record.tags]
    assert library.original_bytes(photo_id) == photo(1)
    assert place.watcher.state.missing == ()
    place.pass_time(400)
    assert place.watcher.ledger.paths() == [str(moved)]


def test_two_files_that_swap_their_names_keep_their_photos(place: WatchedPlace) -> None:
    # Of the same size, so that only the contents tell which is which.
    data = [(photo(seed) + bytes(20_000))[:20_000] for seed in (1, 2)]
    a, b = place.write("a.jpg", data[0]), place.write("b.jpg", data[1])
    place.pass_time(90)
    a.rename(place.folder / "c.tmp")
    b.rename(a)
    (place.folder / "c.tmp").rename(b)
    assert place.events.paths is not None
    place.events.paths += [str(a), str(b)]
    place.pass_time(400)
    library = place.services.library
    contents = {library.original_bytes(photo_id) for photo_id in library.find()}
    assert contents == set(data)


def test_a_deleted_copy_stays(services: Services, tmp_path: Path) -> None:
    place = WatchedPlace(services, tmp_path / "in", by_reference=False)
    path = place.write("a.jpg", photo(1))
    place.write("b.jpg", photo(2))
    place.pass_time(5)
    path.unlink()
    place.pass_time(400)
    assert place.names() == ["a.jpg", "b.jpg"]
    assert place.watcher.state.missing == ()
    assert place.watcher.ledger.paths() == [str(place.folder / "b.jpg")]
    for photo_id in services.library.find():
        services.library.verified_original(photo_id)


def test_a_file_takes_the_place_of_an_original_at_a_url(place: WatchedPlace) -> None:
    services, url = place.services, "https://photos.example/a.jpg"
    new = NewPhoto(photo(1), "a.jpg", "2026-01-02T03:04:05+00:00", remote_url=url)
    classifier = services.classifier
    added = services.library.add(new, classifier.predict(photo(1)), classifier.provenance)
    path = place.write("a.jpg", photo(1))
    place.pass_time(5)
    record = services.library.photo(added.id)
    assert (record.reference, record.remote_url) == (path, None)
    assert len(place.names()) == 1


def test_a_deleted_or_changed_original_is_named(place: WatchedPlace) -> None:
    deleted, changed = place.write("a.jpg", photo(1)), place.write("b.jpg", photo(2))
    place.write("c.jpg", photo(3))
    place.pass_time(5)
    deleted.unlink()
    place.write("b.jpg", photo(4) + b"\0")
    place.pass_time(400)
    assert list(place.watcher.state.missing) == [str(deleted), str(changed)]
    assert len(place.names()) == 4  # nothing of ours is deleted, and the new picture is there
    place.write("a.jpg", photo(1))
    place.write("back.jpg", photo(2))
    place.pass_time(400)
    assert list(place.watcher.state.missing) == []
    assert len(place.names()) == 4


def test_an_original_that_is_put_elsewhere_is_no_longer_missing(place: WatchedPlace) -> None:
    path = place.write("a.jpg", photo(1))
    place.write("b.jpg", photo(2))
    place.pass_time(5)
    path.unlink()
    place.pass_time(400)
    assert list(place.watcher.state.missing) == [str(path)]
    place.write("deep/c.jpg", photo(1))
    place.pass_time(10)  # long before the next regular scan
    assert list(place.watcher.state.missing) == []


def test_a_photo_in_the_trash_stays_there(place: WatchedPlace) -> None:
    library = place.services.library
    path = place.write("a.jpg", photo(1))
    place.pass_time(5)
    (photo_id,) = library.find()
    edits.move_to_trash(library, [photo_id])
    path.rename(place.folder / "b.jpg")
    place.write("c.jpg", photo(1))
    place.watcher.scan_soon()
    place.pass_time(5)
    assert library.find() == []
    assert library.find(trashed=True) == [photo_id]


def test_a_restart_reads_nothing_again(place: WatchedPlace) -> None:
    place.write("a.jpg", photo(1))
    place.write("bad.jpg", b"no picture")
    place.pass_time(90)
    place.watcher.close()
    place.done.clear()
    place.restart()
    place.pass_time(400)
    assert place.done == []
    assert place.watcher.is_idle()
    assert (place.watcher.state.photos, len(place.watcher.state.failed)) == (1, 1)


def test_a_folder_that_goes_and_comes_back(place: WatchedPlace, tmp_path: Path) -> None:
    place.write("a.jpg", photo(1))
    place.pass_time(5)
    place.folder.rename(tmp_path / "unplugged")
    place.pass_time(1000)
    state = place.watcher.state
    assert (state.status, state.missing) == (FolderStatus.ABSENT, ())
    assert "not there at the moment" in state.message
    assert place.opened[0].is_closed
    (tmp_path / "unplugged" / "b.jpg").write_bytes(photo(2))
    (tmp_path / "unplugged").rename(place.folder)
    place.pass_time(10)
    assert place.names() == ["a.jpg", "b.jpg"]
    assert place.watcher.state.status is FolderStatus.WATCHING
    assert len(place.opened) == 2


def test_an_empty_mount_point_is_not_taken_for_deletions(place: WatchedPlace) -> None:
    place.write("a.jpg", photo(1))
    place.pass_time(5)
    shutil.rmtree(place.folder)
    place.folder.mkdir()
    place.pass_time(400)
    state = place.watcher.state
    assert (state.status, state.missing) == (FolderStatus.ABSENT, ())
    assert place.watcher.ledger.paths() == [str(place.folder / "a.jpg")]


def test_a_full_disk_is_named_and_tried_again(
    place: WatchedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_system = place.services.library.file_system
    monkeypatch.setattr(file_system, "free_bytes", lambda _folder: 0)
    place.write("a.jpg", photo(1))
    place.pass_time(5)
    assert place.watcher.state.status is FolderStatus.WAITING
    assert "The disk is full" in place.watcher.state.message
    place.pass_time(300)
    assert place.names() == []
    assert place.watcher.state.failed == ()
    monkeypatch.undo()
    place.pass_time(70)
    assert place.names() == ["a.jpg"]
    assert (place.watcher.state.status, place.watcher.state.message) == (FolderStatus.WATCHING, "")


def test_a_disk_that_fills_up_while_photos_are_added(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = WatchedPlace(services, tmp_path / "in", by_reference=False)

    def fail(step: str, path: Path) -> None:
        if step == "write" and path.parent == services.library.files.new_dir:
            raise OSError(errno.ENOSPC, "No space left on device")

    for number in range(3):
        place.write(f"{number}.jpg", photo(number))
    place.watcher.step()
    place.now += 3
    place.watcher.step()  # the job has begun
    monkeypatch.setattr(services.library.file_system, "before_step", fail)
    place.write("late.jpg", photo(9))
    place.pass_time(10)
    assert place.watcher.state.status is FolderStatus.WAITING
    assert "is full" in place.watcher.state.message
    # The files are scanned again; no job is left for people to try again by hand.
    assert not list(services.library.incoming_dir.iterdir())
    assert not list(services.library.jobs_dir.iterdir())
    monkeypatch.undo()
    place.pass_time(130)
    assert place.names() == ["0.jpg", "1.jpg", "2.jpg", "late.jpg"]
    assert place.watcher.state.failed == ()


def test_a_limit_on_events_is_said_once_and_scans_go_on(
    place: WatchedPlace, caplog: pytest.LogCaptureFixture
) -> None:
    place.pass_time(1)
    place.events.problem = "OS file watch limit reached"
    with caplog.at_level(logging.WARNING):
        place.pass_time(30)
        (place.folder / "a.jpg").write_bytes(photo(1))
        place.pass_time(60)
    assert place.names() == ["a.jpg"]
    assert caplog.text.count("OS file watch limit reached") == 1
    assert "fs.inotify.max_user_watches" in place.watcher.state.note
    assert len(place.opened) == 1


def test_a_network_drive_is_scanned(services: Services, tmp_path: Path) -> None:
    place = WatchedPlace(
        services, tmp_path / "in", mounts=[Mount(tmp_path / "in", "nas:/", "nfs4")]
    )
    place.pass_time(1)
    assert place.opened == []
    (place.folder / "a.jpg").write_bytes(photo(1))
    place.pass_time(30)
    assert place.names() == ["a.jpg"]
    assert "Scanned every 20 s" in place.watcher.state.note


@pytest.mark.parametrize("does_the_clock_stop", [True, False])
def test_it_begins_anew_after_the_computer_slept(
    place: WatchedPlace, does_the_clock_stop: bool
) -> None:
    place.pass_time(10)
    (place.folder / "a.jpg").write_bytes(photo(1))
    if does_the_clock_stop:
        place.slept += 3600
    else:
        place.now += 3600
    place.pass_time(5)
    assert place.names() == ["a.jpg"]
    assert len(place.opened) == 2


def test_closing_keeps_what_is_done(place: WatchedPlace) -> None:
    for number in range(5):
        place.write(f"{number}.jpg", photo(number))
    place.watcher.step()
    place.now += 5
    place.watcher.step()
    place.watcher.close()
    stored = len(place.names())
    place.restart()
    place.pass_time(10)
    assert len(place.names()) == 5
    assert len(place.done) >= 5 - stored
