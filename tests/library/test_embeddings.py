"""Embedding files: one slot per photo, checked when read, reused when free."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.classify import Classifier
from scene_model.errors import EmbeddingMissing
from scene_model.learning.retag import retag
from scene_model.library.embeddings.embedding_files import EmbeddingFiles, file_name, packed
from scene_model.library.files.file_system import FileSystem
from scene_model.library.predictions import predict_stored
from scene_model.library.store import Library
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.hashes import content_hash
from scene_model.services import Services
from tests.bundles import other_network

Add = Callable[[list[tuple[str, bytes]]], list[str]]
FIRST_ID, SECOND_ID = content_hash(b"one"), content_hash(b"other")


def slots(library: Library) -> dict[str, tuple[str, int]]:
    connection = sqlite3.connect(library.folder / "library.db")
    rows = connection.execute("SELECT id, embedding_file, embedding_slot FROM photos").fetchall()
    connection.close()
    return {row[0]: (row[1], row[2]) for row in rows}


def sql(library: Library, statement: str, *values: str) -> None:
    connection = sqlite3.connect(library.folder / "library.db")
    with connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(statement, values)
    connection.close()


@pytest.fixture
def files(tmp_path: Path) -> EmbeddingFiles:
    return EmbeddingFiles(tmp_path, FileSystem())


def test_round_trip(files: EmbeddingFiles) -> None:
    name, values = file_name("abcd", 8), np.arange(8, dtype=np.float32) / 4
    files.write(name, 3, packed(FIRST_ID, values))
    files.write(name, 0, packed(SECOND_ID, values + 1))
    assert np.array_equal(files.read(name, 3, FIRST_ID), values)
    assert np.array_equal(files.read(name, 0, SECOND_ID), values + 1)
    assert files.slot_count(name) == 4
    assert np.array_equal(files.rows(name, [3, 0]), [values, values + 1])
    assert files.rows(name, slice(2, 9)).shape == (2, 8)
    with pytest.raises(IndexError):
        files.rows(name, [4])


@pytest.mark.parametrize(
    ("name", "slot"), [("abcd-8", 1), ("abcd-8", 9), ("efgh-8", 0), (None, None), ("../x", 0)]
)
def test_missing_slots(files: EmbeddingFiles, name: str | None, slot: int | None) -> None:
    files.write("abcd-8", 0, packed(FIRST_ID, np.ones(8)))
    files.write("abcd-8", 1, packed(SECOND_ID, np.ones(8)))
    with pytest.raises(EmbeddingMissing):
        files.read(name, slot, FIRST_ID)


@pytest.mark.parametrize("position", [0, 9, 16, 31])
def test_one_flipped_bit_is_detected(files: EmbeddingFiles, position: int) -> None:
    files.write("abcd-8", 0, packed(FIRST_ID, np.ones(8)))
    data = bytearray(files.path("abcd-8").read_bytes())
    data[position] ^= 1
    files.path("abcd-8").write_bytes(data)
    with pytest.raises(EmbeddingMissing):
        files.read("abcd-8", 0, FIRST_ID)


def test_a_missing_file_has_no_rows(files: EmbeddingFiles) -> None:
    assert files.rows("abcd-8", slice(0, 9)).shape == (0, 8)
    with pytest.raises(IndexError):
        files.rows("abcd-8", [0])


@pytest.mark.slow
def test_each_photo_has_its_own_slot_and_a_free_one_is_reused(
    services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]]
) -> None:
    library = services.library
    ids = add_photos(made_photos[:4])
    assert sorted(slot for _, slot in slots(library).values()) == [0, 1, 2, 3]
    _, freed = slots(library)[ids[1]]
    sql(library, "DELETE FROM photos WHERE id = ?", ids[1])
    (new,) = add_photos(made_photos[4:5])
    assert slots(library)[new][1] == freed
    file, _ = slots(library)[new]
    assert library.embeddings.slot_count(file) == 4
    for photo_id in (ids[0], ids[2], ids[3], new):
        assert library.embedding(photo_id).values.any()


def test_another_networks_embedding_goes_to_its_own_file(
    services: Services, add_photos: Add, temple: bytes, tmp_path: Path
) -> None:
    library = services.library
    (photo_id,) = add_photos([("temple.jpg", temple)])
    (before, slot) = slots(library)[photo_id]
    other = Classifier.open(other_network(tmp_path / "other"), PhotoLimits(), interpreters=1)
    retag(library, other, photo_id)
    after, _ = slots(library)[photo_id]
    assert after != before
    assert after.startswith(str(other.provenance.backbone))
    connection = sqlite3.connect(library.folder / "library.db")
    assert connection.execute("SELECT * FROM free_slots").fetchall() == [(before, slot)]
    connection.close()


@pytest.mark.slow
def test_a_missing_embedding_is_recomputed(
    services: Services, add_photos: Add, temple: bytes
) -> None:
    library = services.library
    (photo_id,) = add_photos([("temple.jpg", temple)])
    before = library.embedding(photo_id).values
    library.embeddings.path(slots(library)[photo_id][0]).unlink()
    with pytest.raises(EmbeddingMissing, match=photo_id[:12]):
        library.embedding(photo_id)
    assert predict_stored(library, services.classifier, photo_id).new_embedding is not None
    retag(library, services.classifier, photo_id)
    assert np.array_equal(library.embedding(photo_id).values, before)
