"""The review queue: least certain photos first, without those a person decided on."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.learning.review_queue import (
    CLOSE,
    DISAGREE,
    SURE,
    UNSURE,
    review_queue,
)
from scene_model.services import Services
from tests.pictures import encode

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def test_order_of_the_queue_and_decided_photos(
    services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]], temple: bytes
) -> None:
    ids = add_photos([*made_photos, ("temple.jpg", temple)])
    queue = review_queue(services.library, services.classifier)
    assert queue
    assert {item.photo_id for item in queue} == set(ids)
    reasons = {item.photo_id: item.reason for item in queue}
    assert reasons[ids[-1]] == SURE, "the camera head is sure of a landmark"
    order = [UNSURE, DISAGREE, CLOSE, SURE]
    assert list(reasons.values()) == sorted(reasons.values(), key=order.index)
    services.gallery().set_class([queue[0].photo_id], "sea")
    remaining = review_queue(services.library, services.classifier)
    assert [item.photo_id for item in remaining] == [item.photo_id for item in queue[1:]]
    assert len(review_queue(services.library, services.classifier, most=2)) == 2


def test_a_photo_is_in_doubt_if_its_class_is_unsure(
    services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]], temple: bytes
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    nothing = encode(Image.fromarray(noise))
    ids = add_photos([*made_photos, ("temple.jpg", temple), ("noise.jpg", nothing)])
    photos = {photo.id: photo for photo in services.library.records(ids)}
    queue = review_queue(services.library, services.classifier)
    for item in queue:
        is_unsure = photos[item.photo_id].photo_class == UNSURE_CLASS
        assert (item.reason == UNSURE) == is_unsure
    assert {item.reason == UNSURE for item in queue} == {True, False}
