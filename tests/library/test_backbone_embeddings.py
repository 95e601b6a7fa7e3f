"""Embeddings by a further network, beside the photos' own ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, event, insert, select, update

from scene_model.classifier.bundle import FloatArray
from scene_model.errors import EmbeddingMissing, LibraryFull
from scene_model.library.database.schema import backbone_embeddings, free_slots, photos
from scene_model.library.embeddings.backbone_embeddings import (
    Network,
    damaged_embeddings,
    embedding_by,
    forget_damaged,
    network_state,
    photos_without,
    remove_embeddings,
    write_embeddings,
)
from scene_model.library.embeddings.embedding_files import packed
from scene_model.library.embeddings.embedding_scan import embeddings_of, scan_embeddings
from scene_model.library.files.file_system import FileSystem
from scene_model.library.store import Library
from scene_model.maintenance.row_check import row_problems
from tests.library.rows import Row, put

NETWORK = Network("abcd", 4)
SLOT_BYTES = 16 + 2 * 4


class Kill(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        put(opened, [Row(f"{i}.jpg") for i in range(6)])
        yield opened


def ids(library: Library) -> list[str]:
    return sorted(library.find())


def values(photo_ids: list[str], shift: float = 0.0) -> dict[str, FloatArray]:
    return {photo_id: np.full(4, i + shift, np.float32) for i, photo_id in enumerate(photo_ids)}


def slots(library: Library) -> list[int]:
    with library.database.reader.begin() as connection:
        return sorted(connection.execute(select(backbone_embeddings.c.slot)).scalars())


def problems(library: Library) -> list[str]:
    """What the check of the rows says of the table."""
    with library.database.reader.connect() as connection:
        driver: Any = connection.connection.driver_connection
        return [problem for problem in row_problems(driver) if "embedding has no valid" in problem]


def test_what_is_written_is_read_by_the_same_scans(library: Library) -> None:
    expected = values(ids(library))
    assert write_embeddings(library, NETWORK, expected) == 6
    chunks = list(scan_embeddings(library, "abcd", 4))
    read = {
        photo_id: row
        for chunk in chunks
        for photo_id, row in zip(chunk.ids, chunk.embeddings, strict=True)
    }
    assert {photo_id: row.tolist() for photo_id, row in read.items()} == {
        photo_id: row.tolist() for photo_id, row in expected.items()
    }
    some = ids(library)[4:2:-1]
    photo_ids, rows = embeddings_of(library, "abcd", 4, some)
    assert photo_ids == some
    assert rows[:, 0].tolist() == [4.0, 3.0]
    assert embedding_by(library, NETWORK, some[0]).tolist() == [4.0] * 4
    assert not problems(library)


def test_the_announced_disk_is_what_is_taken(library: Library) -> None:
    before = network_state(library, NETWORK)
    assert (before.embedded, before.missing, before.missing_bytes) == (0, 6, 6 * SLOT_BYTES)
    assert sorted(photos_without(library, NETWORK)) == ids(library)
    write_embeddings(library, NETWORK, values(ids(library)[:2]))
    middle = network_state(library, NETWORK)
    assert (middle.missing_bytes, middle.file_bytes) == (4 * SLOT_BYTES, 2 * SLOT_BYTES)
    write_embeddings(library, NETWORK, values(ids(library)))
    after = network_state(library, NETWORK)
    assert (after.embedded, after.missing, after.missing_bytes) == (6, 0, 0)
    assert after.file_bytes == library.embeddings.path(NETWORK.file).stat().st_size
    assert after.file_bytes == before.missing_bytes


def test_a_deleted_photos_slot_is_used_again(library: Library) -> None:
    write_embeddings(library, NETWORK, values(ids(library)[:4]))
    first, second, *_ = ids(library)
    with library.database.writer.begin() as connection:
        connection.execute(delete(photos).where(photos.c.id.in_([first, second])))
    assert len(slots(library)) == 2
    state = network_state(library, NETWORK)
    assert (state.missing, state.missing_bytes) == (2, 0)
    write_embeddings(library, NETWORK, values(ids(library)))
    assert slots(library) == [0, 1, 2, 3]
    assert network_state(library, NETWORK).file_bytes == 4 * SLOT_BYTES
    assert not problems(library)


def test_photos_in_the_trash_wait(library: Library) -> None:
    first = ids(library)[0]
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).where(photos.c.id == first).values(trashed_at="2024"))
    assert first not in photos_without(library, NETWORK)
    assert network_state(library, NETWORK).missing == 5


def test_a_photo_has_one_embedding_by_a_network(library: Library) -> None:
    first = ids(library)[0]
    write_embeddings(library, NETWORK, values(ids(library)))
    library.embeddings.write(NETWORK.file, 6, packed(first, np.full(4, 9.0)))
    with library.database.writer.begin() as connection:
        connection.execute(
            update(photos)
            .where(photos.c.id == first)
            .values(backbone="abcd", embedding_file=NETWORK.file, embedding_slot=6)
        )
    assert len(slots(library)) == 5
    assert embedding_by(library, NETWORK, first).tolist() == [9.0] * 4
    assert write_embeddings(library, NETWORK, values([first])) == 0
    assert network_state(library, NETWORK).missing == 0
    # Removing leaves the photos' own embeddings.
    assert remove_embeddings(library, NETWORK) == 0
    assert not slots(library)
    assert embedding_by(library, NETWORK, first).tolist() == [9.0] * 4
    assert network_state(library, NETWORK).missing_bytes == 0


def test_removing_frees_the_file(library: Library) -> None:
    write_embeddings(library, NETWORK, values(ids(library)))
    other = Network("efgh", 4)
    write_embeddings(library, other, values(ids(library)))
    short_vectors = library.embeddings.folder / f"{NETWORK.file}.{'0' * 32}.near"
    short_vectors.write_bytes(b"12345")
    assert remove_embeddings(library, NETWORK) == 6 * SLOT_BYTES + 5
    assert not library.embeddings.path(NETWORK.file).exists()
    assert not short_vectors.exists()
    with library.database.reader.begin() as connection:
        assert not connection.execute(select(free_slots)).all()
    assert network_state(library, other).embedded == 6
    write_embeddings(library, NETWORK, values(ids(library)))
    assert network_state(library, NETWORK).file_bytes == 6 * SLOT_BYTES


@pytest.mark.parametrize("statement", ["INSERT INTO backbone", "COMMIT"])
def test_a_kill_while_writing_leaves_no_row_without_its_slot(
    library: Library, statement: str
) -> None:
    write_embeddings(library, NETWORK, values(ids(library)[:2]))

    def kill(*_: Any) -> None:
        raise Kill

    def kill_before(_c: Any, _cursor: Any, text: str, *_: Any) -> None:
        if text.startswith(statement):
            raise Kill

    name = "commit" if statement == "COMMIT" else "before_cursor_execute"
    listener = kill if statement == "COMMIT" else kill_before
    event.listen(library.database.writer, name, listener)
    with pytest.raises(Kill):
        write_embeddings(library, NETWORK, values(ids(library), shift=0.5))
    event.remove(library.database.writer, name, listener)
    assert network_state(library, NETWORK).embedded == 2
    assert library.embeddings.slot_count(NETWORK.file) == 6  # written before the rows
    assert write_embeddings(library, NETWORK, values(ids(library))) == 4
    assert slots(library) == list(range(6))
    assert [damaged_embeddings(library, photo_id) for photo_id in ids(library)] == [[]] * 6
    assert embedding_by(library, NETWORK, ids(library)[5]).tolist() == [5.0] * 4


def test_a_kill_while_removing_is_finished_by_the_next_call(library: Library) -> None:
    write_embeddings(library, NETWORK, values(ids(library)))

    class KilledBeforeRemoval(FileSystem):
        def before_step(self, step: str, path: Path) -> None:
            if step == "remove":
                raise Kill

    intact = library.file_system
    library.file_system = KilledBeforeRemoval()
    with pytest.raises(Kill):
        remove_embeddings(library, NETWORK)
    library.file_system = intact
    state = network_state(library, NETWORK)
    assert (state.embedded, state.file_bytes) == (0, 6 * SLOT_BYTES)
    assert remove_embeddings(library, NETWORK) == 6 * SLOT_BYTES
    assert network_state(library, NETWORK).file_bytes == 0


def test_a_full_disk_writes_nothing(library: Library) -> None:
    class FullDisk(FileSystem):
        def free_bytes(self, folder: Path) -> int:
            return 0

    library.file_system = FullDisk()
    with pytest.raises(LibraryFull):
        write_embeddings(library, NETWORK, values(ids(library)))
    assert not slots(library)


def test_a_damaged_slot_is_named_and_computed_again(library: Library) -> None:
    write_embeddings(library, NETWORK, values(ids(library)))
    path = library.embeddings.path(NETWORK.file)
    data = bytearray(path.read_bytes())
    data[2 * SLOT_BYTES + 17] ^= 1
    path.write_bytes(data)
    (damaged,) = [photo_id for photo_id in ids(library) if damaged_embeddings(library, photo_id)]
    with pytest.raises(EmbeddingMissing):
        embedding_by(library, NETWORK, damaged)
    forget_damaged(library, damaged)
    assert photos_without(library, NETWORK) == [damaged]
    write_embeddings(library, NETWORK, values(ids(library)))
    assert not any(damaged_embeddings(library, photo_id) for photo_id in ids(library))


@pytest.mark.parametrize("slot", [-1, 0])
def test_the_check_of_the_rows_finds_a_wrong_slot(library: Library, slot: int) -> None:
    write_embeddings(library, NETWORK, values(ids(library)[:1]))
    with library.database.writer.begin() as connection:
        if slot:
            connection.execute(update(backbone_embeddings).values(slot=slot))
        else:
            connection.execute(insert(free_slots).values(file=NETWORK.file, slot=0))
    assert problems(library)
