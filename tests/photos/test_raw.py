"""RAW files: told by content, shown upright by their preview, with the EXIF of the camera."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_model.errors import PhotoError, TooManyPixels, TruncatedPhoto, UnsupportedPicture
from scene_model.photos.decode import MinimumSize, PhotoLimits, decode_photo
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.raw.kinds import RAW_FORMATS, raw_kind
from scene_model.photos.sniff import FileKind, has_picture_name, sniff
from tests import raw_files
from tests.pictures import encode, quadrants, textured
from tests.raw_files import MAKERS, Shot, dng

SENSOR = (648, 432)
_TURNED = {
    1: None,
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_270,
    8: Image.Transpose.ROTATE_90,
}


def shot(preview: tuple[int, int] | None = (640, 426), orientation: int = 1) -> Shot:
    photo = quadrants(*SENSOR)
    jpeg = None if preview is None else encode(quadrants(*preview), quality=95)
    return Shot(photo, jpeg, orientation)


def difference(pixels: np.ndarray, expected: Image.Image) -> float:
    height, width = pixels.shape[:2]
    resized = np.asarray(expected.resize((width, height)), dtype=int)
    return float(np.abs(pixels - resized).mean())


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_every_maker_is_told_by_content_and_read(decoders: Decoders, kind: str) -> None:
    data = MAKERS[kind](shot())
    assert sniff(data).name == kind
    file = decoders.decode(data)
    assert (file.photo.format, file.photo.width, file.photo.height) == (kind, *SENSOR)
    assert difference(file.photo.pixels, quadrants(*SENSOR)) < 5
    metadata = file.metadata
    assert (metadata.taken_at, metadata.taken_source) == (
        "2021-07-03T18:45:12",
        "DateTimeOriginal",
    )
    assert (metadata.latitude, metadata.longitude) == (38.725, -9.14)
    assert metadata.camera
    assert metadata.lens == "50mm f/1.8"


@pytest.mark.parametrize("orientation", sorted(_TURNED))
@pytest.mark.parametrize("preview", [(640, 426), None])
def test_upright(decoders: Decoders, preview: tuple[int, int] | None, orientation: int) -> None:
    photo = decoders.decode(dng(shot(preview, orientation))).photo
    turn = _TURNED[orientation]
    upright = quadrants(*SENSOR) if turn is None else quadrants(*SENSOR).transpose(turn)
    assert (photo.width, photo.height) == upright.size
    # Without a profile of the camera, the sensor's colours are only near.
    assert difference(photo.pixels, upright) < (5 if preview else 60)
    assert photo.pixels.shape[0] > photo.pixels.shape[1] or orientation in (1, 3)


def test_a_preview_that_is_upright_already_is_not_turned_again(decoders: Decoders) -> None:
    upright = quadrants(426, 640)
    data = raw_files.arw(Shot(quadrants(*SENSOR), encode(upright), orientation=6))
    photo = decoders.decode(data).photo
    assert (photo.width, photo.height) == (432, 648)
    assert difference(photo.pixels, upright) < 5


def test_the_preview_is_shown_where_it_is_large_enough_else_the_sensor(
    decoders: Decoders,
) -> None:
    data = dng(Shot(textured(*SENSOR), encode(quadrants(480, 320))))
    small = decoders.decode(data, MinimumSize(short_side=100, long_side=400)).photo
    assert difference(small.pixels, quadrants(*SENSOR)) < 5
    whole = decoders.decode(data, minimum=None).photo
    assert whole.pixels.shape == (432, 648, 3)
    assert difference(whole.pixels, quadrants(*SENSOR)) > 30


@pytest.mark.parametrize("minimum", [None, MinimumSize(short_side=80, long_side=80)])
def test_only_what_the_camera_shows_of_the_sensor(
    decoders: Decoders, minimum: MinimumSize | None
) -> None:
    data = dng(Shot(quadrants(*SENSOR), None, orientation=6), crop=(20, 0, 200, 400))
    photo = decoders.decode(data, minimum).photo
    assert (photo.width, photo.height) == (400, 200)
    height, width = photo.pixels.shape[:2]
    assert width == 2 * height
    # Red above blue at the left of the sensor: after a quarter turn, blue beside red.
    assert photo.pixels[height // 2, width // 4].argmax() == 2
    assert photo.pixels[height // 2, 3 * width // 4].argmax() == 0


def test_the_sensor_is_developed_where_the_preview_is_no_picture(decoders: Decoders) -> None:
    good = shot()
    assert good.preview is not None
    data = dng(good).replace(good.preview[:200], bytes(200))
    photo = decoders.decode(data).photo
    assert (photo.width, photo.height) == SENSOR
    assert difference(photo.pixels, quadrants(*SENSOR)) < 60


def test_a_sensor_without_colours(decoders: Decoders) -> None:
    photo = decoders.decode(dng(replace(shot(None), is_grey=True))).photo
    assert photo.format == "DNG"
    assert np.ptp(photo.pixels, axis=2).max() <= 2


@pytest.mark.parametrize("make", [raw_files.arw, dng, raw_files.nef])
def test_a_file_that_ends_too_soon_is_named_although_it_has_its_preview(
    decoders: Decoders, make: Callable[[Shot], bytes]
) -> None:
    with pytest.raises(TruncatedPhoto, match="Copy it again"):
        decoders.decode(make(replace(shot(), missing_bytes=300_000)))
    # Some cameras round the bytes that they state.
    decoders.decode(make(replace(shot(), missing_bytes=2_000)))


def test_a_cut_raf_is_named(decoders: Decoders) -> None:
    data = raw_files.raf(shot())
    with pytest.raises(TruncatedPhoto):
        decoders.decode(data[: len(data) // 2])


def test_a_large_sensor_is_developed_at_half_size(decoders: Decoders) -> None:
    data = dng(Shot(textured(1296, 864), encode(quadrants(160, 106))))
    photo = decoders.decode(data).photo
    assert (photo.width, photo.height) == (1296, 864)
    assert max(photo.pixels.shape) <= 648


def test_a_small_preview_is_better_than_none(decoders: Decoders) -> None:
    """LibRaw cannot read the sensor's data of this file."""
    data = raw_files.orf(shot((160, 106)))
    assert difference(decoders.decode(data).photo.pixels, quadrants(*SENSOR)) < 5
    with pytest.raises(PhotoError):
        decoders.decode(raw_files.orf(shot(None)))


