"""An encrypted backup tells nothing without its passphrase, and restores exactly the library."""

import errno
import functools
import io
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from scene_model.config import PROJECT_DIR, Settings
from scene_model.errors import BackupDamaged, BackupError, NotABackup, SceneError, UsageError
from scene_model.library import edits
from scene_model.library.records import PhotoRecord
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.encryption import MAX_KEY_BYTES, encrypted_into
from scene_model.maintenance.restore import RestoreResult, restore_backup
from scene_model.maintenance.verify import verify
from scene_model.services import open_services
from tests.pictures import encode, textured

pytestmark = pytest.mark.slow

PASSPHRASE = SecretStr("four words – and an ümlaut")
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A closed library of four photos, and its encrypted backup."""
    folder = tmp_path_factory.mktemp("encrypted")
    services = open_services(Settings(library=folder / "library", workers=1))
    photos = [(f"beach {n}.jpg", encode(textured(160, 120, seed=n))) for n in range(4)]
    assert services.jobs.submit(photos).wait(120)
    edits.add_tag(services.library, services.library.find()[:2], "Grandma")
    (folder / "backup").mkdir()
    file = folder / "backup" / "b.zip"
    write_backup(services.library, file, passphrase=PASSPHRASE)
    services.close()
    return folder / "library", file


@pytest.fixture(autouse=True, scope="module")
def _each_key_derived_once() -> Iterator[None]:
    """Remember what a passphrase opened: making a guess slow is the purpose of its format."""
    with pytest.MonkeyPatch.context() as patch:
        decrypt = functools.cache(pyrage.passphrase.decrypt)
        patch.setattr(pyrage.passphrase, "decrypt", decrypt)
        yield


@pytest.fixture
def library(made: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "library"))


@pytest.fixture
def file(made: tuple[Path, Path], tmp_path: Path) -> Path:
    (tmp_path / "from").mkdir()
    return Path(shutil.copy(made[1], tmp_path / "from" / "b.zip"))


def restore(file: Path, folder: Path, passphrase: SecretStr = PASSPHRASE) -> RestoreResult:
    return restore_backup(file, folder, ask_passphrase=lambda: passphrase)


def never_asked() -> SecretStr:
    raise AssertionError("asked for a passphrase")


def assert_refused(
    file: Path, folder: Path, kind: type[SceneError], match: str, code: str = ""
) -> None:
    folder.parent.mkdir()
    with pytest.raises(kind, match=match) as refused:
        restore(file, folder)
    assert refused.value.code == (code or kind.code)
    assert PASSPHRASE.get_secret_value() not in refused.value.message
    assert [*folder.parent.iterdir()] == []


def photos_of(library: Library) -> list[PhotoRecord]:
    return list(library.records(library.find()))


def members_of(file: Path) -> Members:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(file: Path, members: Members, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def decrypted_by_age(members: Members) -> bytes:
    """What the program `age` makes of the two files."""
    key = pyrage.passphrase.decrypt(members["key.age"], PASSPHRASE.get_secret_value())
    identity = pyrage.x25519.Identity.from_str(key.decode().strip())
    return bytes(pyrage.decrypt(members["backup.age"], [identity]))


def test_round_trip(made: tuple[Path, Path], tmp_path: Path) -> None:
    questions: list[str] = []

    def ask() -> SecretStr:
        questions.append("passphrase?")
        return PASSPHRASE

    restored = restore_backup(made[1], tmp_path / "back", ask_passphrase=ask)
    assert len(questions) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["back"]
    with Library(made[0]) as library, Library(restored.folder) as back:
        assert photos_of(back) == photos_of(library)
        assert len(photos_of(back)) == 4
        assert verify(back, settle_s=0).problems == ()
        for photo_id in library.find():
            assert back.original_bytes(photo_id) == library.original_bytes(photo_id)
            assert (back.embedding(photo_id).values == library.embedding(photo_id).values).all()
        assert edits.undo(back) is not None


def test_a_plain_backup_needs_no_passphrase(library: Path, tmp_path: Path) -> None:
    with Library(library) as opened:
        write_backup(opened, tmp_path / "plain.zip")
    restored = restore_backup(tmp_path / "plain.zip", tmp_path / "back", ask_passphrase=never_asked)
    assert restored.manifest.photos == 4


def test_the_program_age_opens_it(made: tuple[Path, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(made[1]) as archive:
        assert archive.namelist() == ["key.age", "backup.age"]
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
    (tmp_path / "plain.zip").write_bytes(decrypted_by_age(members_of(made[1])))
    restored = restore_backup(tmp_path / "plain.zip", tmp_path / "back", ask_passphrase=never_asked)
    assert restored.manifest.photos == 4


def plain_texts(library: Path) -> list[bytes]:
    """Bytes that an unencrypted copy of anything in the library would have."""
    originals = [path.read_bytes()[1000:1064] for path in library.glob("originals/*/*")]
    names = [path.stem.encode() for path in library.glob("originals/*/*")]
    assert len(originals) == 4
    return [*originals, *names, b"SQLite format 3", b"Grandma", b"beach 1", b"originals/"]


def test_it_tells_nothing_of_the_library(made: tuple[Path, Path]) -> None:
    data = made[1].read_bytes()
    assert not [text for text in plain_texts(made[0]) if text in data]


def test_each_has_a_key_of_its_own(made: tuple[Path, Path], library: Path, tmp_path: Path) -> None:
    with Library(library) as opened:
        write_backup(opened, tmp_path / "again.zip", passphrase=PASSPHRASE)
    first, again = members_of(made[1]), members_of(tmp_path / "again.zip")
    # The key of one does not open the other.
    first["backup.age"] = again["backup.age"]
    write_members(tmp_path / "mixed.zip", first)
    assert_refused(tmp_path / "mixed.zip", tmp_path / "x" / "back", BackupDamaged, "damaged")


def test_nothing_plain_is_written_beside_it(library: Path, tmp_path: Path) -> None:
    target = tmp_path / "to" / "b.zip"
    target.parent.mkdir()
    listings: list[list[str]] = []

    def list_files(_done: int, _total: int) -> None:
        listings.append([path.suffix for path in target.parent.iterdir()])
        assert list((library / "new").glob("*.part.db")), "the copy of the database is here"

    with Library(library) as opened:
        write_backup(opened, target, on_progress=list_files, passphrase=PASSPHRASE)
    assert listings == [[".part"]] * 4
    assert [path.name for path in target.parent.iterdir()] == ["b.zip"]
    assert [*(library / "new").iterdir()] == []


def test_a_long_backup_keeps_its_copy_of_the_database(library: Path, tmp_path: Path) -> None:
    def open_an_hour_later(done: int, _total: int) -> None:
        (copy,) = (library / "new").glob("*.part.db")
        if done == 1:
            os.utime(copy, (0, 0))
        else:
            Library(library).close()

    with Library(library) as opened:
        write_backup(
            opened, tmp_path / "b.zip", on_progress=open_an_hour_later, passphrase=PASSPHRASE
        )
    assert restore(tmp_path / "b.zip", tmp_path / "back").manifest.photos == 4


@pytest.mark.parametrize("passphrase", ["four words", "", "four words – and an ümlaut "])
def test_another_passphrase(file: Path, tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(BackupError, match="does not open the backup") as refused:
        restore(file, tmp_path / "back", SecretStr(passphrase))
    assert refused.value.code == "wrong_passphrase"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["from"]


def test_no_passphrase(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is encrypted") as refused:
        restore_backup(file, tmp_path / "back")
    assert refused.value.code == "passphrase_needed"


def test_the_existing_library_stays_when_the_passphrase_is_wrong(file: Path, library: Path) -> None:
    with pytest.raises(BackupError):
        restore_backup(file, library, replace=True, ask_passphrase=lambda: SecretStr("another one"))
    with Library(library) as opened:
        assert verify(opened, settle_s=0).problems == ()


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.999])
def test_cut_short(file: Path, tmp_path: Path, share: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    assert_refused(file, tmp_path / "to" / "back", BackupDamaged, "damaged or truncated")


@pytest.mark.parametrize("name", ["key.age", "backup.age"])
@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.5, 0.8, 0.9999])
def test_a_flipped_bit_anywhere(file: Path, tmp_path: Path, name: str, share: float) -> None:
    data = bytearray(file.read_bytes())
    member = members_of(file)[name]
    data[data.index(member) + int(len(member) * share)] ^= 0x10
    file.write_bytes(bytes(data))
    assert_refused(file, tmp_path / "to" / "back", BackupDamaged, "damaged or truncated")


def flip_key(members: Members) -> None:
    key = members["key.age"]
    members["key.age"] = key[:-20] + bytes([key[-20] ^ 1]) + key[-19:]


def flip_data(members: Members) -> None:
    data = bytearray(members["backup.age"])
    data[len(data) // 2] ^= 1
    members["backup.age"] = bytes(data)


def cut_data(members: Members) -> None:
    """Remove whole pieces; age encrypts pieces of 64 KiB, each with 16 bytes that authenticate."""
    data = members["backup.age"]
    start = len(data) % (65536 + 16)
    assert len(data) > start + 65536 + 16
    members["backup.age"] = data[: -(65536 + 16)]


def lengthen_data(members: Members) -> None:
    members["backup.age"] += b"x"


def empty_data(members: Members) -> None:
    members["backup.age"] = b""


def remove_key(members: Members) -> None:
    del members["key.age"]


def remove_data(members: Members) -> None:
    del members["backup.age"]


def add_file(members: Members) -> None:
    members["library.db"] = b"x"


def huge_key(members: Members) -> None:
    members["key.age"] = bytes(MAX_KEY_BYTES + 1)


def other_key(members: Members) -> None:
    members["key.age"] = pyrage.passphrase.encrypt(b"diary", PASSPHRASE.get_secret_value())


def no_age_file(members: Members) -> None:
    members["key.age"] = b"diary"


def no_zip(members: Members) -> None:
    key = pyrage.passphrase.decrypt(members["key.age"], PASSPHRASE.get_secret_value())
    identity = pyrage.x25519.Identity.from_str(key.decode().strip())
    members["backup.age"] = pyrage.encrypt(b"diary", [identity.to_public()])


@pytest.mark.parametrize(
    ("change", "kind", "match", "code"),
    [
        (flip_key, BackupError, "does not open", "wrong_passphrase"),
        (no_age_file, BackupError, "does not open", "wrong_passphrase"),
        (flip_data, BackupDamaged, "backup.age in the backup is damaged", ""),
        (cut_data, BackupDamaged, "backup.age in the backup is damaged", ""),
        (lengthen_data, BackupDamaged, "backup.age in the backup is damaged", ""),
        (empty_data, BackupDamaged, "backup.age in the backup is damaged", ""),
        (remove_key, BackupDamaged, "lacks key.age", ""),
        (remove_data, BackupDamaged, "lacks backup.age", ""),
        (add_file, NotABackup, "repacked by another program", ""),
        (huge_key, NotABackup, "the limit is 10,000", ""),
        (other_key, NotABackup, "holds no key", ""),
        (no_zip, BackupDamaged, "damaged or truncated", ""),
    ],
)
def test_forged(
    file: Path,
    tmp_path: Path,
    change: Callable[[Members], None],
    kind: type[SceneError],
    match: str,
    code: str,
) -> None:
    """Changed so that the checksums of the ZIP are right."""
    members = members_of(file)
    change(members)
    write_members(file, members)
    assert_refused(file, tmp_path / "to" / "back", kind, match, code)


def test_compressed_members_are_refused(file: Path, tmp_path: Path) -> None:
    """A compressed key could become gigabytes in memory."""
    write_members(file, members_of(file), zipfile.ZIP_DEFLATED)
    assert_refused(file, tmp_path / "to" / "back", NotABackup, "repacked by another program")


def test_too_little_space_is_named_before_the_passphrase_is_asked_for(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 2 * len(members_of(file)["backup.age"]) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, free))
    with pytest.raises(BackupError, match="MB are free"):
        restore_backup(file, tmp_path / "back", ask_passphrase=never_asked)
    assert not (tmp_path / "back").exists()


def test_without_the_package_that_encrypts(
    file: Path, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    install = r'pip install "scene-gallery\[encryption\]"'
    with pytest.raises(BackupError, match=install) as refused:
        restore_backup(file, tmp_path / "back", ask_passphrase=never_asked)
    assert refused.value.code == "encryption_unavailable"
    with Library(library) as opened, pytest.raises(BackupError, match=install):
        write_backup(opened, tmp_path / "b.zip", passphrase=PASSPHRASE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["from", "library"]


class SmallDisk(io.BytesIO):
    """Is full after some bytes, for one write."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def write(self, data: object) -> int:
        written = super().write(data)  # type: ignore[arg-type]
        if self.tell() > self._size:
            self._size = sys.maxsize
            raise OSError(errno.ENOSPC, "No space left on device")
        return written


