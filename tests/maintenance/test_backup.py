"""Restoring a backup gives the same library; a damaged or foreign backup changes nothing."""

import contextlib
import datetime
import hashlib
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from scene_model.config import PROJECT_DIR
from scene_model.errors import (
    BackupDamaged,
    BackupError,
    BackupTooNew,
    LibraryInUse,
    NotABackup,
    PathNotFound,
    SceneError,
    TargetExists,
    UsageError,
)
from scene_model.library import edits, trash
from scene_model.library.database.schema import photos
from scene_model.library.records import PhotoRecord
from scene_model.library.store import Library
from scene_model.maintenance import backup
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.backup_file import MANIFEST_NAME
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.verify import verify
from scene_model.services import Services

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def photos_of(library: Library) -> list[PhotoRecord]:
    return list(library.records([*library.find(), *library.find(trashed=True)]))


@pytest.fixture
def library(
    services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]], temple: bytes
) -> Library:
    ids = add_photos([*made_photos[:4], ("temple.jpg", temple)])
    edits.add_tag(services.library, ids[:3], "Grandma")
    edits.set_class(services.library, ids[1:2], "holiday")
    edits.set_favourite(services.library, ids[:2], True)
    edits.set_rating(services.library, ids[1:3], 4)
    edits.move_to_trash(services.library, ids[3:4])
    services.library.choose("bundle", "mine")
    return services.library


@pytest.fixture
def backup_file(library: Library, tmp_path: Path) -> Path:
    return write_backup(library, tmp_path / "backup.zip").file


