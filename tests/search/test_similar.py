"""Similar photos to one of the library, or to an uploaded picture."""

import io
from collections.abc import Callable

import pytest
from PIL import Image

from scene_model.errors import PhotoError, PhotoNotFound
from scene_model.library import edits
from scene_model.search.similar import Similar, similar_to_photo, similar_to_picture
from scene_model.services import Services
from tests.pictures import encode

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def to_photo(services: Services, photo_id: str, limit: int = 10) -> list[Similar]:
    return similar_to_photo(services.library, services.classifier, photo_id, limit)


def to_picture(services: Services, data: bytes) -> list[Similar]:
    return similar_to_picture(services.library, services.classifier, data, limit=10)


def test_the_copy_comes_first(
    services: Services, add_photos: Add, temple: bytes, flower: bytes
) -> None:
    small = encode(Image.open(io.BytesIO(temple)).resize((320, 214)), "PNG")
    temple_id, small_id, flower_id = add_photos(
        [("temple.jpg", temple), ("small.png", small), ("dahlia.jpg", flower)]
    )
    first, second = to_photo(services, temple_id)
    assert (first.photo_id, second.photo_id) == (small_id, flower_id)
    assert 1.0 >= first.similarity > 0.9 > second.similarity
    (nearest,) = to_photo(services, temple_id, limit=1)
    assert nearest.photo_id == small_id
    edits.move_to_trash(services.library, [small_id])
    assert [similar.photo_id for similar in to_photo(services, temple_id)] == [flower_id]


def test_to_a_picture_that_is_not_in_the_library(
    services: Services, add_photos: Add, temple: bytes, flower: bytes
) -> None:
    add_photos([("temple.jpg", temple), ("dahlia.jpg", flower)])
    rotated = encode(Image.open(io.BytesIO(flower)).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    results = to_picture(services, rotated)
    assert [services.library.photo(similar.photo_id).name for similar in results] == [
        "dahlia.jpg",
        "temple.jpg",
    ]
    assert services.library.count() == 2
    with pytest.raises(PhotoError):
        to_picture(services, b"no picture")


def test_in_an_empty_library(services: Services, temple: bytes) -> None:
    assert to_picture(services, temple) == []
    with pytest.raises(PhotoNotFound):
        to_photo(services, "0" * 64)
