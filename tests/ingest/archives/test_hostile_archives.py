"""Archives that are damaged, encrypted or made to do harm get a named result, and nothing more."""

import errno
import gzip
import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scene_model.errors import ArchiveError
from scene_model.ingest.archives import members, zip_source
from scene_model.ingest.archives.contents import open_source, read_contents
from scene_model.ingest.archives.members import shown_path
from scene_model.ingest.archives.parts import missing_parts
from scene_model.services import Services
from tests.ingest.archives.conftest import AddExport
from tests.pictures import encode, textured
from tests.takeouts import write_tgz, write_zip

pytestmark = pytest.mark.slow


def photo(seed: int) -> bytes:
    return encode(textured(72, 54, seed=seed))


def encrypted(path: Path, files: list[tuple[str, bytes]]) -> None:
    """A ZIP whose members say that they are encrypted."""
    write_zip(path, files)
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(signature, at + 4)
    path.write_bytes(data)


def test_each_bad_thing_is_named_and_the_rest_comes_in(
    services: Services, tmp_path: Path, add_export: AddExport
) -> None:
    outside = set(tmp_path.parent.iterdir())
    good, inner = photo(1), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.jpg", photo(2))
    write_zip(
        tmp_path / "mixed.zip",
        [
            ("../../../evil.jpg", good),
            ("/etc/passwd.jpg", photo(3)),
            ("C:\\windows\\x.jpg", photo(4)),
            ("inner.zip", inner.getvalue()),
            ("notes.txt", b"x"),
            ("IMG_1.AAE", b"<plist/>"),
            ("broken.jpg", good[:600]),
            ("__MACOSX/._a.jpg", b"x"),
            ("film.mov", b"\0\0\0\x18ftypqt  "),
        ],
    )
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04 and nothing more")
    (tmp_path / "damaged.tgz").write_bytes(b"\x1f\x8b\x08\0 and nothing more")
    encrypted(tmp_path / "secret.zip", [("s.jpg", photo(5))])
    plan, progress = add_export(sorted(tmp_path.glob("*.*")))
    assert {(item.name, item.code) for item in progress.skipped} == {
        ("mixed.zip/inner.zip", "archive_nested"),
        ("broken.jpg", "truncated_photo"),
        ("film.mov", "truncated_photo"),
        ("damaged.zip", "archive_damaged"),
        ("damaged.tgz", "archive_damaged"),
        ("secret.zip/s.jpg", "archive_encrypted"),
    }
    assert all(item.message.endswith(".") for item in progress.skipped)
    assert (plan.edit_files, plan.ignored) == (1, 1)
    names = {r.name for r in services.library.records(services.library.find())}
    assert names == {"evil.jpg", "passwd.jpg", "x.jpg"}
    assert set(tmp_path.parent.iterdir()) == outside
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize("kind", ["tgz", "zip"])
def test_a_photo_damaged_in_its_archive(
    services: Services, tmp_path: Path, add_export: AddExport, kind: str
) -> None:
    files = [(f"{seed}.jpg", photo(seed)) for seed in range(4)]
    path = tmp_path / f"a.{kind}"
    (write_zip if kind == "zip" else write_tgz)(path, files)
    data = bytearray(path.read_bytes())
    if kind == "zip":
        at = data.find(files[1][1][-200:])
        data[at] ^= 0xFF  # its check sum is now wrong
        path.write_bytes(data)
    else:
        path.write_bytes(data[: len(data) // 2])
    _, progress = add_export([path])
    assert "archive_damaged" in {item.code for item in progress.skipped}
    assert services.library.count() == (3 if kind == "zip" else len(progress.photo_ids))
    assert 0 < services.library.count() < 4


def test_facts_damaged_in_their_archive_are_named(
    services: Services, tmp_path: Path, add_export: AddExport
) -> None:
    path = tmp_path / "a.zip"
    facts = b'{"photoTakenTime": {"timestamp": "1556957898"}}'
    write_zip(path, [("Takeout/a.jpg", photo(1)), ("Takeout/a.jpg.json", facts)])
    data = bytearray(path.read_bytes())
    data[data.find(facts)] ^= 0xFF  # its check sum is now wrong
    path.write_bytes(data)
    _, progress = add_export([path])
    (skipped,) = progress.skipped
    assert (skipped.name, skipped.code) == ("a.zip/Takeout/a.jpg.json", "archive_damaged")
    assert services.library.count() == 1


def test_a_folder_that_cannot_be_read_is_named(
    services: Services, tmp_path: Path, add_export: AddExport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("2018", "2019"):
        folder = tmp_path / "Takeout" / name
        folder.mkdir(parents=True)
        (folder / "a.jpg").write_bytes(photo(int(name)))
    scandir = os.scandir

    def refuse_one(path: Any) -> Any:
        if Path(path).name == "2018":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_one)
    _, progress = add_export([tmp_path / "Takeout"])
    (skipped,) = progress.skipped
    assert (skipped.name, skipped.code) == ("2018", "unreadable_file")
    assert "Permission denied" in skipped.message
    assert services.library.count() == 1


def test_links_and_devices_of_a_tar_are_left_out(
    services: Services, tmp_path: Path, add_export: AddExport
) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            name = f"{kind!r}.jpg"
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("real.jpg")
        info.size = len(photo(1))
        archive.addfile(info, io.BytesIO(photo(1)))
    plan, progress = add_export([path])
    assert (plan.photos, progress.skipped) == (1, ())
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive_2:
        archive_2.writestr(link, "/etc/passwd")
    assert read_contents([tmp_path / "a.zip"]).media == []


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_GROWTH_FROM", 1_000_000)
    zeros = bytes(8_000_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", zeros)
    with pytest.raises(ArchiveError, match="200 times its size") as raised:
        open_source(tmp_path / "a.zip")
    assert raised.value.code == "archive_grows"
    write_tgz(tmp_path / "a.tgz", [("a.jpg", zeros), ("b.jpg", zeros)])
    contents = read_contents([tmp_path / "a.tgz"])
    assert [refusal.code for refusal in contents.refusals] == ["archive_grows"]
    (tmp_path / "b.tgz").write_bytes(gzip.compress(zeros))
    contents = read_contents([tmp_path / "b.tgz"])
    assert contents.media == []


def test_a_list_that_fills_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.zip"
    write_zip(path, [("a.jpg", photo(1))])
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x05\x06")
    struct.pack_into("<I", data, at + 12, 0xFFFFFF00)
    path.write_bytes(data)
    with pytest.raises(ArchiveError) as raised:
        open_source(path)
    assert raised.value.code == "archive_too_long"
    monkeypatch.setattr(zip_source, "MAX_MEMBERS", 1)
    write_zip(path, [(f"{number:0100d}.jpg", b"") for number in range(9)])
    with pytest.raises(ArchiveError) as raised:
        open_source(path)
    assert raised.value.code == "archive_too_long"


def test_a_zip_of_more_than_65535_files_is_read_to_the_end(tmp_path: Path) -> None:
    """Such a list needs zip64."""
    path = tmp_path / "a.zip"
    write_zip(path, [(f"{number}.jpg", b"") for number in range(65_540)])
    assert len(read_contents([path]).media) == 65_540


def test_too_large_a_photo_is_not_copied(
    services: Services, tmp_path: Path, add_export: AddExport
) -> None:
    limit = services.classifier.limits.max_file_bytes
    path = tmp_path / "a.zip"
    write_zip(path, [("a.jpg", photo(1))])
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.find(b"PK\x01\x02") + 24, limit + 1)
    path.write_bytes(data)
    _, progress = add_export([path])
    assert [item.code for item in progress.skipped] == ["file_too_large"]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("../../a.jpg", "a.jpg"),
        ("/etc/./a.jpg", "etc/a.jpg"),
        ("C:\\x\\..\\a.jpg", "C:/x/a.jpg"),
        ("a\ud800.jpg", "a?.jpg"),
    ],
)
def test_names_are_only_shown(raw: str, shown: str) -> None:
    assert shown_path(raw) == shown


def test_the_parts_of_an_export() -> None:
    start = "takeout-20240101T000000Z"
    names = [f"{start}-1-001.zip", f"{start}-1-004 (1).zip", "photos.zip"]
    assert missing_parts(names) == [f"{start}-1-002.zip", f"{start}-1-003.zip"]
    assert missing_parts([f"{start}-001.tgz"], f"see {start}-003.tgz") == [
        f"{start}-002.tgz",
        f"{start}-003.tgz",
    ]
    assert missing_parts([f"{start}-001.zip"], "takeout-20230101T000000Z-009.zip") == []
    assert missing_parts(["iCloud Photos Part 1 of 3.zip", "iCloud Photos Part 3 of 3.zip"]) == [
        "iCloud Photos Part 2 of 3.zip"
    ]
    assert len(missing_parts([f"{start}-999.zip"])) == 998
