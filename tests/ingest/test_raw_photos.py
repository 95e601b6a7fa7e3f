"""RAW files and JPEG XL in the library: pictures, search, duplicates, exports and folders."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from scene_model.export.folders import FolderRule
from scene_model.ingest.folder_scan import scan_folder
from scene_model.services import Services
from tests.pictures import encode, striped, textured
from tests.raw_files import MAKERS, Shot, dng, nef

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture(scope="module")
def shot(temple: bytes) -> Shot:
    """The temple with a preview of 640 pixels, held upright."""
    photo = Image.open(io.BytesIO(temple)).convert("RGB").resize((1296, 864))
    return Shot(photo, temple, orientation=8)


@pytest.mark.parametrize("kind", ["NEF", "CR2"])
def test_every_picture_of_a_raw_file(
    services: Services, add_photos: Add, shot: Shot, kind: str
) -> None:
    data = MAKERS[kind](shot)
    (photo_id,) = add_photos([(f"temple.{kind}", data)])
    record = services.library.photo(photo_id)
    assert (record.format, record.width, record.height) == (kind, 864, 1296)
    assert record.taken_at == "2021-07-03T18:45:12"
    assert services.library.original_path(photo_id).suffix == f".{kind.lower()}"
    assert services.library.original_path(photo_id).read_bytes() == data
    for encoded, height, picture_format in (
        (services.library.thumbnail(photo_id), 320, "WEBP"),
        (services.library.preview(photo_id), 1280, "WEBP"),
        (services.library.full_size(photo_id), 1296, "JPEG"),
    ):
        picture = Image.open(io.BytesIO(encoded))
        assert picture.format == picture_format
        assert abs(picture.height - height) <= 2
        assert picture.height > picture.width


def test_a_raw_file_is_found_and_tagged_as_its_jpeg(
    services: Services, add_photos: Add, shot: Shot, temple: bytes
) -> None:
    jpeg_id, raw_id, jxl_id, _ = add_photos(
        [
            ("temple.jpg", temple),
            ("temple.dng", dng(replace(shot, orientation=1))),
            ("temple.jxl", encode(Image.open(io.BytesIO(temple)), "JXL", lossless_jpeg=False)),
            ("stripes.jpg", striped(3)),
        ]
    )
    gallery = services.gallery()
    assert list(gallery.all_ids("is:raw")) == [raw_id]
    assert raw_id not in list(gallery.all_ids("-is:raw"))
    assert set(gallery.all_ids("is:duplicate")) == {jpeg_id, raw_id, jxl_id}
    jpeg, raw = services.library.records([jpeg_id, raw_id])
    assert jpeg.photo_class == raw.photo_class
    assert services.library.photo(jxl_id).format == "JXL"


def test_a_zip_holds_the_original_bytes_and_without_places_neither(
    services: Services, add_photos: Add, shot: Shot
) -> None:
    files = [("a.nef", nef(shot)), ("b.jxl", encode(textured(160, 120), "JXL"))]
    ids = add_photos(files)
    rule = FolderRule()
    whole = b"".join(services.exports.zip_by(ids, rule))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        by_name = {Path(name).name: archive.read(name) for name in archive.namelist()}
    assert by_name.items() >= dict(files).items()
    stripped = b"".join(services.exports.zip_by(ids, rule, with_place=False))
    with zipfile.ZipFile(io.BytesIO(stripped)) as archive:
        left_out = archive.read("left-out.txt").decode()
    assert "a.nef" in left_out
    assert "b.jxl" in left_out


def test_a_folder_with_raw_files_comes_in(services: Services, shot: Shot, tmp_path: Path) -> None:
    folder = tmp_path / "camera"
    folder.mkdir()
    for name, data in (("a.NEF", nef(shot)), ("b.dng", b"no picture"), ("c.jxl", b"\xff\x0a")):
        (folder / name).write_bytes(data)
    paths = scan_folder(folder, recursive=True).photos
    job = services.jobs.submit([(path.name, path.read_bytes()) for path in paths])
    assert job.wait(60)
    progress = job.progress()
    assert {each.name: each.code for each in progress.skipped} == {
        "b.dng": "not_a_picture",
        "c.jxl": "truncated_photo",
    }
    assert len(progress.photo_ids) == 1
