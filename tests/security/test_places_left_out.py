"""Copies without a place have none, wherever it hides; what cannot be rebuilt is left out."""

import io
import json
import random
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exiv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms, ImageOps, ImageSequence, TiffImagePlugin

from scene_model.export.folders import FolderRule
from scene_model.export.strip_gps import strip_gps
from scene_model.photos.decode import PhotoLimits, open_picture
from scene_model.services import Services
from tests.pictures import encode, stored_as, textured
from tests.security import hiding_places
from tests.security.hiding_places import CASES, HIDING_PLACES, LATITUDE, LONGITUDE, leaks

_SUFFIXES = {"JPEG": "jpg", "TIFF": "tif", "HEIF": "heic"}


def pixels(data: bytes) -> list[npt.NDArray[np.uint8]]:
    """The pixels of all frames, upright."""
    picture = open_picture(data, PhotoLimits())
    assert isinstance(picture, Image.Image)
    return [
        np.asarray(ImageOps.exif_transpose(frame).convert("RGBA"))
        for frame in ImageSequence.Iterator(picture)
    ]


def check(data: bytes) -> bytes:
    """Check the copy of a photo that hides its place, and return it."""
    assert leaks(data), "the test hides nothing"
    stripped = strip_gps(data)
    assert stripped is not None
    assert leaks(stripped) == []
    # In the bytes of a JPEG, second pictures are a second frame.
    frames = pixels(stripped)
    assert all(map(np.array_equal, frames, pixels(data)))
    assert strip_gps(stripped) == stripped, "what was rebuilt stays the same"
    return stripped


@pytest.mark.parametrize(("format_name", "place"), CASES)
def test_no_place_is_left(format_name: str, place: str) -> None:
    check(HIDING_PLACES[format_name][place](hiding_places.pictures(format_name)[0]))


@pytest.mark.tools
def test_exiftool_finds_no_place_in_three_hundred_copies(tmp_path: Path) -> None:
    for name in ("hidden", "copies"):
        (tmp_path / name).mkdir()
    count = 0
    for format_name, places in HIDING_PLACES.items():
        for picture in hiding_places.pictures(format_name):
            for hide in places.values():
                name = f"{count:03d}.{_SUFFIXES.get(format_name, format_name.lower())}"
                data = hide(picture)
                (tmp_path / "hidden" / name).write_bytes(data)
                (tmp_path / "copies" / name).write_bytes(check(data))
                count += 1
    assert count >= 300
    assert len(files_with_place(tmp_path / "hidden")) >= 150, "exiftool reads the usual ones"
    assert files_with_place(tmp_path / "copies") == set()


def files_with_place(folder: Path) -> set[str]:
    """Return the files in which exiftool finds a place, also inside of what is embedded."""
    done = subprocess.run(
        ["exiftool", *"-ee -a -G1 -j -b -q -q -c %.6f".split(), str(folder)],  # noqa: S607
        capture_output=True,
        check=False,  # it warns of some files
    )
    files: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(files) == len([*folder.iterdir()])
    return {
        file["SourceFile"]
        for file in files
        if any(
            "GPS" in key or LATITUDE in str(value) or LONGITUDE in str(value)
            for key, value in file.items()
        )
    }