@pytest.mark.parametrize("size", [200, 70_000, 132_300])
def test_a_full_disk_is_told_also_at_the_last_byte(size: int) -> None:
    with (
        pytest.raises(OSError, match="No space left"),
        encrypted_into(SmallDisk(size), PASSPHRASE) as stream,
    ):
        stream.write(bytes(2 * 65_536 + 1_000))  # the last 1,000 are a piece of their own


def test_interrupted_while_it_is_written(library: Path, tmp_path: Path) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    threads = threading.active_count()
    (tmp_path / "to").mkdir()
    with Library(library) as opened, pytest.raises(KeyboardInterrupt):
        write_backup(
            opened, tmp_path / "to" / "b.zip", on_progress=interrupt, passphrase=PASSPHRASE
        )
    assert [*(tmp_path / "to").iterdir()] == []
    assert [*(library / "new").iterdir()] == []
    assert threading.active_count() == threads


def test_interrupted_while_it_is_decrypted(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(source: io.BufferedReader, target: io.BufferedWriter, _size: int) -> None:
        target.write(source.read(100_000))
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfileobj", interrupt)
    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        restore(file, tmp_path / "to" / "back")
    assert [*(tmp_path / "to").iterdir()] == []
    assert threading.active_count() == threads


SCRIPT = """
import os, sys
from pathlib import Path
from pydantic import SecretStr
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.restore import restore_backup
def kill(done, total):
    if done == 2:
        os.kill(os.getpid(), 9)
passphrase, (source, target) = SecretStr("secret"), map(Path, sys.argv[2:])
if sys.argv[1] == "backup":
    write_backup(Library(source), target, on_progress=kill, passphrase=passphrase)
else:
    restore_backup(source, target, on_progress=kill, ask_passphrase=lambda: passphrase)
"""


def killed(*arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)],
        cwd=PROJECT_DIR,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no such kill")
