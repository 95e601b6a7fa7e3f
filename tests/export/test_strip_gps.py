"""A copy without its place has the same pixels and the harmless metadata."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import exiv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from scene_model.export.folders import FolderRule
from scene_model.export.strip_gps import strip_gps
from scene_model.photos.decode import PhotoLimits, open_picture
from scene_model.photos.metadata import read_metadata
from scene_model.services import Services
from tests.pictures import encode, textured

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture(params=["JPEG", "PNG", "WEBP"])
def placed(request: pytest.FixtureRequest) -> bytes:
    """A picture in each format, with a place in EXIF, XMP and IPTC, and a camera."""
    exif = Image.Exif()
    exif[0x0110] = "EOS 6D"
    exif.get_ifd(0x8825).update({1: "N", 2: (38.0, 43.0, 0.0), 3: "W", 4: (9.0, 8.0, 0.0)})
    data = encode(textured(160, 120), request.param, exif=exif)
    image = exiv2.ImageFactory.open(data)
    image.readMetadata()
    image.xmpData()["Xmp.photoshop.City"] = "Lisboa"
    image.xmpData()["Xmp.dc.title"] = "A tram"
    if request.param == "JPEG":
        image.iptcData()["Iptc.Application2.City"] = "Lisboa"
    image.writeMetadata()
    written = image.io()
    data = bytes(written.mmap())
    written.munmap()
    return data


def metadata(data: bytes) -> tuple[float | None, str | None]:
    fields = read_metadata(open_picture(data, PhotoLimits()))
    return fields.latitude, fields.camera


def pixels(data: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_the_place_is_removed_and_the_picture_stays(placed: bytes) -> None:
    latitude, camera = metadata(placed)
    assert latitude is not None
    assert b"Lisboa" in placed
    stripped = strip_gps(placed)
    assert stripped is not None
    assert metadata(stripped) == (None, camera)
    assert b"Lisboa" not in stripped
    assert b"A tram" in stripped
    assert np.array_equal(pixels(stripped), pixels(placed))
    assert strip_gps(stripped) == stripped, "nothing to take out: the same bytes"


def test_a_file_that_is_not_a_picture() -> None:
    assert strip_gps(b"no picture") is None


def test_a_zip_without_places(services: Services, add_photos: Add, temple: bytes) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (38.0, 43.0, 0.0), 3: "W", 4: (9.0, 8.0, 0.0)})
    placed = encode(textured(160, 120), exif=exif)
    heic = io.BytesIO()
    textured(160, 120, seed=1).save(heic, "HEIF", exif=exif)
    ids = add_photos([("placed.jpg", placed), ("temple.jpg", temple), ("p.heic", heic.getvalue())])
    chunks = services.exports.zip_by(ids, FolderRule(), with_place=False)
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
        by_name = {Path(name).name: archive.read(name) for name in archive.namelist()}
    assert np.array_equal(pixels(by_name["temple.jpg"]), pixels(temple))
    assert metadata(by_name["placed.jpg"])[0] is None
    assert metadata(by_name["p.heic"])[0] is None
    assert "left-out.txt" not in by_name
    assert services.library.original_path(ids[0]).read_bytes() == placed
