"""Thumbnails are decoded where they are asked for, and give what a decoder gives."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageCms

from scene_model.errors import PhotoError
from scene_model.photos.decode import MinimumSize, PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.decoders.process import answer
from scene_model.photos.decoders.small import decode_small
from tests.pictures import encode, placed, quadrants, stored_as, textured

LIMITS = PhotoLimits()
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SMALL = {
    "plain": encode(textured(150, 100)),
    "grey": encode(textured(150, 100).convert("L")),
    "cmyk": encode(textured(150, 100).convert("CMYK")),
    "as large as may be": encode(textured(400, 400), quality=70),
}
OTHERS = {
    "large": encode(textured(900, 700)),
    "many bytes": encode(Image.effect_noise((400, 400), 90).convert("RGB"), quality=100),
    "progressive": encode(textured(150, 100), progressive=True),
    "turned by EXIF": stored_as(quadrants(), 6),
    "placed": placed(textured(150, 100), 47.0, 8.0),
    "profile": encode(textured(150, 100), icc_profile=PROFILE),
    "PNG": encode(textured(150, 100), "PNG"),
}


@pytest.fixture
def unused_decoders() -> Iterator[Decoders]:
    opened = Decoders(LIMITS, processes=1)
    yield opened
    assert opened.process_ids == []
    opened.close()


@pytest.mark.parametrize("data", SMALL.values(), ids=SMALL)
def test_the_result_is_that_of_a_decoder(unused_decoders: Decoders, data: bytes) -> None:
    here = unused_decoders.decode(data)
    request = {"limits": vars(LIMITS), "minimum": vars(MinimumSize()), "lane_bytes": 10**8}
    fields, pixels = answer(request, data)
    assert np.array_equal(here.photo.pixels.ravel(), np.frombuffer(pixels, np.uint8))
    assert [here.photo.width, here.photo.height] == fields["size"]
    assert here.photo.format == fields["format"]
    assert vars(here.metadata) == fields["metadata"]
    assert here.photo.quality is not None
    assert vars(here.photo.quality) == fields["quality"]


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_others_go_to_a_decoder(data: bytes) -> None:
    assert decode_small(data, MinimumSize(), LIMITS) is None


def test_a_cut_one_is_the_same_error(unused_decoders: Decoders) -> None:
    cut = SMALL["plain"][:1_000]
    request = {"limits": vars(LIMITS), "minimum": vars(MinimumSize()), "lane_bytes": 10**8}
    fields, _ = answer(request, cut)
    with pytest.raises(PhotoError) as caught:
        unused_decoders.decode(cut)
    assert (type(caught.value).__name__, caught.value.code) == (fields["error"], fields["code"])