def test_killed_while_it_is_written(library: Path, tmp_path: Path) -> None:
    target = tmp_path / "to" / "b.zip"
    target.parent.mkdir()
    killed("backup", library, target)
    (part,) = target.parent.iterdir()
    assert part.suffix == ".part"
    assert not [text for text in plain_texts(library) if text in part.read_bytes()]
    (copy,) = (library / "new").iterdir()
    for path in (part, copy):
        os.utime(path, (0, 0))  # no run still writes it
    with Library(library) as opened:
        write_backup(opened, target, passphrase=PASSPHRASE)
    assert [*target.parent.iterdir()] == [target]
    assert [*(library / "new").iterdir()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="no such kill")
def test_killed_while_it_is_restored(library: Path, tmp_path: Path) -> None:
    file, folder = tmp_path / "b.zip", tmp_path / "to" / "back"
    with Library(library) as opened:
        write_backup(opened, file, passphrase=SecretStr("secret"))
    killed("restore", file, folder)
    (left,) = folder.parent.iterdir()
    assert left.name.startswith("back.restoring-"), "and no decrypted backup"
    assert left.stat().st_mode & 0o077 == 0
    for path in (left, *left.rglob("*")):
        os.utime(path, (0, 0))
    restore(file, folder, SecretStr("secret"))
    assert [*folder.parent.iterdir()] == [folder]
