"""Similar photos by short vectors: as good as comparing all embeddings, also after changes."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, update

from scene_model.classifier.bundle import FloatArray
from scene_model.library import embedding_projection
from scene_model.library.embeddings import file_name, packed
from scene_model.library.schema import photos
from scene_model.library.store import Library
from scene_model.search import similar
from scene_model.search.similar import scan_all, similar_to
from tests.library.libraries import add_rows

COUNT, SIZE, BACKBONE, LIMIT = 2_500, 160, "b", 20
FILE = file_name(BACKBONE, SIZE)


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar, "MOST_SCANNED", 0)
    monkeypatch.setattr(similar, "_CANDIDATES", 100)


def _library(folder: Path) -> tuple[Library, list[str], FloatArray]:
    """Make a library of photos of 50 kinds."""
    random = np.random.default_rng(0)
    kinds = random.standard_normal((50, SIZE), np.float32)
    values = kinds[random.integers(50, size=COUNT)]
    values = values + 0.6 * random.standard_normal(values.shape, np.float32)
    library = Library(folder)
    ids = add_rows(library, COUNT, tags=("sea",))
    slots = [packed(photo_id, values[i]) for i, photo_id in enumerate(ids)]
    library.embeddings.write(FILE, 0, b"".join(slots))
    with library.database.writer.begin() as connection:
        connection.execute(
            update(photos).values(embedding_file=FILE, embedding_slot=photos.c.number - 1)
        )
    return library, ids, values


def _recall(library: Library, values: FloatArray) -> float:
    recalls = []
    for vector in values[::250]:
        exact = scan_all(library, BACKBONE, vector / np.linalg.norm(vector), LIMIT)
        near = similar_to(library, BACKBONE, vector, LIMIT)
        assert [s.similarity for s in near] == sorted((s.similarity for s in near), reverse=True)
        common = {s.photo_id for s in exact} & {s.photo_id for s in near}
        recalls.append(len(common) / LIMIT)
    return float(np.mean(recalls))


def test_finds_what_comparing_all_finds(tmp_path: Path) -> None:
    library, ids, values = _library(tmp_path)
    assert _recall(library, values) > 0.95
    projected = (tmp_path / "embeddings" / f"{FILE}.near").stat()
    nearest = similar_to(library, BACKBONE, values[7], 2)[0]
    assert nearest.photo_id == ids[7]
    assert nearest.similarity == pytest.approx(1.0, abs=1e-3)
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).where(photos.c.id == ids[7]).values(trashed_at="2026"))
    assert similar_to(library, BACKBONE, values[7], 1)[0].photo_id != ids[7]
    assert (tmp_path / "embeddings" / f"{FILE}.near").stat() == projected, "it was read only"
    with library.database.writer.begin() as connection:  # all but a few are in the trash
        connection.execute(update(photos).where(photos.c.number > 30).values(trashed_at="2026"))
    assert len(similar_to(library, BACKBONE, values[7], LIMIT)) == LIMIT
    library.close()


@pytest.mark.parametrize("most_compared", [0, 2_000], ids=["written anew", "compared"])
def test_follows_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_compared: int
) -> None:
    monkeypatch.setattr(embedding_projection, "_MOST_COMPARED", most_compared)
    library, ids, values = _library(tmp_path)
    similar_to(library, BACKBONE, values[0], LIMIT)
    # A photo gets the slot of a deleted one; another one is appended.
    moved, appended = -values[3], -values[4]
    library.embeddings.write(FILE, 3, packed(ids[5], moved))
    library.embeddings.write(FILE, COUNT, packed(ids[6], appended))
    with library.database.writer.begin() as connection:
        connection.execute(delete(photos).where(photos.c.id == ids[3]))
        for photo_id, slot in ((ids[5], 3), (ids[6], COUNT)):
            of_photo = update(photos).where(photos.c.id == photo_id)
            connection.execute(of_photo.values(embedding_slot=slot))
    assert similar_to(library, BACKBONE, moved, 1)[0].photo_id == ids[5]
    assert similar_to(library, BACKBONE, appended, 1)[0].photo_id == ids[6]
    near = [match.photo_id for match in similar_to(library, BACKBONE, values[3], COUNT)]
    assert ids[3] not in near
    assert len(near) == len(set(near)) == COUNT - 1
    library.close()


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff" * 5000])
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: bytes) -> None:
    library, ids, values = _library(tmp_path)
    similar_to(library, BACKBONE, values[0], LIMIT)
    (tmp_path / "embeddings" / f"{FILE}.near").write_bytes(damage)
    assert similar_to(library, BACKBONE, values[9], 1)[0].photo_id == ids[9]
    library.close()


def test_without_room_all_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, ids, values = _library(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(similar, "open_projection", fail)
    assert similar_to(library, BACKBONE, values[9], 1)[0].photo_id == ids[9]
    library.close()