def test_rating(decoders: Decoders) -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>'
    )
    assert decoders.decode(dng(replace(shot(), xmp=packet))).metadata.rating == 4


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "tiff_lzw"},
        {"compression": "jpeg"},
        {"tiffinfo": {271: "NIKON CORPORATION", 272: "NIKON D90"}},
        {"tiffinfo": {271: "SONY", 272: "DSC-F828", 306: "2004:01:01 00:00:00"}},
        {"tiffinfo": {254: 1}},
    ],
)
def test_a_tiff_is_no_raw_file(decoders: Decoders, options: dict[str, object]) -> None:
    data = encode(textured(300, 200), "TIFF", **options)
    assert raw_kind(data) is None
    assert decoders.decode(data).photo.format == "TIFF"


def test_names_do_not_decide() -> None:
    assert sniff(encode(textured(30, 20))).name == "JPEG"
    assert {sniff(make(shot())).kind for make in MAKERS.values()} == {FileKind.PICTURE}
    for name in ("a.CR2", "a.cr3", "a.NRW", "a.srf", "a.dng", "a.jxl"):
        assert has_picture_name(Path(name))
    assert not has_picture_name(Path("a.raw"))
    assert "TIFF" not in RAW_FORMATS


def test_limits_hold(decoders: Decoders) -> None:
    with pytest.raises(TooManyPixels):
        decoders.decode(dng(shot()), limits=PhotoLimits(max_pixels=100_000))
    with pytest.raises(TooManyPixels) as caught:
        decoders.decode(dng(shot(None)), limits=PhotoLimits(max_decoding_bytes=1_000_000))
    assert caught.value.code == "too_much_memory"
    decoders.decode(dng(shot()), limits=PhotoLimits(max_decoding_bytes=1_000_000))


def test_a_file_of_an_unknown_camera_is_named(decoders: Decoders) -> None:
    with pytest.raises(UnsupportedPicture, match=r"LibRaw \d+\.\d+"):
        decoders.decode(b"FUJIFILMCCD-RAW 0201" + bytes(2_000))


@pytest.mark.slow
def test_libraw_is_loaded_only_where_photos_are_decoded() -> None:
    program = (
        "import sys, scene_model.services, scene_model.api.routes, scene_model.photos.decode\n"
        "from scene_model.photos.decode import PhotoLimits\n"
        "from scene_model.photos.decoders.pool import Decoders\n"
        "data = sys.stdin.buffer.read()\n"
        "decoders = Decoders(PhotoLimits(), 1)\n"
        "print(decoders.decode(data).photo.format, 'rawpy' in sys.modules)\n"
        "decoders.close()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], input=dng(shot()), capture_output=True, check=True
    )
    assert run.stdout.split() == [b"DNG", b"False"]


def test_decoding_here_gives_the_same(decoders: Decoders) -> None:
    data = dng(shot())
    assert np.array_equal(decode_photo(data).pixels, decoders.decode(data).photo.pixels)
