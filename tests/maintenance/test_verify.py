"""A check finds each kind of damage; a repair fixes what it can and deletes nothing."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from scene_model.classifier.classify import Classifier
from scene_model.learning.retag import retag
from scene_model.library import edits
from scene_model.library.imported_facts import ImportedFacts, complete_photo
from scene_model.library.records import NewPhoto
from scene_model.library.store import Library
from scene_model.maintenance.problems import VerifyResult
from scene_model.maintenance.verify import verify
from scene_model.photos.hashes import content_hash
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]
LONG_AGO = 1_600_000_000


@pytest.fixture
def photo_ids(add_photos: Add, temple: bytes, flower: bytes) -> list[str]:
    return add_photos([("temple.jpg", temple), ("dahlia.jpg", flower)])


@pytest.fixture
def library(services: Services, photo_ids: list[str]) -> Library:
    return services.library


def old_file(path: Path, data: bytes = b"orphan") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def codes(result: VerifyResult) -> list[str]:
    return sorted(problem.code for problem in result.problems)


def test_an_intact_library_has_no_problems(library: Library, photo_ids: list[str]) -> None:
    edits.move_to_trash(library, photo_ids[:1])
    progress: list[tuple[int, int]] = []
    result = verify(library, on_progress=lambda done, total: progress.append((done, total)))
    assert result == VerifyResult(2)
    assert progress == [(1, 2), (2, 2)]
    assert verify(library, repair=True) == VerifyResult(2)
    assert not (library.folder / "trash").exists()


def test_originals(library: Library, photo_ids: list[str]) -> None:
    library.original_path(photo_ids[0]).unlink()
    changed = library.original_path(photo_ids[1])
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    for repair in (False, True):
        result = verify(library, repair, workers=2)
        assert codes(result) == ["changed_original", "missing_original"]
        assert result.unrepaired == result.problems, "originals cannot be recreated"
    by_code = {problem.code: problem for problem in result.problems}
    assert by_code["missing_original"].photo == photo_ids[0]
    assert "temple.jpg: The original is missing" in by_code["missing_original"].message
    assert by_code["changed_original"].file == changed
    assert "changed on disk" in by_code["changed_original"].message


@pytest.mark.skipif(os.name == "nt", reason="no such links")
def test_an_original_that_cannot_be_read(library: Library, photo_ids: list[str]) -> None:
    path = library.original_path(photo_ids[0])
    path.unlink()
    path.symlink_to("a" * 300)
    (problem,) = verify(library).problems
    assert problem.code in ("unreadable_original", "missing_original")


def test_thumbnails(library: Library, photo_ids: list[str]) -> None:
    thumbnails = [library.thumbnail(photo_id) for photo_id in photo_ids]
    paths = [library.files.thumbnail_location(photo_id) for photo_id in photo_ids]
    paths[0].unlink()
    paths[1].write_bytes(thumbnails[1][:100])
    result = verify(library)
    assert codes(result) == ["damaged_thumbnail", "missing_thumbnail"]
    assert not paths[0].exists(), "checking repairs nothing"
    result = verify(library, repair=True)
    assert (codes(result), result.unrepaired) == (["damaged_thumbnail", "missing_thumbnail"], ())
    assert "Recreated" in result.problems[0].message
    assert [path.read_bytes() for path in paths] == thumbnails
    assert verify(library).problems == ()


def test_no_thumbnail_is_made_of_an_original_that_changed(
    library: Library, photo_ids: list[str], flower: bytes
) -> None:
    library.original_path(photo_ids[0]).write_bytes(flower)
    damaged = library.files.thumbnail_location(photo_ids[0])
    damaged.write_bytes(b"damaged")
    result = verify(library, repair=True)
    assert codes(result) == ["changed_original", "damaged_thumbnail"]
    assert len(result.unrepaired) == 2
    assert damaged.read_bytes() == b"damaged"


def test_embeddings(services: Services, library: Library, photo_ids: list[str]) -> None:
    before = library.embedding(photo_ids[0]).values
    (file,) = library.folder.glob("embeddings/*.f16")
    data = bytearray(file.read_bytes())
    data[100] ^= 0xFF
    file.write_bytes(bytes(data))
    for repair in (False, True):
        (problem,) = verify(library, repair).unrepaired
        assert problem.code == "missing_embedding"

    def recompute_embedding(photo_id: str) -> None:
        retag(library, services.classifier, photo_id)

    result = verify(library, repair=True, recompute_embedding=recompute_embedding)
    assert (codes(result), result.unrepaired) == (["missing_embedding"], ())
    assert problem.photo is not None
    assert (library.embedding(photo_ids[0]).values == before).all()
    assert verify(library).problems == ()


def test_orphaned_files_are_moved(library: Library) -> None:
    folder = library.folder
    orphans = {
        "orphan_original": old_file(folder / "originals" / "ab" / f"{'ab' * 32}.jpg"),
        "orphan_thumbnail": old_file(folder / "thumbnails" / "ab" / f"{'ab' * 32}.webp"),
        "leftover_file": old_file(folder / "originals" / "ab" / ".new-x1y2"),
    }
    old_file(folder / "new" / "z", b"too")
    result = verify(library)
    assert codes(result) == sorted([*orphans, "leftover_file"])
    assert {p.code: p.file for p in result.problems}["orphan_original"] == orphans[
        "orphan_original"
    ]
    result = verify(library, repair=True)
    assert result.unrepaired == ()
    assert result.orphans_dir is not None
    assert result.orphans_dir.parent == folder / "trash"
    for orphan in orphans.values():
        assert not orphan.exists()
        assert (result.orphans_dir / orphan.relative_to(folder)).read_bytes() == b"orphan"
    assert verify(library) == VerifyResult(2)


def test_a_copy_of_an_original_with_another_suffix_is_an_orphan(
    library: Library, photo_ids: list[str]
) -> None:
    original = library.original_path(photo_ids[0])
    old_file(original.with_suffix(".png"), original.read_bytes())
    result = verify(library, repair=True)
    assert (codes(result), result.unrepaired) == (["orphan_original"], ())
    assert original.is_file()


def test_an_orphan_that_cannot_be_moved(library: Library) -> None:
    old_file(library.folder / "originals" / "orphan.jpg")
    (library.folder / "trash").write_text("in the way")
    (problem,) = verify(library, repair=True).unrepaired
    assert problem.code == "orphan_original"
    assert "cannot be moved" in problem.message


@pytest.mark.slow
def test_a_recently_written_file_is_given_time_to_get_its_row(
    library: Library, classifier: Classifier, made_photos: list[tuple[str, bytes]]
) -> None:
    name, data = made_photos[0]
    prediction = classifier.predict(data)
    has_files = threading.Event()

    def add() -> None:
        with Library(library.folder) as slow:

            @event.listens_for(slow.database.writer, "checkout")
            def wait_before_lock(*_: Any) -> None:
                has_files.set()
                time.sleep(0.3)

            @event.listens_for(slow.database.writer, "commit")
            def wait_with_lock(_: Any) -> None:
                time.sleep(0.3)

            slow.add(NewPhoto(data, name, "2026"), prediction, classifier.provenance)

    adding = threading.Thread(target=add)
    adding.start()
    assert has_files.wait(10)
    result = verify(library, repair=True)
    adding.join()
    assert result.problems == ()
    assert library.original_bytes(content_hash(data)) == data
    (library.folder / "new" / "now").write_bytes(b"")
    assert codes(verify(library, settle_s=0.1)) == ["leftover_file"], "it no longer changes"


def test_rows_without_a_photo_are_moved(library: Library, photo_ids: list[str]) -> None:
    connection = sqlite3.connect(library.folder / "library.db")
    with connection:
        connection.execute(
            "INSERT INTO tag_decisions VALUES (?, 'Grandma', 'added', '2026')", ("0" * 64,)
        )
    connection.close()
    (problem,) = verify(library).problems
    assert problem.code == "row_without_photo"
    assert "In the table tag_decisions, 1 row refers" in problem.message
    result = verify(library, repair=True)
    assert result.unrepaired == ()
    assert result.orphans_dir is not None
    row = json.loads((result.orphans_dir / "tag_decisions.jsonl").read_text())
    assert (row["photo_id"], row["label"]) == ("0" * 64, "Grandma")
    assert verify(library).problems == ()


@pytest.mark.parametrize(
    "value", ["favourite = 2", "human_rating = 6", "human_rating = 'x'", "imported_rating = 0"]
)
def test_an_impossible_rating(library: Library, photo_ids: list[str], value: str) -> None:
    edits.set_rating(library, photo_ids, 5)
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql(f"UPDATE photos SET {value}")  # noqa: S608 - our own
    assert codes(verify(library)) == ["damaged_database"]


def test_an_impossible_number(library: Library, photo_ids: list[str]) -> None:
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE photos SET number = -number")
    problems = verify(library).problems
    assert any("a photo has an impossible number" in problem.message for problem in problems)


_PLACED = {"photos": "place_id IS NOT NULL", "places": "true"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE photos SET place_source = 'guess'",
        "UPDATE photos SET place_source = NULL",
        "UPDATE photos SET place_km = -1",
        "UPDATE photos SET place_id = 999",
        "UPDATE places SET folded_name = 'lissabon'",
        "UPDATE places SET kind = 'planet'",
        "UPDATE places SET words = 'x'",
    ],
)
def test_an_impossible_place(library: Library, photo_ids: list[str], statement: str) -> None:
    complete_photo(library, photo_ids[0], ImportedFacts(latitude=38.7139, longitude=-9.1394))
    assert verify(library).problems == ()
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql(f"{statement} WHERE {_PLACED[statement.split()[1]]}")
    assert codes(verify(library)) == ["damaged_database"]


@pytest.mark.parametrize("value", ["sharpness = 0", "subsecond = 1.5", "sequence_checked = 2"])
def test_an_impossible_fact_of_a_shot(library: Library, photo_ids: list[str], value: str) -> None:
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql(f"UPDATE photos SET {value}")  # noqa: S608 - our own
    assert codes(verify(library)) == ["damaged_database"]


def test_a_damaged_database(library: Library, photo_ids: list[str]) -> None:
    edits.add_tag(library, photo_ids, "mine")
    library.close()
    file = library.folder / "library.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'tag_decisions_by_label'"
    ).fetchone()
    connection.close()
    with file.open("r+b") as database:
        database.seek((page - 1) * 4096)
        database.write(b"\xff" * 4096)
    with Library(library.folder) as opened:
        result = verify(opened)
    assert "damaged_database" in codes(result)
    assert "from a backup" in result.unrepaired[0].message
