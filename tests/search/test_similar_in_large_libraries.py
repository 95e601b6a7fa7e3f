"""Similar photos by short vectors: as good as comparing all embeddings, also after changes."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, update

from scene_model.classifier.bundle import FloatArray
from scene_model.library.database.schema import choices, photos
from scene_model.library.embeddings import embedding_projection
from scene_model.library.embeddings.embedding_files import file_name, packed
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.rebuild import start_rebuild
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


def _file(library: Library) -> Path:
    """Return the only file of short vectors."""
    (path,) = library.embeddings.folder.glob("*.near")
    return path


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
    projected = _file(library).stat()
    nearest = similar_to(library, BACKBONE, values[7], 2)[0]
    assert nearest.photo_id == ids[7]
    assert nearest.similarity == pytest.approx(1.0, abs=1e-3)
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).where(photos.c.id == ids[7]).values(trashed_at="2026"))
    assert similar_to(library, BACKBONE, values[7], 1)[0].photo_id != ids[7]
    assert _file(library).stat() == projected, "it was read only"
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
    _file(library).write_bytes(damage)
    assert similar_to(library, BACKBONE, values[9], 1)[0].photo_id == ids[9]
    library.close()


def test_without_room_all_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, ids, values = _library(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(similar, "open_projection", fail)
    assert similar_to(library, BACKBONE, values[9], 1)[0].photo_id == ids[9]
    library.close()


def test_a_file_that_cannot_be_written_anew_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    library, ids, values = _library(tmp_path)
    similar_to(library, BACKBONE, values[0], LIMIT)
    before = _file(library)
    monkeypatch.setattr(embedding_projection, "_MOST_COMPARED", 0)

    def fail(*_: object) -> None:
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(Path, "rename", fail)
    library.embeddings.write(FILE, COUNT, packed(ids[6], -values[4]))
    with library.database.writer.begin() as connection:
        of_photo = update(photos).where(photos.c.id == ids[6])
        connection.execute(of_photo.values(embedding_slot=COUNT))
    assert similar_to(library, BACKBONE, -values[4], 1)[0].photo_id == ids[6]
    assert _file(library) == before
    assert "stay as they are" in caplog.text
    library.close()


def test_short_vectors_of_another_database_are_not_used(tmp_path: Path) -> None:
    library, ids, values = _library(tmp_path)
    similar_to(library, BACKBONE, values[0], LIMIT)
    damaged = np.memmap(_file(library), np.float32, "r+", 4096)
    damaged[:] = 0  # whether they are used shows in what is found
    damaged.flush()
    before = _file(library)
    with library.database.writer.begin() as connection:  # as in an older copy
        connection.execute(delete(choices))
    assert similar_to(library, BACKBONE, values[9], 1)[0].photo_id == ids[9]
    assert _file(library) != before
    library.close()


def test_two_programs_share_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, ids, values = _library(tmp_path)
    monkeypatch.setattr(embedding_projection, "_MOST_COMPARED", 0)
    with Library(tmp_path) as other:
        for number, opened in enumerate((library, other, library, other)):
            library.embeddings.write(FILE, COUNT + number, packed(ids[number], -values[number]))
            with library.database.writer.begin() as connection:
                of_photo = update(photos).where(photos.c.id == ids[number])
                connection.execute(of_photo.values(embedding_slot=COUNT + number))
            match = similar_to(opened, BACKBONE, -values[number], 1)[0]
            assert match.photo_id == ids[number]
            assert _file(library).exists()
    library.close()


@pytest.mark.slow
def test_a_backup_leaves_out_short_vectors(tmp_path: Path) -> None:
    library, _, values = _library(tmp_path / "library")
    similar_to(library, BACKBONE, values[0], LIMIT)
    backup = write_backup(library, tmp_path / "b.zip")
    names = [entry.name for entry in backup.manifest.files]
    assert [name for name in names if name.startswith("embeddings/")] == [f"embeddings/{FILE}.f16"]
    library.close()


def test_a_rebuild_removes_short_vectors(tmp_path: Path) -> None:
    library, _, values = _library(tmp_path)
    similar_to(library, BACKBONE, values[0], LIMIT)
    library.close()
    start_rebuild(tmp_path)
    assert [path.name for path in (tmp_path / "embeddings").iterdir()] == [f"{FILE}.f16"]
