"""A backup that a stranger made runs nothing, names nothing outside, and claims nothing false."""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.cli.main import main
from scene_model.config import Settings
from scene_model.errors import BackupDamaged, BackupError, NotABackup, SceneError
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.backup_file import MANIFEST_NAME
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.verify import verify
from scene_model.services import open_services
from tests.conftest import ASSETS
from tests.pictures import encode, textured

Members = dict[str, bytes]
SECRET = b"root:x:0:0: the secret"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A closed library of three photos, and its backup."""
    folder = tmp_path_factory.mktemp("forged")
    services = open_services(Settings(library=folder / "library", workers=1))
    photos = [(f"{number}.jpg", encode(textured(80, 60, seed=number))) for number in range(3)]
    assert services.jobs.submit(photos).wait(120)
    file = write_backup(services.library, folder / "backup.zip").file
    services.close()
    return folder / "library", file


@pytest.fixture
def library(made: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "library"))


def members_of(file: Path) -> Members:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forge(made: tuple[Path, Path], target: Path, change: Callable[[Members], None]) -> Path:
    """Write a changed backup whose manifest agrees with its members."""
    members = members_of(made[1])
    change(members)
    manifest = json.loads(members[MANIFEST_NAME])
    manifest["files"] = [
        {"name": name, "file_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
        if name != MANIFEST_NAME
    ]
    members[MANIFEST_NAME] = json.dumps(manifest).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


def with_sql(members: Members, script: str) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(members["library.db"])
        connection.executescript(script)
        connection.commit()
        members["library.db"] = bytes(connection.serialize())


def original_name(members: Members) -> str:
    return next(name for name in members if name.startswith("originals/"))


def as_id(value: str) -> str:
    """SQL that gives the first photo another id."""
    script = """
        PRAGMA foreign_keys = OFF;
        UPDATE automatic_tags SET photo_id = 'NEW' WHERE photo_id =
            (SELECT id FROM photos WHERE number = (SELECT min(number) FROM photos));
        UPDATE photos SET id = 'NEW' WHERE number = (SELECT min(number) FROM photos)"""
    return script.replace("NEW", value)


FOREIGN_SCHEMAS = {
    "trigger": "CREATE TRIGGER spy AFTER INSERT ON photos BEGIN DELETE FROM photos; END",
    "view": "CREATE VIEW everything AS SELECT * FROM photos",
    "table": "CREATE TABLE diary (text TEXT)",
    "virtual table": "CREATE VIRTUAL TABLE words USING fts5(text)",
    "index": "CREATE INDEX spy ON photos (upper(name))",
    "view in place of a table": (
        "DROP TABLE taught_tags; CREATE VIEW taught_tags AS SELECT 1 AS label"
    ),
    "our trigger with another body": (
        "DROP TRIGGER class_decided; CREATE TRIGGER class_decided AFTER INSERT ON "
        "class_decisions BEGIN DELETE FROM photos; END"
    ),
    "missing trigger": "DROP TRIGGER class_decided",
    "missing table": "DROP TABLE twins",
    "table with a check": (
        "DROP TABLE choices; CREATE TABLE choices (name TEXT NOT NULL, value TEXT NOT NULL "
        "CHECK (length(value) < 5), PRIMARY KEY (name))"
    ),
    "another column": "ALTER TABLE photos ADD COLUMN spy TEXT",
    "a generated column": "ALTER TABLE choices ADD COLUMN spy AS (upper(value))",
}


@pytest.mark.parametrize("script", FOREIGN_SCHEMAS.values(), ids=FOREIGN_SCHEMAS)
def test_a_foreign_schema_is_refused(made: tuple[Path, Path], tmp_path: Path, script: str) -> None:
    file = forge(made, tmp_path / "forged.zip", lambda members: with_sql(members, script))
    with pytest.raises(NotABackup, match="was not written by this program"):
        restore_backup(file, tmp_path / "back")
    assert [path.name for path in tmp_path.iterdir()] == ["forged.zip"]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("kind", ["trigger", "view", "table", "another column"])
def test_a_foreign_schema_of_an_earlier_version_is_refused(
    made: tuple[Path, Path], tmp_path: Path, version: int, kind: str
) -> None:
    def use_earlier(members: Members) -> None:
        dump = (ASSETS / f"library_version_{version}.sql").read_text(encoding="utf-8")
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript(dump)
            connection.executescript(FOREIGN_SCHEMAS[kind].replace("photos ADD", "edits ADD"))
            members["library.db"] = bytes(connection.serialize())

    file = forge(made, tmp_path / "forged.zip", use_earlier)
    with pytest.raises(NotABackup, match="was not written by this program"):
        restore_backup(file, tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("version", [1, 2])
def test_an_honest_backup_of_an_earlier_version_is_restored(
    made: tuple[Path, Path], tmp_path: Path, version: int, temple: bytes, flower: bytes
) -> None:
    def use_earlier(members: Members) -> None:
        for name in [name for name in members if name.startswith(("originals/", "thumbnails/"))]:
            del members[name]
        for data in (temple, flower):
            digest = hashlib.sha256(data).hexdigest()
            members[f"originals/{digest[:2]}/{digest}.jpg"] = data
        dump = (ASSETS / f"library_version_{version}.sql").read_text(encoding="utf-8")
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript(dump)
            members["library.db"] = bytes(connection.serialize())

    file = forge(made, tmp_path / "b.zip", use_earlier)
    restored = restore_backup(file, tmp_path / "back", accept_references=True)
    with Library(restored.folder) as back:
        assert back.count() == 2
        assert {p.code for p in verify(back, settle_s=0).problems} <= {"missing_thumbnail"}


IDS = [
    "../../../../etc/passwd",
    "..",
    "/etc/passwd",
    "ab" * 32 + "/../../x",
    "AB" * 32,
    "ab" * 31,
    "ab" * 32 + "\n",
    "ab/" + "cd" * 30 + "e",
    "",
]


@pytest.mark.parametrize("photo_id", IDS)
def test_an_id_is_a_hash_and_nothing_else(
    made: tuple[Path, Path], tmp_path: Path, photo_id: str
) -> None:
    file = forge(made, tmp_path / "forged.zip", lambda members: with_sql(members, as_id(photo_id)))
    with pytest.raises(SceneError, match="not the hash of a file|lacks 1 original"):
        restore_backup(file, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_an_id_is_the_hash_of_its_original(made: tuple[Path, Path], tmp_path: Path) -> None:
    def exchange(members: Members) -> None:
        members[original_name(members)] = SECRET

    file = forge(made, tmp_path / "forged.zip", exchange)
    with pytest.raises(NotABackup, match="is not the hash of it"):
        restore_backup(file, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_changed_original_that_the_list_names_is_told(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An honest backup of a library whose original was changed."""

    def exchange(members: Members) -> None:
        name = original_name(members)
        members[name] += b"x"
        manifest = json.loads(members[MANIFEST_NAME])
        manifest["changed"] = [Path(name).stem]
        members[MANIFEST_NAME] = json.dumps(manifest).encode()

    file = forge(made, tmp_path / "b.zip", exchange)
    code = main(["library", "restore", str(file), "--library", str(tmp_path / "back")])
    assert (code, "original_changed" in capsys.readouterr().out) == (3, True)


