"""Copies are found in every orientation, shots of one scene are not copies, dismissals last."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps

from benchmarks.near_duplicates import burst_shot, copies
from scene_model.duplicates.groups import KeepBy, best_first, group_pairs, near_duplicate_pairs
from scene_model.duplicates.hash_rotations import hash_signs, rotated_signs
from scene_model.duplicates.near_duplicates import (
    NearDuplicateKind,
    compare_new,
    count_pending_comparisons,
    dismiss,
    undismiss,
)
from scene_model.library import edits
from scene_model.library.trash import empty_trash
from scene_model.photos.alignment import TURNS, aligned_similarity, rotated
from scene_model.photos.hashes import perceptual_hash, signed_hash
from scene_model.services import Services
from tests.pictures import encode

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def temple_ids(services: Services, add_photos: Add, temple: bytes, flower: bytes) -> list[str]:
    """Ids of a photo and its ten copies, the original first, and of a different photo, last."""
    pictures = copies(Image.open(io.BytesIO(temple)).convert("RGB"))
    files = [(f"{kind}.jpg", encode(p, quality=q)) for kind, (p, q) in pictures.items()]
    ids = add_photos([*files, ("dahlia.jpg", flower)])
    assert count_pending_comparisons(services.library) == len(ids)
    list(compare_new(services.library))
    assert count_pending_comparisons(services.library) == 0
    return ids


def near_groups(services: Services) -> list[set[str]]:
    pairs = near_duplicate_pairs(services.library, NearDuplicateKind.NEAR)
    return [set(group.photo_ids) for group in group_pairs(pairs)]


@pytest.mark.parametrize("turn", range(len(TURNS)))
def test_the_hash_of_a_rotated_picture_is_computed_without_it(temple: bytes, turn: int) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(temple)).convert("RGB"))
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    rotated_picture = np.stack([rotated(grey, turn)] * 3, axis=2)
    upright_picture = np.stack([grey] * 3, axis=2)
    hashes = [signed_hash(perceptual_hash(p)) for p in (upright_picture, rotated_picture)]
    signs, expected = hash_signs(np.array(hashes, np.int64))
    distance = (rotated_signs(signs[np.newaxis], turn)[0] != expected).sum()
    assert distance <= 8  # of 64; unrelated pictures differ in 20 or more


@pytest.mark.slow
def test_all_copies_are_one_group(services: Services, temple_ids: list[str]) -> None:
    assert near_groups(services) == [set(temple_ids[:-1])]


def test_two_shots_of_a_scene_are_not_one_picture(temple: bytes) -> None:
    photo, random = Image.open(io.BytesIO(temple)).convert("RGB"), np.random.default_rng(0)
    first, second = (np.asarray(burst_shot(photo, random).convert("L")) for _ in range(2))
    original = np.asarray(photo.convert("L"))
    assert aligned_similarity(first, second) is None
    assert aligned_similarity(original, first) is None
    assert aligned_similarity(original, original) == pytest.approx(1.0)


@pytest.mark.slow
def test_dismissed_pairs_stay_dismissed_until_that_is_undone(
    services: Services, temple_ids: list[str], add_photos: Add, temple: bytes
) -> None:
    dismiss(services.library, temple_ids)
    assert near_groups(services) == []
    (new,) = add_photos([("new.jpg", temple + b"more")])
    list(compare_new(services.library))
    # The new photo is near all copies; the dismissed pairs are not shown again.
    pairs = near_duplicate_pairs(services.library, NearDuplicateKind.NEAR)
    assert pairs
    assert all(new in (pair.first, pair.second) for pair in pairs)
    undismiss(services.library, temple_ids)
    assert near_groups(services) == [{*temple_ids[:-1], new}]


@pytest.mark.slow
def test_photos_in_the_trash_are_not_duplicates_until_restored(
    services: Services, temple_ids: list[str]
) -> None:
    edits.move_to_trash(services.library, temple_ids[1:-1])
    assert near_groups(services) == []
    edits.undo(services.library)
    assert near_groups(services) == [set(temple_ids[:-1])]
    edits.move_to_trash(services.library, temple_ids[1:])
    empty_trash(services.library, temple_ids[1:])
    assert near_groups(services) == []
    assert services.library.count() == 1


def test_best_first(services: Services, add_photos: Add, temple: bytes) -> None:
    photo = Image.open(io.BytesIO(temple)).convert("RGB")
    exif = Image.Exif()
    exif[0x0132] = "2001:02:03 04:05:06"
    soft = photo.resize((80, 54)).resize((1280, 856), Image.Resampling.BICUBIC)
    large, sharp, old = add_photos(
        [
            ("large.jpg", encode(soft)),
            ("sharp.jpg", encode(photo)),
            ("old.jpg", encode(ImageOps.mirror(photo.resize((320, 214))), exif=exif, quality=60)),
        ]
    )
    ids = [large, sharp, old]
    firsts = {by: best_first(services.library, ids, by)[0].id for by in KeepBy}
    assert firsts[KeepBy.LARGEST] == large
    assert firsts[KeepBy.SHARPEST] != large
    assert firsts[KeepBy.OLDEST] == old
