"""The parts of watching: names, mounts, what is whole, what is done, which folders."""

import os
import sys
from pathlib import Path

import pytest

from scene_model.errors import FolderInaccessible, FolderNotWatchable, LibraryFull, PathNotFound
from scene_model.ingest.watch.arrivals import Arrivals
from scene_model.ingest.watch.folder_files import FileStamp, UnreadableFolders, photo_files
from scene_model.ingest.watch.folder_state import FolderState, FolderStatus
from scene_model.ingest.watch.ledger import FailedFile, HandledFile, Ledger
from scene_model.ingest.watch.mounts import Mount, mount_of, parse_mounts
from scene_model.ingest.watch.names import is_photo_name
from scene_model.ingest.watch.watched_folders import (
    WatchedFolder,
    WatchedFolders,
    has_watched_folders,
    require_apart,
)
from scene_model.library.files.file_system import FileSystem
from scene_model.library.store import Library

STAMP = FileStamp(10, 1)


@pytest.mark.parametrize(
    ("name", "is_photo"),
    [
        ("IMG_1.JPG", True),
        ("a.b.heic", True),
        ("x.sync-conflict-20260102-030405-ABC.jpg", True),
        ("notes.txt", False),
        ("photo.jpg.part", False),
        ("photo.jpg.crdownload", False),
        ("photo.part.jpg", False),
        ("photo.tmp.jpg", False),
        ("photo.jpg~", False),
        ("._photo.jpg", False),
        (".photo.jpg.Xa81sK", False),
        (".syncthing.photo.jpg.tmp", False),
        ("~syncthing~photo.jpg.tmp", False),
        ("~$photo.jpg", False),
        ("", False),
    ],
)
def test_partial_and_hidden_names_are_no_photos(name: str, is_photo: bool) -> None:
    assert is_photo_name(name) is is_photo