@pytest.mark.parametrize("is_listed", [True, False])
def test_references_are_told_and_confirmed(
    made: tuple[Path, Path],
    tmp_path: Path,
    is_listed: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(SECRET)

    def refer(members: Members) -> None:
        name = original_name(members)
        photo_id = Path(name).stem
        del members[name]
        with_sql(
            members,
            f"UPDATE photos SET reference = '{secret}' WHERE id = '{photo_id}'",  # noqa: S608
        )
        manifest = json.loads(members[MANIFEST_NAME])
        key = "references" if is_listed else "missing"
        manifest[key] = [{"photo": photo_id, "path": "/harmless.jpg"} if is_listed else photo_id]
        members[MANIFEST_NAME] = json.dumps(manifest).encode()

    file = forge(made, tmp_path / "forged.zip", refer)
    arguments = ["library", "restore", str(file), "--library", str(tmp_path / "back")]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert str(secret) in error, "the path that would be read, whatever the list says"
    assert "--accept-references" in error
    assert not (tmp_path / "back").exists()
    assert main([*arguments, "--accept-references"]) == (0 if is_listed else 3)


@pytest.mark.parametrize("name", ["../../outside-4", "/x-4", "..-4", "a/b/c-4"])
def test_a_row_names_no_embedding_file_elsewhere(
    made: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    def change(members: Members) -> None:
        with_sql(members, f"INSERT INTO free_slots VALUES ('{name}', 0)")  # noqa: S608

    file = forge(made, tmp_path / "forged.zip", change)
    with pytest.raises(NotABackup, match="does not belong in a library"):
        restore_backup(file, tmp_path / "back")


def test_nor_does_a_row_of_a_further_network(made: tuple[Path, Path], tmp_path: Path) -> None:
    def change(members: Members) -> None:
        photo = "(SELECT min(number) FROM photos)"
        with_sql(members, f"INSERT INTO backbone_embeddings VALUES ({photo}, '../x-4', 0)")  # noqa: S608

    file = forge(made, tmp_path / "forged.zip", change)
    with pytest.raises(NotABackup, match="does not belong in a library"):
        restore_backup(file, tmp_path / "back")


def test_values_that_nothing_writes_are_refused(made: tuple[Path, Path], tmp_path: Path) -> None:
    script = "UPDATE photos SET name = CAST(x'ff00fe' AS TEXT)"
    file = forge(made, tmp_path / "forged.zip", lambda members: with_sql(members, script))
    with pytest.raises(BackupDamaged, match="values that nothing writes there"):
        restore_backup(file, tmp_path / "back")


@pytest.mark.parametrize("number", [0, 3_000_000_000])
def test_impossible_numbers_of_photos_are_refused(
    made: tuple[Path, Path], tmp_path: Path, number: int
) -> None:
    script = f"UPDATE photos SET number = {number} WHERE number = (SELECT min(number) FROM photos)"  # noqa: S608
    file = forge(made, tmp_path / "forged.zip", lambda members: with_sql(members, script))
    with pytest.raises(NotABackup, match=f"the number {number:,}; numbers are from 1"):
        restore_backup(file, tmp_path / "back")


def test_short_vectors_in_a_backup_are_not_kept(made: tuple[Path, Path], tmp_path: Path) -> None:
    name = f"embeddings/b-160.{'0' * 32}.near"
    file = forge(made, tmp_path / "forged.zip", lambda members: members.update({name: b"x"}))
    restore_backup(file, tmp_path / "back")
    assert not list((tmp_path / "back" / "embeddings").glob("*.near"))


def test_a_restored_database_trusts_no_schema(library: Path) -> None:
    with Library(library) as opened, opened.database.reader.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA trusted_schema").scalar() == 0


@pytest.mark.skipif(os.name != "posix", reason="links need rights here")
@pytest.mark.parametrize("place", ["file", "folder", "thumbnail", "pipe"])
def test_a_backup_follows_no_link_out_of_the_library(
    library: Path, tmp_path: Path, place: str
) -> None:
    original = next((library / "originals").glob("*/*.jpg"))
    thumbnail = library / "thumbnails" / original.stem[:2] / f"{original.stem}.webp"
    outside = tmp_path / "outside"
    outside.mkdir()
    if place == "folder":
        shutil.rmtree(original.parent)
        (outside / original.name).write_bytes(SECRET)
        original.parent.symlink_to(outside)
    else:
        (outside / "secret").write_bytes(SECRET)
        path = thumbnail if place == "thumbnail" else original
        path.unlink(missing_ok=True)
        if place == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to(outside / "secret")
    with Library(library) as opened:
        done = write_backup(opened, tmp_path / "b.zip")
        codes = {problem.code for problem in verify(opened, settle_s=0).problems}
    members = members_of(done.file)
    assert SECRET not in members.values()
    if place == "thumbnail":
        assert done.manifest.missing == ()
    else:
        assert original.stem in done.manifest.missing
        assert codes & {"linked_original", "missing_original"}


def test_a_backup_makes_no_path_of_an_id(library: Path, tmp_path: Path) -> None:
    """A library restored by an earlier version may have such an id."""
    (tmp_path / "x.jpg").write_bytes(SECRET)
    with contextlib.closing(sqlite3.connect(library / "library.db")) as connection:
        connection.executescript(as_id("../../x"))
    with Library(library) as opened:
        with pytest.raises(BackupError, match="not the hash of a file"):
            write_backup(opened, tmp_path / "b.zip")
        assert "invalid_id" in {problem.code for problem in verify(opened, settle_s=0).problems}
        result = verify(opened, repair=True, settle_s=0)
        assert result.orphans_dir is not None
        assert "../../x" in (result.orphans_dir / "photos.jsonl").read_text(encoding="utf-8")
        assert write_backup(opened, tmp_path / "b.zip").manifest.photos == 2
    assert (tmp_path / "x.jpg").read_bytes() == SECRET
    assert SECRET not in members_of(tmp_path / "b.zip").values()


@pytest.mark.parametrize("name", ["", "originals"])
def test_a_folder_that_becomes_a_link_is_not_followed(
    made: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()

    def swap(_done: int, _total: int) -> None:
        (unpacked,) = tmp_path.glob("back.restoring-*")
        if not (unpacked / name).is_symlink():
            (unpacked / name).mkdir(exist_ok=True)
            (unpacked / name).rename(tmp_path / "aside")
            (unpacked / name).symlink_to(outside)

    with pytest.raises(BackupError, match="cannot be restored"):
        restore_backup(made[1], tmp_path / "back", on_progress=swap)
    assert not any(outside.iterdir())
    assert not (tmp_path / "back").exists()
