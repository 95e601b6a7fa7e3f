"""The ZIP: a folder per class, original bytes and names, no path that leaves the folder."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scene_model.export.archive import ArchiveEntry, archive_names, safe_name, stream_zip
from scene_model.library.edits import set_class
from scene_model.services import Services
from tests.pictures import encode, textured

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def read_zip(services: Services, ids: list[str]) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(services.exports.zip_by_class(ids))))
    assert archive.testzip() is None
    return archive


def test_one_folder_a_class(
    services: Services, add_photos: Add, temple: bytes, made_photos: list[tuple[str, bytes]]
) -> None:
    files = [("a.jpg", temple), *[("b.jpg", data) for _, data in made_photos[:2]]]
    services.jobs.submit(files).wait(60)
    ids = services.library.find()
    set_class(services.library, ids, "sea")
    (temple_id,) = [r.id for r in services.library.records(ids) if r.name == "a.jpg"]
    set_class(services.library, [temple_id], "unsure")
    archive = read_zip(services, ids)
    assert sorted(archive.namelist()) == [
        "manifest.csv",
        "sea/b (2).jpg",
        "sea/b.jpg",
        "unsure/a.jpg",
    ]
    assert archive.read("unsure/a.jpg") == temple
    assert {archive.read(n) for n in archive.namelist() if n.startswith("sea")} == {
        data for _, data in made_photos[:2]
    }
    assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


def test_a_missing_original_is_listed_and_the_others_are_packed(
    services: Services, add_photos: Add, temple: bytes, flower: bytes
) -> None:
    ids = add_photos([("temple.jpg", temple), ("flower.jpg", flower)])
    services.library.original_path(ids[0]).unlink()
    archive = read_zip(services, ids)
    assert "temple.jpg" in archive.read("missing.txt").decode()
    assert any(name.endswith("flower.jpg") for name in archive.namelist())


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\x.jpg", "x.jpg"),
        ("<script>.jpg", "_script_.jpg"),
        ("CON.jpg", "_CON.jpg"),
        ("..", "photo"),
        ("", "photo"),
        ("a\nb.jpg", "a_b.jpg"),
        ("🌊.jpg", "🌊.jpg"),
        ("a." + "b" * 30, "a." + "b" * 30),
        ("COM¹.txt", "_COM¹.txt"),
        ("a\u2028b\x85.jpg", "ab.jpg"),
        ("\u202egpj.evil.jpg", "gpj.evil.jpg"),
        ("x" * 300 + ".jpg", "x" * 196 + ".jpg"),
    ],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.slow
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=260)), max_size=20))
def test_every_name_is_safe_and_unique(pairs: list[tuple[str, str]]) -> None:
    entries = [ArchiveEntry(folder, name, Path("x"), "") for folder, name in pairs]
    names = [name for _, name in archive_names(entries)]
    assert len({name.casefold() for name in names}) == len(names) == len(pairs)
    for name in names:
        folder, _, file = name.partition("/")
        assert folder.strip(". ")
        assert file.strip(". ")
        assert not {"/", "\\", "\x00", ":"} & set(file)
        assert len(file.encode()) <= 255


def test_names_that_differ_only_in_case_clash() -> None:
    entries = [ArchiveEntry("sea", name, Path("x"), "") for name in ("A.jpg", "a.jpg", "a.JPG")]
    assert [n for _, n in archive_names(entries)] == ["sea/A.jpg", "sea/a (2).jpg", "sea/a (3).JPG"]


def test_an_empty_zip() -> None:
    assert zipfile.ZipFile(io.BytesIO(b"".join(stream_zip([])))).namelist() == []


def test_a_class_named_like_a_file_of_the_archive() -> None:
    entries = [
        ArchiveEntry(name, "a.jpg", Path("x"), "") for name in ("manifest.csv", "Missing.txt")
    ]
    names = [name for _, name in archive_names(entries)]
    assert names == ["_manifest.csv/a.jpg", "_Missing.txt/a.jpg"]


def test_the_same_photos_make_the_same_zip(tmp_path: Path, temple: bytes) -> None:
    zips: list[bytes] = []
    for attempt in ("one", "two"):
        path = tmp_path / attempt / "photo.jpg"
        path.parent.mkdir()
        path.write_bytes(temple)
        os.utime(path, (len(zips), 10**9 + len(zips)))
        entry = ArchiveEntry("sea", "a.jpg", path, "2026-03-04T05:06:07.000+01:00")
        zips.append(b"".join(stream_zip([entry], ["a,b\r\n", "1,2\r\n"])))
    assert zips[0] == zips[1]
    archive = zipfile.ZipFile(io.BytesIO(zips[0]))
    assert archive.testzip() is None
    assert archive.read("manifest.csv") == b"a,b\r\n1,2\r\n"
    assert archive.getinfo("sea/a.jpg").date_time == (2026, 3, 4, 5, 6, 6)


@pytest.mark.parametrize(
    ("taken_at", "expected"),
    [
        ("2024-07-05T10:11:12+09:00", (2024, 7, 5, 10, 11, 12)),
        ("2024-07-05T10:11:12", (2024, 7, 5, 10, 11, 12)),
        ("1901-02-03T04:05:06", (1980, 1, 1, 0, 0, 0)),
        ("2200-01-01T00:00:00", (2107, 12, 31, 23, 59, 58)),
        ("not a time", (2026, 3, 4, 5, 6, 8)),
        (None, (2026, 3, 4, 5, 6, 8)),
    ],
)
@pytest.mark.parametrize("with_place", [True, False])
def test_members_have_the_time_taken_or_else_added(
    tmp_path: Path,
    temple: bytes,
    taken_at: str | None,
    expected: tuple[int, ...],
    with_place: bool,
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(temple)
    entry = ArchiveEntry("sea", "a.jpg", path, "2026-03-04T05:06:08+01:00", with_place, taken_at)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(stream_zip([entry]))))
    assert archive.getinfo("sea/a.jpg").date_time == expected


def test_a_photo_of_the_library_keeps_the_time_of_its_camera(
    services: Services, add_photos: Add
) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2019:08:07 06:05:04"
    (photo_id,) = add_photos([("a.jpg", encode(textured(160, 120), exif=exif))])
    set_class(services.library, [photo_id], "sea")
    archive = read_zip(services, [photo_id])
    assert archive.getinfo("sea/a.jpg").date_time == (2019, 8, 7, 6, 5, 4)


@pytest.mark.slow
def test_chunks_are_yielded_before_the_file_is_read_completely(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(3 << 30)  # more than a member can have without ZIP64
    size = largest = 0
    head = b""
    tail = b""
    for chunk in stream_zip([ArchiveEntry("sea", "large.jpg", path, "")]):
        size, largest = size + len(chunk), max(largest, len(chunk))
        head = head or chunk
        tail = (tail + chunk)[-200:]
    assert largest <= 1 << 20
    assert size > 3 << 30
    assert b"PK\x06\x06" in tail or b"PK\x05\x06" in tail
