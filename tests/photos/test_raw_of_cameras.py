"""RAW files that cameras wrote, cut down to their headers: see tests/assets/ATTRIBUTION.md."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from scene_model.errors import DamagedPhoto, TruncatedPhoto
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.metadata import read_metadata
from scene_model.photos.raw.kinds import raw_kind
from scene_model.photos.raw.picture import open_raw
from tests.conftest import ASSETS
from tests.pictures import encode, quadrants

HEADERS = [
    ("canon.cr3", "CR3", (6000, 4000), "Canon EOS M50", "2018-02-21T12:08:56+00:00"),
    ("canon.dng", "DNG", (3456, 2303), "Canon EOS 350D DIGITAL", "2005-08-03T18:59:18"),
    ("fujifilm.raf", "RAF", None, "Fujifilm S5Pro", "2007-05-22T13:58:30"),
    ("leaf.iiq", "IIQ", (7320, 5484), "Leaf Credo 40", "2013-06-19T15:44:21"),
    (
        "minolta.mrw",
        "MRW",
        (3272, 2456),
        "Konica Minolta Camera, Inc. DiMAGE A2",
        "2004-11-18T23:14:58",
    ),
    ("nikon.nef", "NEF", (3039, 2014), "NIKON D70", "2004-06-09T16:02:35"),
    ("panasonic.rw2", "RW2", (3648, 2736), "Panasonic DMC-LX3", "2008-08-06T15:21:56"),
    ("sigma.x3f", "X3F", (2651, 1767), "SIGMA DP2", "2009-11-28T13:05:20"),
]


@pytest.mark.parametrize(("name", "kind", "size", "camera", "taken_at"), HEADERS)
def test_header(
    name: str, kind: str, size: tuple[int, int] | None, camera: str, taken_at: str
) -> None:
    data = (ASSETS / "raw" / name).read_bytes()
    assert raw_kind(data) == kind
    picture = open_raw(data, kind)
    if size is not None:  # the sensor of the S5Pro is turned by 45°
        assert (picture.width, picture.height) == size
    metadata = read_metadata(picture)
    assert (metadata.camera, metadata.taken_at) == (camera, taken_at)


@pytest.mark.parametrize("name", ["canon.cr3", "leaf.iiq", "minolta.mrw", "nikon.nef"])
def test_without_preview_and_sensor_data_a_file_is_damaged(decoders: Decoders, name: str) -> None:
    with pytest.raises(DamagedPhoto):
        decoders.decode((ASSETS / "raw" / name).read_bytes())


def test_the_preview_of_a_cr3(decoders: Decoders) -> None:
    """The header of a camera, with a preview where its first track says that it is."""
    data = bytearray((ASSETS / "raw" / "canon.cr3").read_bytes())
    preview = encode(quadrants(1620, 1080))
    track = data.index(b"trak")
    struct.pack_into(">I", data, data.index(b"stsz", track) + 8, len(preview))
    struct.pack_into(">Q", data, data.index(b"co64", track) + 12, len(data))
    photo = decoders.decode(bytes(data) + preview).photo
    assert (photo.format, photo.width, photo.height) == ("CR3", 6000, 4000)
    with Image.open(io.BytesIO(preview)) as picture:
        expected = np.asarray(picture.resize(photo.pixels.shape[1::-1]), dtype=int)
    assert np.abs(photo.pixels - expected).mean() < 5
    struct.pack_into(">Q", data, data.index(b"mdat") + 4, 1_000_000)
    with pytest.raises(TruncatedPhoto):
        decoders.decode(bytes(data) + preview)