def test_what_is_harmless_stays() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x013B], exif[0x0112] = "Canon", "EOS 6D", "Ana", 6
    details = exif.get_ifd(0x8769)
    details[0x9003], details[0x9011] = "2024:07:05 10:11:12", "+01:00"
    details[0x829A], details[0x8827] = TiffImagePlugin.IFDRational(1, 250), 400
    details[0xA434] = "EF24-70mm f/2.8L II USM"
    exif.get_ifd(0x8825).update({1: "N", 2: (38.0, 43.0, 20.11), 3: "W", 4: (9.0, 8.0, 21.6)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encode(textured(64, 48), exif=exif, icc_profile=profile)
    image = exiv2.ImageFactory.open(data)
    image.readMetadata()
    fields = image.xmpData()
    fields["Xmp.dc.subject"] = "tram, & yellow"
    fields["Xmp.xmp.Rating"] = "4"
    fields["Xmp.lr.hierarchicalSubject"] = "vehicles|tram"
    fields["Xmp.photoshop.City"] = "Lisboa"
    image.iptcData()["Iptc.Application2.Keywords"] = "tram"
    image.iptcData()["Iptc.Application2.City"] = "Lisboa"
    image.writeMetadata()
    written = image.io()
    data = bytes(written.mmap())
    written.munmap()

    stripped = strip_gps(data)
    assert stripped is not None
    assert b"Lisboa" not in stripped
    copy = Image.open(io.BytesIO(stripped))
    kept = copy.getexif()
    assert {**kept, 0x8769: 0} == {**exif, 0x8769: 0} | {0x8769: 0}
    assert dict(kept.get_ifd(0x8769)) == dict(details)
    assert not kept.get_ifd(0x8825)
    assert copy.info["icc_profile"] == profile
    image = exiv2.ImageFactory.open(stripped)
    image.readMetadata()
    texts = {field.key(): field.toString() for field in image.xmpData()}
    assert texts == {
        "Xmp.dc.subject": "tram, & yellow",
        "Xmp.lr.hierarchicalSubject": "vehicles|tram",
        "Xmp.xmp.Rating": "4",
    }
    assert [field.toString() for field in image.iptcData()] == ["tram"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_stays(orientation: int) -> None:
    data = stored_as(textured(64, 48), orientation)
    stripped = strip_gps(data)
    assert stripped is not None
    assert np.array_equal(pixels(stripped), pixels(data))
    assert Image.open(io.BytesIO(stripped)).getexif()[0x0112] == orientation


def test_a_photo_without_metadata_is_copied_as_it_is() -> None:
    for format_name in ("JPEG", "PNG", "GIF", "BMP"):
        data = encode(textured(64, 48), format_name)
        assert strip_gps(data) == data


def truncated() -> bytes:
    return encode(textured(64, 48))[:-2]


def with_film() -> bytes:
    return encode(textured(64, 48), "AVIF") + hiding_places.movie()


def of_many_segments() -> bytes:
    data = encode(textured(64, 48))
    return data[:2] + b"\xff\xfe\0\2" * 200_000 + data[2:]


def with_more_in_a_table() -> bytes:
    """A quantization table followed by text."""
    data = encode(textured(64, 48))
    start = data.index(b"\xff\xdb")
    size = int.from_bytes(data[start + 2 : start + 4], "big")
    return (
        data[: start + 2]
        + (size + 9).to_bytes(2, "big")
        + data[start + 4 : start + 2 + size]
        + LATITUDE.encode()
        + data[start + 2 + size :]
    )


def camera_raw() -> bytes:
    """A TIFF whose first picture is a thumbnail of what follows."""
    return encode(textured(160, 120, 1), "TIFF", tiffinfo={254: 1})


_NOT_REBUILDABLE = [truncated, with_film, of_many_segments, with_more_in_a_table, camera_raw]


@pytest.mark.parametrize("make", _NOT_REBUILDABLE)
def test_what_cannot_be_rebuilt_is_refused(make: Callable[[], bytes]) -> None:
    assert strip_gps(make()) is None


def test_a_zip_names_what_it_leaves_out(
    services: Services, add_photos: Callable[[list[tuple[str, bytes]]], list[str]]
) -> None:
    motion = HIDING_PLACES["JPEG"]["motion photo"](encode(textured(160, 120)))
    # The library has no coordinates of it: what cannot be checked is left out all the same.
    ids = add_photos([("motion.jpg", motion), ("raw.tif", camera_raw())])
    chunks = services.exports.zip_by(ids, FolderRule(), with_place=False)
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
        by_name = {Path(name).name: archive.read(name) for name in archive.namelist()}
    assert leaks(by_name["motion.jpg"]) == []
    assert "raw.tif" not in by_name
    assert "raw.tif" in by_name["left-out.txt"].decode()
    assert services.library.original_path(ids[0]).read_bytes() == motion


def test_mutated_files_end_in_a_copy_or_none() -> None:
    rng = random.Random(17)  # noqa: S311 - no secret
    files = [
        hide(picture)
        for name, places in HIDING_PLACES.items()
        for picture in hiding_places.pictures(name)[:1]
        for hide in places.values()
    ]
    for _ in range(3000):
        data = bytearray(rng.choice(files))
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(min(len(data), 1500))
            data[at : at + rng.choice((0, 1, 1, 1, 20))] = rng.randbytes(rng.choice((0, 1, 1, 9)))
        stripped = strip_gps(bytes(data))
        assert stripped is None or strip_gps(stripped) is not None
