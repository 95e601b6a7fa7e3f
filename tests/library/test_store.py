"""The library stores originals unchanged and can be reopened."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.errors import (
    LibraryTooNew,
    LibraryUnavailable,
    OriginalMissing,
    PhotoNotFound,
)
from scene_model.library.edits import add_tag
from scene_model.library.predictions import predict_stored
from scene_model.library.store import Library
from scene_model.photos.decode import decode_photo
from scene_model.photos.hashes import content_hash
from scene_model.services import Services, open_services

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def test_originals_byte_for_byte(services: Services, add_photos: Add, temple: bytes) -> None:
    (photo_id,) = add_photos([("temple.jpg", temple)])
    assert photo_id == content_hash(temple)
    assert services.library.original_path(photo_id).read_bytes() == temple


def test_thumbnail_is_small_upright_and_recreated(
    services: Services, add_photos: Add, temple: bytes
) -> None:
    (photo_id,) = add_photos([("temple.jpg", temple)])
    thumbnail = services.library.thumbnail(photo_id)
    decoded = decode_photo(thumbnail, minimum=None)
    assert (decoded.width, decoded.height, decoded.format) == (320, 214, "WEBP")
    for file in (services.library.folder / "thumbnails").rglob("*.webp"):
        file.unlink()
    assert services.library.thumbnail(photo_id) == thumbnail
    assert decode_photo(services.library.preview(photo_id), minimum=None).width == 640


def test_photos_and_tags_survive_reopening(tmp_path: Path, temple: bytes) -> None:
    settings = Settings(library=tmp_path / "library", workers=1)
    first = open_services(settings)
    first.jobs.submit([("temple.jpg", temple)]).wait(60)
    photo_id = content_hash(temple)
    add_tag(first.library, [photo_id], "Beijing")
    before = first.library.photo(photo_id)
    first.close()
    second = open_services(settings)
    assert second.library.photo(photo_id) == before
    assert second.library.count() == 1
    stored = predict_stored(second.library, second.classifier, photo_id)
    assert stored.head_predictions.class_prediction.label == before.class_head_label
    second.close()


def test_two_handles_write_at_once(services: Services, add_photos: Add, temple: bytes) -> None:
    (photo_id,) = add_photos([("temple.jpg", temple)])
    other = Library(services.library.folder)

    def tag(library: Library, prefix: str) -> None:
        for number in range(20):
            add_tag(library, [photo_id], f"{prefix}{number}")

    threads = [
        threading.Thread(target=tag, args=(library, prefix))
        for library, prefix in ((services.library, "a"), (other, "b"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    own = {t.label for t in other.photo(photo_id).tags if t.head == "human"}
    assert len(own) == 40
    other.close()


def test_errors(services: Services, add_photos: Add, temple: bytes, tmp_path: Path) -> None:
    with pytest.raises(PhotoNotFound):
        services.library.photo("0" * 64)
    with pytest.raises(PhotoNotFound):
        services.library.embedding("0" * 64)
    (photo_id,) = add_photos([("temple.jpg", temple)])
    services.library.original_path(photo_id).unlink()
    with pytest.raises(OriginalMissing):
        services.library.original_path(photo_id)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LibraryUnavailable, match="SCENE_LIBRARY"):
        Library(tmp_path / "file")


def test_foreign_and_newer_databases(tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "library.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(LibraryUnavailable):
        Library(tmp_path / "damaged")
    Library(tmp_path / "newer").close()
    with sqlite3.connect(tmp_path / "newer" / "library.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LibraryTooNew, match="99"):
        Library(tmp_path / "newer")