def changed(backup_file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write a copy of a backup with changed members, as an attacker could."""
    with zipfile.ZipFile(backup_file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    changed_file = backup_file.with_name("changed.zip")
    with zipfile.ZipFile(changed_file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return changed_file


def with_manifest(members: dict[str, bytes], **values: Any) -> None:
    members[MANIFEST_NAME] = json.dumps(json.loads(members[MANIFEST_NAME]) | values).encode()


def assert_refused(file: Path, folder: Path, kind: type[SceneError], match: str) -> None:
    with pytest.raises(kind, match=match):
        restore_backup(file, folder)
    assert not folder.exists()
    assert not [path.name for path in folder.parent.iterdir() if "restoring" in path.name]


def test_round_trip(library: Library, tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    done = write_backup(
        library, tmp_path / "b.zip", on_progress=lambda done, total: progress.append((done, total))
    )
    assert progress[-1] == (5, 5)
    assert (done.manifest.missing, done.manifest.changed) == ((), ())
    assert done.file_bytes == done.file.stat().st_size
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "library"]
    with zipfile.ZipFile(done.file) as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.namelist()[-1] == MANIFEST_NAME
    restored = restore_backup(done.file, tmp_path / "new" / "library")
    assert restored.moved_aside is None
    with Library(restored.folder) as back:
        assert photos_of(back) == photos_of(library)
        assert [sum(p.favourite for p in photos_of(back)), back.count(photos.c.rating == 4)] == [
            2,
            2,
        ]
        assert back.choice("bundle") == "mine"
        assert verify(back).problems == ()
        for photo in photos_of(back):
            assert back.original_bytes(photo.id) == library.original_bytes(photo.id)
            assert (back.embedding(photo.id).values == library.embedding(photo.id).values).all()
        undone = edits.undo(back)
        assert undone is not None
        assert undone.description == "Moved to the trash"


def test_while_the_library_is_in_use(
    services: Services,
    library: Library,
    made_photos: list[tuple[str, bytes]],
    tmp_path: Path,
) -> None:
    deleted_id = library.find()[0]
    steps, backing_up = itertools.count(), threading.get_ident()

    # The first connection that the backup returns to the pool has copied the database; other
    # threads of the services read, too.
    @event.listens_for(library.database.reader, "checkin")
    def use_library(*_: Any) -> None:
        if threading.get_ident() == backing_up and next(steps) == 0:
            assert list(tmp_path.glob("b.zip.*.part.db"))
            services.jobs.submit(made_photos[6:]).wait(60)
            edits.add_tag(library, library.find(), "later")
            edits.move_to_trash(library, [deleted_id])
            trash.empty_trash(library, [deleted_id])

    done = write_backup(library, tmp_path / "b.zip")
    restored = restore_backup(done.file, tmp_path / "back")
    with Library(restored.folder) as back:
        assert verify(back).problems == ()
        records_by_id = {photo.id: photo for photo in photos_of(back)}
        assert deleted_id not in records_by_id
        assert len(records_by_id) == done.manifest.photos == 4
        assert all("later" not in photo.shown_tags for photo in records_by_id.values())
        while edits.undo(back):
            pass


def test_edits_during_a_backup_are_neither_lost_nor_half_in_it(
    library: Library, tmp_path: Path
) -> None:
    photo_ids = library.find()
    completed_labels: list[str] = []
    stop, edit_completed = threading.Event(), threading.Event()

    def keep_editing() -> None:
        for number in range(10_000):
            if stop.is_set():
                return
            edits.add_tag(library, photo_ids, f"tag {number}")
            completed_labels.append(f"tag {number}")
            edit_completed.set()

    def wait_for_an_edit(_done: int, _total: int) -> None:
        edit_completed.clear()
        assert edit_completed.wait(60)

    def labels_by_photo(opened: Library) -> list[set[str]]:
        records = opened.records(photo_ids)
        return [{t.label for t in photo.tags if t.label.startswith("tag ")} for photo in records]

    backups: list[tuple[Path, int, int]] = []
    thread = threading.Thread(target=keep_editing)
    thread.start()
    try:
        for number in range(3):
            count_before = len(completed_labels)
            file = tmp_path / f"{number}.zip"
            write_backup(library, file, on_progress=wait_for_an_edit)
            backups.append((file, count_before, len(completed_labels)))
    finally:
        stop.set()
        thread.join()
    assert labels_by_photo(library) == [set(completed_labels)] * len(photo_ids)
    for file, count_before, count_after in backups:
        with Library(restore_backup(file, tmp_path / f"{file.stem}-back").folder) as restored:
            assert verify(restored).problems == ()
            labels = labels_by_photo(restored)
        # The edits up to one moment of the backup, each of them on all photos.
        assert count_before <= len(labels[0]) < count_after
        assert labels == [set(completed_labels[: len(labels[0])])] * len(photo_ids)


def test_nothing_is_overwritten(library: Library, tmp_path: Path) -> None:
    (tmp_path / "mine.zip").write_bytes(b"mine")
    with pytest.raises(TargetExists, match="is not overwritten"):
        write_backup(library, tmp_path / "mine.zip")
    assert (tmp_path / "mine.zip").read_bytes() == b"mine"
    with pytest.raises(PathNotFound, match="no folder"):
        write_backup(library, tmp_path / "nowhere" / "b.zip")


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_created_meanwhile_is_not_overwritten(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    target, link = tmp_path / "b.zip", os.link

    def create_target_first(source: Path, name: Path) -> None:
        target.write_bytes(b"mine")
        if not has_links:
            raise OSError(1, "Operation not permitted")
        link(source, name)

    monkeypatch.setattr(os, "link", create_target_first)
    with pytest.raises(TargetExists):
        write_backup(library, target)
    assert target.read_bytes() == b"mine"
    assert not list(tmp_path.glob("*.part"))


def test_a_disk_without_links(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    done = write_backup(library, tmp_path / "b.zip")
    assert restore_backup(done.file, tmp_path / "back").manifest.photos == 5


def test_a_full_disk(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 100))
        with pytest.raises(BackupError, match="MB are free"):
            write_backup(library, tmp_path / "b.zip")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "open", full)
        with pytest.raises(BackupError, match="No space left on device"):
            write_backup(library, tmp_path / "b.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["library"]
    file = write_backup(library, tmp_path / "b.zip").file
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 100))
    assert_refused(file, tmp_path / "back", BackupError, "MB are free")


def test_another_program_replaces_the_unfinished_file(library: Library, tmp_path: Path) -> None:
    def replace_part_file(done: int, total: int) -> None:
        if done == total:
            (part,) = tmp_path.glob("b.zip.*.part")
            part.unlink()
            part.write_bytes(b"another program's")

    with pytest.raises(TargetExists, match="Another program replaced"):
        write_backup(library, tmp_path / "b.zip", on_progress=replace_part_file)
    assert not (tmp_path / "b.zip").exists()
    (part,) = tmp_path.glob("b.zip.*.part")
    assert part.read_bytes() == b"another program's"


def test_missing_and_changed_originals_are_reported(library: Library, tmp_path: Path) -> None:
    missing_id, changed_id = library.find()[:2]
    library.original_path(missing_id).unlink()
    library.original_path(changed_id).write_bytes(b"changed")
    manifest = write_backup(library, tmp_path / "b.zip").manifest
    assert (manifest.missing, manifest.changed) == ((missing_id,), (changed_id,))
    with Library(restore_backup(tmp_path / "b.zip", tmp_path / "back").folder) as back:
        codes = {problem.code for problem in verify(back).problems}
    assert codes == {"missing_original", "changed_original"}, "the same problems as before"


def test_a_damaged_database_is_not_backed_up(library: Library, tmp_path: Path) -> None:
    library.close()
    file = library.folder / "library.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'automatic_tags'"
    ).fetchone()
    connection.close()
    with file.open("r+b") as database:
        database.seek((page - 1) * 4096)
        database.write(b"\xff" * 4096)
    with (
        Library(library.folder) as opened,
        pytest.raises(BackupError, match="database is damaged"),
    ):
        write_backup(opened, tmp_path / "b.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["library"]


def refer(library: Library, photo_id: str, to: Path) -> None:
    library.original_path(photo_id).rename(to)
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE photos SET reference = ? WHERE id = ?", (str(to), photo_id)
        )


def test_originals_by_reference(library: Library, tmp_path: Path) -> None:
    photo_id = library.find()[0]
    refer(library, photo_id, tmp_path / "mine.jpg")
    manifest = write_backup(library, tmp_path / "listed.zip").manifest
    (reference,) = manifest.references
    assert (reference.photo, reference.path) == (photo_id, str(tmp_path / "mine.jpg"))
    with pytest.raises(UsageError, match="--accept-references") as refused:
        restore_backup(tmp_path / "listed.zip", tmp_path / "listed")
    assert refused.value.code == "references_unconfirmed"
    assert str(tmp_path / "mine.jpg") in refused.value.message
    assert not (tmp_path / "listed").exists()
    restored = restore_backup(tmp_path / "listed.zip", tmp_path / "listed", accept_references=True)
    with Library(restored.folder) as back:
        assert verify(back).problems == (), "the original is still in its place"
    manifest = write_backup(library, tmp_path / "all.zip", with_references=True).manifest
    assert manifest.references == ()
    (tmp_path / "mine.jpg").unlink()
    with Library(restore_backup(tmp_path / "all.zip", tmp_path / "all").folder) as back:
        assert verify(back).problems == ()
        assert hashlib.sha256(back.original_bytes(photo_id)).hexdigest() == photo_id


@pytest.mark.skipif(sys.platform == "win32", reason="no such kill")
def test_killed_while_it_is_written(library: Library, tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
def kill(done, total):
    if done == 2:
        os.kill(os.getpid(), 9)
write_backup(Library(Path(sys.argv[1])), Path(sys.argv[2]), on_progress=kill)
"""
    target = tmp_path / "b.zip"
    done = subprocess.run(
        [sys.executable, "-c", script, str(library.folder), str(target)],
        cwd=PROJECT_DIR,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    assert not target.exists()
    (part,) = tmp_path.glob("b.zip.*.part")
    assert_refused(part, tmp_path / "back", BackupDamaged, "damaged or truncated")
    assert verify(library).problems == ()
    os.utime(part, (0, 0))  # no run still writes it
    write_backup(library, target)
    assert not part.exists()
    assert restore_backup(target, tmp_path / "back").manifest.photos == 5


def test_only_into_a_new_or_empty_folder(backup_file: Path, tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "diary.txt").write_text("mine")
    with pytest.raises(TargetExists, match="--replace"):
        restore_backup(backup_file, used)
    assert (used / "diary.txt").read_text() == "mine"
    moved = restore_backup(backup_file, used, replace=True).moved_aside
    assert moved is not None
    assert moved.name.startswith("used.before-20")
    assert (moved / "diary.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    with Library(restore_backup(backup_file, tmp_path / "empty").folder) as back:
        assert back.count() == 4


def test_a_folder_moved_aside_in_the_same_second_stays(backup_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "used"
    restore_backup(backup_file, target)
    now = datetime.datetime.now().astimezone()
    for second in range(60):
        moment = now + datetime.timedelta(seconds=second)
        earlier = tmp_path / f"used.before-{moment:%Y-%m-%dT%H%M%S}"
        (earlier / "photos").mkdir(parents=True)
    moved = restore_backup(backup_file, target, replace=True).moved_aside
    assert moved is not None
    assert moved.name.endswith("-2")
    assert (moved / "library.db").is_file()


def test_a_library_in_use_is_not_replaced(
    library: Library, backup_file: Path, tmp_path: Path
) -> None:
    library.count()
    with pytest.raises(LibraryInUse, match="open in another program"):
        restore_backup(backup_file, library.folder, replace=True)
    # Another process gets the same error.
    script = (
        "import sys; from pathlib import Path; from scene_model.maintenance.restore import *;"
        "restore_backup(Path(sys.argv[1]), Path(sys.argv[2]), replace=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(backup_file), str(library.folder)],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "LibraryInUse" in done.stderr
    library.close()
    moved = restore_backup(backup_file, library.folder, replace=True).moved_aside
    assert moved is not None
    with Library(moved) as before, Library(library.folder) as after:
        assert photos_of(before) == photos_of(after)


def test_a_damaged_library_may_be_replaced(backup_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "library.db").write_bytes(b"no database" * 1000)
    assert restore_backup(backup_file, broken, replace=True).moved_aside is not None


def test_the_old_library_stays_when_the_new_one_cannot_be_moved_into_place(
    backup_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = tmp_path / "used"
    Library(used).close()
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if "restoring" in path.name:
            raise OSError(16, "Device or resource busy")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(BackupError, match="busy"):
        restore_backup(backup_file, used, replace=True)
    assert (used / "library.db").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.zip", "library", "used"]


def test_a_folder_that_is_no_longer_empty(backup_file: Path, tmp_path: Path) -> None:
    def fill_folder(done: int, total: int) -> None:
        if done == total:
            (tmp_path / "back").mkdir()
            (tmp_path / "back" / "mine").touch()

    with pytest.raises(TargetExists, match="is no longer empty"):
        restore_backup(backup_file, tmp_path / "back", on_progress=fill_folder)
    assert (tmp_path / "back" / "mine").exists()


def test_files_that_are_not_backups(tmp_path: Path, temple: bytes) -> None:
    folder, file = tmp_path / "back", tmp_path / "file"
    with pytest.raises(PathNotFound, match="no file"):
        restore_backup(file, folder)
    for data in (b"", temple, b"just text" * 1000):
        file.write_bytes(data)
        assert_refused(file, folder, NotABackup, "is not a backup of a library")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("holiday/beach.jpg", temple)
    assert_refused(file, folder, NotABackup, "it has no backup.json")
    for text in ("nonsense", "{}", '{"format": "scene-gallery-backup", "version": 1}'):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(MANIFEST_NAME, text)
        assert_refused(file, folder, NotABackup, "cannot be read")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(MANIFEST_NAME, '{"format": "other", "version": 1}')
    assert_refused(file, folder, NotABackup, "belongs to another program")


def test_repacked(backup_file: Path, tmp_path: Path) -> None:
    repacked = tmp_path / "packed.zip"
    with zipfile.ZipFile(backup_file) as source, zipfile.ZipFile(repacked, "w", 8) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert_refused(repacked, tmp_path / "back", NotABackup, "repacked by another program")


def of_a_later_format(members: dict[str, bytes]) -> None:
    with_manifest(members, version=2)


def of_a_later_library(members: dict[str, bytes]) -> None:
    members["library.db"] = with_user_version(members["library.db"], 99)
    update_manifest(members)


@pytest.mark.parametrize(
    ("change", "match"),
    [(of_a_later_format, "has version 2"), (of_a_later_library, "has version 99")],
)
def test_of_a_later_version(
    backup_file: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], match: str
) -> None:
    assert_refused(changed(backup_file, change), tmp_path / "back", BackupTooNew, match)


def update_manifest(members: dict[str, bytes]) -> None:
    """Write a manifest that agrees with the members."""
    files = [
        {"name": name, "file_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
        if name != MANIFEST_NAME
    ]
    with_manifest(members, files=files)


def with_user_version(database: bytes, version: int) -> bytes:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(database)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
        return bytes(connection.serialize())


@pytest.mark.parametrize(
    "name",
    [
        "../outside.jpg",
        "originals/../../outside.jpg",
        "/etc/outside.jpg",
        "C:\\outside.jpg",
        "..\\outside.jpg",
        "originals/ab/" + "ab" * 32 + ".jpg/../../../../outside.jpg",
        "embeddings/../../outside.jpg",
        "embeddings/.hidden",
        "library.db-wal",
        "outside.jpg\n",
        "originals/",
    ],
)
def test_no_file_is_written_outside_the_folder(
    backup_file: Path, tmp_path: Path, name: str
) -> None:
    def add_member(members: dict[str, bytes]) -> None:
        members[name] = b"outside"
        update_manifest(members)

    before = {path for path in tmp_path.rglob("*") if "changed" not in path.name}
    assert_refused(
        changed(backup_file, add_member),
        tmp_path / "back",
        NotABackup,
        "does not belong in a library",
    )

    def add_to_manifest(members: dict[str, bytes]) -> None:
        members[name] = b"outside"
        update_manifest(members)
        del members[name]

    assert_refused(
        changed(backup_file, add_to_manifest), tmp_path / "back", NotABackup, "does not belong"
    )
    assert {path for path in tmp_path.rglob("*") if "changed" not in path.name} == before


def original_name(members: dict[str, bytes]) -> str:
    return next(name for name in members if name.startswith("originals/"))


def damage_original(members: dict[str, bytes]) -> None:
    members[original_name(members)] += b"x"


def remove_original(members: dict[str, bytes]) -> None:
    del members[original_name(members)]


def remove_original_and_its_entry(members: dict[str, bytes]) -> None:
    remove_original(members)
    update_manifest(members)


def remove_database(members: dict[str, bytes]) -> None:
    del members["library.db"]
    update_manifest(members)


def nonsense_database(members: dict[str, bytes]) -> None:
    members["library.db"] = b"nonsense" * 1000
    update_manifest(members)


def foreign_database(members: dict[str, bytes]) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE diary (text TEXT)")
        members["library.db"] = bytes(connection.serialize())
    update_manifest(members)


def damaged_database(members: dict[str, bytes]) -> None:
    data = bytearray(members["library.db"])
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(bytes(data))
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'automatic_tags'"
        ).fetchone()
    data[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    members["library.db"] = bytes(data)
    update_manifest(members)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (damage_original, "its hash differs"),
        (remove_original, "differ from its manifest"),
        (remove_original_and_its_entry, "lacks 1 original of"),
        (remove_database, "has no database"),
        (nonsense_database, "cannot be read"),
        (damaged_database, "database in the backup"),
    ],
)
def test_damage_is_found(
    backup_file: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], match: str
) -> None:
    assert_refused(changed(backup_file, change), tmp_path / "back", BackupDamaged, match)


def test_a_foreign_database(backup_file: Path, tmp_path: Path) -> None:
    file = changed(backup_file, foreign_database)
    assert_refused(file, tmp_path / "back", NotABackup, "is not a library's")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_occurs_twice(backup_file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(backup_file, "a") as archive:
        archive.writestr("library.db", b"another")
    assert_refused(backup_file, tmp_path / "back", BackupDamaged, "first 'library.db'")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_cut_short(backup_file: Path, tmp_path: Path, share: float) -> None:
    data = backup_file.read_bytes()
    backup_file.write_bytes(data[: int(len(data) * share)])
    assert_refused(backup_file, tmp_path / "back", BackupDamaged, "damaged or truncated")


def test_a_flipped_bit_anywhere(backup_file: Path, tmp_path: Path) -> None:
    """A flipped bit makes restoring fail or leaves an intact library."""
    data = backup_file.read_bytes()
    for at in range(7, len(data), len(data) // 60):
        flipped = bytearray(data)
        flipped[at] ^= 0x10
        backup_file.write_bytes(bytes(flipped))
        with contextlib.suppress(SceneError):
            folder = restore_backup(backup_file, tmp_path / f"back-{at}").folder
            # The bit was in a date or an attribute of a member, for example.
            with Library(folder) as back:
                assert verify(back, settle_s=0).problems == ()
    assert not [path for path in tmp_path.iterdir() if "restoring" in path.name]


def test_damage_inside_a_member_of_the_zip(
    backup_file: Path, tmp_path: Path, temple: bytes
) -> None:
    data = bytearray(backup_file.read_bytes())
    at = bytes(data).index(temple[:64]) + 1000
    data[at] ^= 0xFF
    backup_file.write_bytes(bytes(data))
    assert_refused(backup_file, tmp_path / "back", BackupDamaged, "damaged or truncated")


def test_large_members_get_zip64_headers(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.thumbnail(library.find()[0])
    small = library.files.thumbnail_location(library.find()[0])
    small.write_bytes(b"x" * 99)
    monkeypatch.setattr(backup, "ZIP64_BYTES", 100)
    file = write_backup(library, tmp_path / "b.zip").file
    with zipfile.ZipFile(file) as archive:
        versions = {m.filename: m.extract_version for m in archive.infolist()}
    versions.pop(MANIFEST_NAME)
    # A reader of ZIP64 headers supports version 4.5 of the format.
    assert versions.pop(small.relative_to(library.folder).as_posix()) == 20
    assert set(versions.values()) == {45}
    assert restore_backup(file, tmp_path / "back").manifest.photos == 5