def test_a_scan_leaves_out_hidden_system_and_library_folders(tmp_path: Path) -> None:
    for name in (
        "a.jpg",
        "b/c.jpg",
        ".trash/d.jpg",
        "@eaDir/e.jpg",
        "lib/f.jpg",
        "lib/library.db",
        "lib/originals/g.jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "folder.jpg" / "h.jpg").touch()
    found_names = {Path(path).name for path, _ in photo_files(str(tmp_path), UnreadableFolders())}
    assert found_names == {"a.jpg", "c.jpg", "h.jpg"}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read every folder")
def test_an_unreadable_folder_is_counted(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o000)
    unreadable = UnreadableFolders()
    assert list(photo_files(str(tmp_path), unreadable)) == []
    assert unreadable.covers(str(locked / "a.jpg"))
    assert not unreadable.covers(str(tmp_path / "a.jpg"))
    locked.chmod(0o700)


def test_a_folder_that_goes_in_the_middle_of_a_scan_is_counted(tmp_path: Path) -> None:
    unreadable = UnreadableFolders()
    assert list(photo_files(str(tmp_path / "gone"), unreadable)) == []
    assert unreadable.covers(str(tmp_path / "gone" / "a.jpg"))


def test_a_file_is_whole_when_it_stays_the_same() -> None:
    arrivals, stamps = Arrivals(quiet_s=2, old_s=60), {"a": STAMP}
    arrivals.note("a", STAMP, now=0)
    assert arrivals.take(1.9, 10, stamps.get) == []
    stamps["a"] = FileStamp(20, 2)
    assert arrivals.take(2, 10, stamps.get) == []  # it has grown: the time begins again
    assert arrivals.next_due() == 4
    assert arrivals.take(4, 10, stamps.get) == [("a", stamps["a"])]
    assert arrivals.take(9, 10, stamps.get) == []  # in work
    arrivals.finish("a")
    assert len(arrivals) == 0


def test_a_file_that_cannot_be_decoded_is_given_up_when_it_is_old() -> None:
    arrivals, stamps = Arrivals(quiet_s=2, old_s=60), {"a": STAMP}
    arrivals.note("a", STAMP, now=0)
    arrivals.take(2, 10, stamps.get)
    assert not arrivals.fail("a", now=3)
    assert arrivals.take(59, 10, stamps.get) == []
    assert arrivals.take(60, 10, stamps.get) == [("a", STAMP)]
    assert arrivals.fail("a", now=61)


def test_a_file_that_changes_while_it_is_in_work_is_taken_again() -> None:
    arrivals, stamps = Arrivals(quiet_s=2, old_s=60), {"a": STAMP}
    arrivals.note("a", STAMP, now=0)
    arrivals.take(2, 10, stamps.get)
    stamps["a"] = FileStamp(20, 2)
    arrivals.note("a", stamps["a"], now=3)
    assert arrivals.take(6, 10, stamps.get) == []  # not twice at a time
    arrivals.finish("a")
    assert arrivals.take(6, 10, stamps.get) == [("a", stamps["a"])]


def test_files_beyond_the_limit_wait_and_vanished_ones_are_dropped() -> None:
    arrivals, stamps = Arrivals(quiet_s=2, old_s=60), {"a": STAMP, "b": STAMP, "c": STAMP}
    for path in stamps:
        arrivals.note(path, STAMP, now=0)
    del stamps["a"]
    assert arrivals.take(2, 1, stamps.get) == [("b", STAMP)]
    arrivals.postpone_all(now=5)
    assert {path for path, _ in arrivals.take(9, 10, stamps.get)} == {"b", "c"}


def new_ledger(folder: Path, file_system: FileSystem | None = None) -> Ledger:
    return Ledger(folder / "files.jsonl", file_system or FileSystem(), folder)


def test_the_ledger_survives_a_restart_and_a_torn_line(tmp_path: Path) -> None:
    name = os.fsdecode(b"/in/\xff.jpg")
    ledger = new_ledger(tmp_path)
    ledger.record("/in/a.jpg", HandledFile(STAMP, "1" * 64))
    ledger.record(name, HandledFile(STAMP, "2" * 64))
    ledger.record("/in/bad.jpg", HandledFile(STAMP, None, code="truncated_photo", message="Cut."))
    ledger.forget(["/in/a.jpg", "/in/unknown.jpg"])
    file = tmp_path / "files.jsonl"
    file.write_bytes(file.read_bytes() + b'["/in/torn.jpg",1')  # a power cut
    again = new_ledger(tmp_path)
    again.record("/in/late.jpg", HandledFile(STAMP, "3" * 64))
    again = new_ledger(tmp_path)
    assert sorted(again.paths()) == sorted([name, "/in/bad.jpg", "/in/late.jpg"])
    assert again.failed() == [FailedFile("/in/bad.jpg", "truncated_photo", "Cut.")]
    assert again.get(name) == HandledFile(STAMP, "2" * 64)
    assert again.photo_count == 2


def test_the_ledger_stays_small(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    for _ in range(1_200):
        ledger.record("/in/a.jpg", HandledFile(STAMP, "1" * 64))
        ledger.forget(["/in/a.jpg"])
    ledger.record("/in/b.jpg", HandledFile(STAMP, "2" * 64))
    assert (tmp_path / "files.jsonl").read_bytes().count(b"\n") < 1_500
    assert new_ledger(tmp_path).paths() == ["/in/b.jpg"]


class FullDisk(FileSystem):
    def before_step(self, step: str, path: Path) -> None:
        raise OSError(28, "No space left on device")


def test_a_full_disk_costs_the_ledger_only_a_second_reading(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, FullDisk())
    ledger.record("/in/a.jpg", HandledFile(STAMP, "1" * 64))
    assert ledger.get("/in/a.jpg") is not None
    assert new_ledger(tmp_path).paths() == []


def test_mounts_are_read_with_their_escapes() -> None:
    text = (
        "/dev/sda1 / ext4 rw 0 0\n"
        "nas:/photos /mnt/nas nfs4 rw 0 0\n"
        "/dev/sdb1 /media/me/EOS\\040DIGITAL vfat rw 0 0\nbroken\n"
        "sshfs#me /home/me/far fuse.sshfs rw 0 0\n"
    )
    mounts = parse_mounts(text)
    assert [mount.path for mount in mounts][2] == Path("/media/me/EOS DIGITAL")
    assert mount_of(Path("/mnt/nas/2026"), mounts) == mounts[1]
    assert not mounts[1].has_events and not mounts[3].has_events
    assert mounts[0].has_events and mounts[2].has_events
    assert mount_of(Path("/anywhere"), []) == Mount(Path("/anywhere"))
    assert Mount(Path("/anywhere")).has_events


def test_the_list_of_folders_survives_and_changes_one_by_one(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        folders = WatchedFolders(library)
        assert not has_watched_folders(library.folder)
        copied = WatchedFolder(tmp_path / "b", by_reference=False)
        referenced = WatchedFolder(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")), True)
        folders.save(copied)
        folders.save(referenced)
        assert WatchedFolders(library).all() == [copied, referenced]
        assert has_watched_folders(library.folder)
        paused = folders.set_paused(copied.id, True)
        assert paused is not None and paused.is_paused
        folders.remove(referenced)
        assert folders.all() == [paused]
        assert not has_watched_folders(library.folder)
        assert folders.set_paused(referenced.id, True) is None
        (library.folder / "watch" / copied.id / "folder.json").write_text("{", encoding="utf-8")
        assert folders.all() == []


def test_a_state_is_stored_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        folders, folder = WatchedFolders(library), WatchedFolder(tmp_path, False)
        state = FolderState(
            FolderStatus.WATCHING,
            "2026-01-02T03:04:05.000+00:00",
            3,
            5,
            (FailedFile("a", "empty_file", "Empty."),),
            ("/b.jpg",),
        )
        folders.write_state(folder, state.as_row())
        assert FolderState.from_row(folders.read_state(folder)) == state
        assert FolderState.from_row({}) == FolderState(FolderStatus.STARTING)


def test_folders_that_cannot_be_watched_are_refused(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        folders = WatchedFolders(library)
        (tmp_path / "in" / "deep").mkdir(parents=True)
        (tmp_path / "note.txt").touch()
        folders.save(WatchedFolder(tmp_path / "in", False))
        folders.require_watchable(tmp_path / "in")
        for path, reason in (
            (tmp_path / "in" / "deep", "is inside"),
            (tmp_path, "contains"),
            (library.folder, "is a library"),
            (library.folder / "originals", "is inside the library"),
        ):
            with pytest.raises(FolderNotWatchable, match=reason) as raised:
                folders.require_watchable(path)
            assert (raised.value.http_status, raised.value.exit_code) == (409, 2)
            assert str(path) in raised.value.message
        with pytest.raises(PathNotFound, match="does not exist"):
            folders.require_watchable(tmp_path / "gone")
        with pytest.raises(PathNotFound, match="is a file"):
            folders.require_watchable(tmp_path / "note.txt")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o000)
    with (
        Library(tmp_path / "library") as library,
        pytest.raises(FolderInaccessible, match="cannot be read"),
    ):
        WatchedFolders(library).require_watchable(locked)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights on Windows")
def test_a_link_to_a_watched_folder_is_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in", target_is_directory=True)
    with pytest.raises(FolderNotWatchable, match="is the same folder as"):
        require_apart(tmp_path / "link", [tmp_path / "in"])


def test_the_list_names_a_full_disk(tmp_path: Path) -> None:
    with Library(tmp_path / "library", FileSystem()) as library:
        library.file_system.before_step = FullDisk().before_step  # type: ignore[method-assign]
        with pytest.raises(LibraryFull):
            WatchedFolders(library).save(WatchedFolder(tmp_path, False))
