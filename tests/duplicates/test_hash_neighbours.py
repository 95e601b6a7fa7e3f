"""is:duplicate finds exactly the photos with a hash neighbour outside the trash."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scene_model.duplicates.hash_neighbours import (
    MAX_DISTANCE,
    bands_of,
    distance,
    has_hash_neighbour,
)
from scene_model.duplicates.missing_hashes import count_missing_hashes, fill_missing_hashes
from scene_model.learning.retag import retag
from scene_model.library import edits
from scene_model.library.store import Library
from scene_model.photos.hashes import signed_hash
from scene_model.services import Services
from tests.library.rows import Row, put
from tests.pictures import encode

Add = Callable[[list[tuple[str, bytes]]], list[str]]
BITS = st.sets(st.integers(0, 63), max_size=MAX_DISTANCE + 3)
HASHES = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("library"))


def flipped(value: int, bits: set[int]) -> int:
    for bit in bits:
        value ^= 1 << bit
    return value


@given(HASHES, BITS)
def test_distance_and_bands(value: int, bits: set[int]) -> None:
    first, second = signed_hash(value), signed_hash(flipped(value, bits))
    assert -(2**63) <= first < 2**63
    assert distance(first, second) == len(bits)
    if len(bits) <= MAX_DISTANCE:
        assert set(bands_of(first)) & set(bands_of(second))


def test_bands_are_distinct_and_wide() -> None:
    # With a narrow band, every addition would be compared with much of the library.
    masks = [bands_of(0), bands_of(-1)]
    assert all(len(set(bands)) == len(bands) for bands in masks)
    widths = [(first ^ second).bit_count() for first, second in zip(*masks, strict=True)]
    assert sum(widths) == 64
    assert min(widths) >= 9


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from([0, 2**63, 2**64 - 1]), BITS, st.booleans()), max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_same_result_as_comparing_all_pairs(
    library: Library, photos: list[tuple[int, set[int], bool]]
) -> None:
    rows = [
        Row(f"{i}", hash=signed_hash(flipped(base, bits)), trashed=trashed)
        for i, (base, bits, trashed) in enumerate(photos)
    ]
    put(library, [*rows, Row("unknown")])
    shown = [(row.id, row.hash or 0) for row in rows if not row.trashed]
    expected = {
        photo_id
        for photo_id, photo_hash in shown
        if any(
            second_id != photo_id and distance(photo_hash, second_hash) <= MAX_DISTANCE
            for second_id, second_hash in shown
        )
    }
    assert set(library.find(has_hash_neighbour())) == expected
    assert len(library.find(~has_hash_neighbour())) == len(shown) + 1 - len(expected)


def test_a_smaller_copy_is_found_until_it_is_in_the_trash(
    services: Services, add_photos: Add, temple: bytes, flower: bytes
) -> None:
    small = Image.open(io.BytesIO(temple)).resize((320, 214))
    temple_id, small_id, flower_id = add_photos(
        [("temple.jpg", temple), ("small.png", encode(small, "PNG")), ("dahlia.jpg", flower)]
    )
    gallery = services.gallery()
    assert set(gallery.ids("is:duplicate")) == {temple_id, small_id}
    assert gallery.ids("-is:duplicate") == [flower_id]
    edits.move_to_trash(services.library, [small_id])
    assert gallery.ids("is:duplicate") == []
    edits.restore(services.library, [small_id])
    assert gallery.count("is:duplicate") == 2


def remove_hashes(library: Library) -> None:
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE photos SET perceptual_hash = NULL")
        connection.exec_driver_sql("DELETE FROM hash_bands")
        connection.exec_driver_sql("DELETE FROM near_hashes")


@pytest.mark.parametrize("method", ["filled", "tagged again", "added again"])
def test_photos_of_an_earlier_version_are_compared_later(
    services: Services, add_photos: Add, temple: bytes, flower: bytes, method: str
) -> None:
    files = [("a.jpg", temple), ("b.jpg", temple + b"more"), ("dahlia.jpg", flower)]
    ids = add_photos(files)
    library = services.library
    remove_hashes(library)
    assert services.gallery().count("is:duplicate") == 0
    assert count_missing_hashes(library) == 3
    if method == "tagged again":
        for photo_id in ids:
            retag(library, services.classifier, photo_id)
    elif method == "added again":
        edits.move_to_trash(library, ids)
        services.jobs.submit(files).wait(60)
    else:
        assert list(fill_missing_hashes(library)) == [True, True, True]
        assert list(fill_missing_hashes(library)) == []
    assert count_missing_hashes(library) == 0
    assert set(services.gallery().ids("is:duplicate")) == set(ids[:2])


def test_a_photo_without_a_picture_is_skipped(
    services: Services, add_photos: Add, temple: bytes, flower: bytes
) -> None:
    (temple_id, _) = add_photos([("temple.jpg", temple), ("dahlia.jpg", flower)])
    library = services.library
    remove_hashes(library)
    library.original_path(temple_id).unlink()
    next(iter((library.folder / "thumbnails").rglob(f"{temple_id}.webp"))).unlink()
    assert sorted(fill_missing_hashes(library)) == [False, True]
    assert count_missing_hashes(library) == 1
