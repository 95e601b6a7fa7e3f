"""Referenced originals are used and checked, and never changed."""

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.classifier.classify import Prediction
from scene_model.errors import OriginalChanged, OriginalMissing
from scene_model.library.edits import move_to_trash
from scene_model.library.predictions import predict_stored
from scene_model.library.records import Added, NewPhoto
from scene_model.services import Services

Refer = Callable[[Path], Added]
Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def prediction(services: Services, flower: bytes) -> Prediction:
    return services.classifier.predict(flower)


@pytest.fixture
def refer(services: Services, prediction: Prediction) -> Refer:
    def add(path: Path) -> Added:
        photo = NewPhoto(path.read_bytes(), path.name, "2026-01-02T03:04:05+00:00")
        return services.library.add(
            photo, prediction, services.classifier.provenance, reference=path
        )

    return add


@pytest.fixture
def outside(tmp_path: Path, flower: bytes) -> Path:
    path = tmp_path / "my photos" / "dahlia.jpg"
    path.parent.mkdir()
    path.write_bytes(flower)
    return path


def copies(services: Services) -> list[Path]:
    return [p for p in (services.library.folder / "originals").rglob("*") if p.is_file()]


def test_a_reference_is_neither_copied_nor_changed(
    services: Services, refer: Refer, outside: Path, flower: bytes
) -> None:
    outside.chmod(stat.S_IRUSR)
    before = outside.stat()
    added = refer(outside)
    photo = services.library.photo(added.id)
    assert photo.reference == outside
    assert services.library.original_path(added.id) == outside
    assert services.library.original_bytes(added.id) == flower
    assert services.library.preview(added.id)
    assert copies(services) == []
    move_to_trash(services.library, [added.id])
    after = outside.stat()
    assert (after.st_mtime_ns, after.st_ino, after.st_mode) == (
        before.st_mtime_ns,
        before.st_ino,
        before.st_mode,
    )


def test_a_moved_original_is_named_in_the_error(
    services: Services, refer: Refer, outside: Path
) -> None:
    added = refer(outside)
    outside.rename(outside.with_name("elsewhere.jpg"))
    for use in (
        services.library.original_path,
        services.library.verified_original,
        services.library.original_bytes,
        services.library.preview,
    ):
        with pytest.raises(OriginalMissing, match="my photos/dahlia.jpg"):
            use(added.id)
    assert services.library.thumbnail(added.id), "the library has a thumbnail"
    assert predict_stored(services.library, services.classifier, added.id), (
        "the library has the embedding"
    )
    assert not services.library.holds(added.id, services.classifier.bundle_id)
    again = refer(outside.with_name("elsewhere.jpg"))
    assert again.was_known
    assert services.library.original_path(added.id).name == "elsewhere.jpg"


def test_a_changed_original_is_an_error(
    services: Services, refer: Refer, outside: Path, temple: bytes
) -> None:
    added = refer(outside)
    outside.write_bytes(temple)
    services.library.files.thumbnail_location(added.id).unlink()
    for use in (
        services.library.verified_original,
        services.library.original_bytes,
        services.library.preview,
        services.library.thumbnail,
    ):
        with pytest.raises(OriginalChanged, match="my photos/dahlia.jpg"):
            use(added.id)
    assert outside.read_bytes() == temple


def test_a_copy_has_priority_over_a_reference(
    services: Services, refer: Refer, add_photos: Add, outside: Path, flower: bytes
) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    assert refer(outside).was_known
    assert services.library.photo(photo_id).reference is None
    outside.unlink()
    assert services.library.original_bytes(photo_id) == flower


def test_an_upload_makes_a_copy_of_a_lost_reference(
    services: Services, refer: Refer, add_photos: Add, outside: Path, flower: bytes
) -> None:
    added = refer(outside)
    outside.unlink()
    add_photos([("dahlia.jpg", flower)])
    assert services.library.photo(added.id).reference is None
    assert services.library.original_bytes(added.id) == flower


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names there are text")
def test_a_name_that_is_not_utf_8(
    services: Services, refer: Refer, tmp_path: Path, flower: bytes
) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    path.write_bytes(flower)
    photo = NewPhoto(flower, "cafe.jpg", "2026-01-02T03:04:05+00:00")
    prediction = services.classifier.predict(flower)
    added = services.library.add(photo, prediction, services.classifier.provenance, reference=path)
    assert services.library.photo(added.id).reference == path
    assert services.library.original_bytes(added.id) == flower


def test_in_a_zip(services: Services, refer: Refer, outside: Path, flower: bytes) -> None:
    added = refer(outside)
    assert flower in b"".join(services.exports.zip_by_class([added.id]))
