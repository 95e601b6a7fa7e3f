"""A check finds each kind of damage, a repair mends what can be mended and loses nothing."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scene_model.classifier.classify import Classifier
from scene_model.learning.retag import retag
from scene_model.library import edits
from scene_model.library.records import NewPhoto
from scene_model.library.store import Library
from scene_model.maintenance.problems import VerifyResult
from scene_model.maintenance.verify import verify
from scene_model.photos.hashes import content_hash
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]
LONG_AGO = 1_600_000_000


@pytest.fixture
def two(add_photos: Add, temple: bytes, flower: bytes) -> list[str]:
    return add_photos([("temple.jpg", temple), ("dahlia.jpg", flower)])


@pytest.fixture
def library(services: Services, two: list[str]) -> Library:
    return services.library


def old_file(path: Path, data: bytes = b"stray") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def codes(found: VerifyResult) -> list[str]:
    return sorted(problem.code for problem in found.problems)


def test_a_sound_library_is_clean(library: Library, two: list[str]) -> None:
    edits.move_to_trash(library, two[:1])
    watched: list[tuple[int, int]] = []
    found = verify(library, on_progress=lambda done, total: watched.append((done, total)))
    assert found == VerifyResult(2)
    assert watched == [(1, 2), (2, 2)]
    assert verify(library, repair=True) == VerifyResult(2)
    assert not (library.folder / "trash").exists()


def test_originals(library: Library, two: list[str]) -> None:
    library.original_path(two[0]).unlink()
    changed = library.original_path(two[1])
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    for repair in (False, True):
        found = verify(library, repair, workers=2)
        assert codes(found) == ["changed_original", "missing_original"]
        assert found.unrepaired == found.problems, "nothing can be made out of nothing"
    by_code = {problem.code: problem for problem in found.problems}
    assert by_code["missing_original"].photo == two[0]
    assert "temple.jpg: The original is missing" in by_code["missing_original"].message
    assert by_code["changed_original"].file == changed
    assert "changed on disk" in by_code["changed_original"].message


@pytest.mark.skipif(os.name == "nt", reason="no such links")
def test_an_original_that_cannot_be_read(library: Library, two: list[str]) -> None:
    path = library.original_path(two[0])
    path.unlink()
    path.symlink_to("a" * 300)
    (problem,) = verify(library).problems
    assert problem.code in ("unreadable_original", "missing_original")


def test_thumbnails(library: Library, two: list[str]) -> None:
    thumbnails = [library.thumbnail(photo_id) for photo_id in two]
    paths = [library.files.thumbnail_location(photo_id) for photo_id in two]
    paths[0].unlink()
    paths[1].write_bytes(thumbnails[1][:100])
    found = verify(library)
    assert codes(found) == ["damaged_thumbnail", "missing_thumbnail"]
    assert not paths[0].exists(), "looking repairs nothing"
    found = verify(library, repair=True)
    assert (codes(found), found.unrepaired) == (["damaged_thumbnail", "missing_thumbnail"], ())
    assert "Recreated" in found.problems[0].message
    assert [path.read_bytes() for path in paths] == thumbnails
    assert verify(library).problems == ()


def test_no_thumbnail_is_made_of_an_original_that_changed(
    library: Library, two: list[str], flower: bytes
) -> None:
    library.original_path(two[0]).write_bytes(flower)
    damaged = library.files.thumbnail_location(two[0])
    damaged.write_bytes(b"damaged")
    found = verify(library, repair=True)
    assert codes(found) == ["changed_original", "damaged_thumbnail"]
    assert len(found.unrepaired) == 2
    assert damaged.read_bytes() == b"damaged"


def test_what_the_network_saw(services: Services, library: Library, two: list[str]) -> None:
    before = library.embedding(two[0]).values
    (file,) = library.folder.glob("embeddings/*.f16")
    data = bytearray(file.read_bytes())
    data[100] ^= 0xFF
    file.write_bytes(bytes(data))
    for repair in (False, True):
        (problem,) = verify(library, repair).unrepaired
        assert problem.code == "missing_embedding"

    def recompute_embedding(photo_id: str) -> None:
        retag(library, services.classifier, photo_id)

    found = verify(library, repair=True, recompute_embedding=recompute_embedding)
    assert (codes(found), found.unrepaired) == (["missing_embedding"], ())
    assert problem.photo is not None
    assert (library.embedding(two[0]).values == before).all()
    assert verify(library).problems == ()


def test_files_that_belong_to_nothing_are_put_aside(library: Library) -> None:
    folder = library.folder
    strays = {
        "orphan_original": old_file(folder / "originals" / "ab" / f"{'ab' * 32}.jpg"),
        "orphan_thumbnail": old_file(folder / "thumbnails" / "ab" / f"{'ab' * 32}.webp"),
        "leftover_file": old_file(folder / "originals" / "ab" / ".new-x1y2"),
    }
    old_file(folder / "new" / "z", b"too")
    found = verify(library)
    assert codes(found) == sorted([*strays, "leftover_file"])
    assert {p.code: p.file for p in found.problems}["orphan_original"] == strays["orphan_original"]
    found = verify(library, repair=True)
    assert found.unrepaired == ()
    assert found.orphans_dir is not None
    assert found.orphans_dir.parent == folder / "trash"
    for stray in strays.values():
        assert not stray.exists()
        assert (found.orphans_dir / stray.relative_to(folder)).read_bytes() == b"stray"
    assert verify(library) == VerifyResult(2)


def test_a_second_name_of_a_known_photo_is_an_orphan(library: Library, two: list[str]) -> None:
    kept = library.original_path(two[0])
    old_file(kept.with_suffix(".png"), kept.read_bytes())
    found = verify(library, repair=True)
    assert (codes(found), found.unrepaired) == (["orphan_original"], ())
    assert kept.is_file()


def test_an_orphan_that_cannot_be_moved(library: Library) -> None:
    old_file(library.folder / "originals" / "stray.jpg")
    (library.folder / "trash").write_text("in the way")
    (problem,) = verify(library, repair=True).unrepaired
    assert problem.code == "orphan_original"
    assert "cannot be moved" in problem.message


def test_a_file_written_just_now_is_given_time_to_find_its_row(
    library: Library, classifier: Classifier, made_photos: list[tuple[str, bytes]]
) -> None:
    name, data = made_photos[0]
    look = classifier.predict(data)
    keep, has_files = Library._write_files, threading.Event()

    class Slow(Library):
        def _write_files(self, *arguments: Any) -> None:
            keep(self, *arguments)
            has_files.set()
            time.sleep(0.3)

    def add() -> None:
        with Slow(library.folder) as slow:
            slow.add(NewPhoto(data, name, "2026"), look, classifier.provenance)

    adding = threading.Thread(target=add)
    adding.start()
    assert has_files.wait(10)
    found = verify(library, repair=True)
    adding.join()
    assert found.problems == ()
    assert library.original_bytes(content_hash(data)) == data
    (library.folder / "new" / "now").write_bytes(b"")
    assert codes(verify(library, settle_s=0.1)) == ["leftover_file"], "it does not change any more"


def test_rows_without_a_photo_are_put_aside(library: Library, two: list[str]) -> None:
    connection = sqlite3.connect(library.folder / "library.db")
    with connection:
        connection.execute(
            "INSERT INTO tag_decisions VALUES (?, 'Grandma', 'added', '2026')", ("0" * 64,)
        )
    connection.close()
    (problem,) = verify(library).problems
    assert problem.code == "row_without_photo"
    assert "In the table tag_decisions, 1 row refers" in problem.message
    found = verify(library, repair=True)
    assert found.unrepaired == ()
    assert found.orphans_dir is not None
    kept = json.loads((found.orphans_dir / "tag_decisions.jsonl").read_text())
    assert (kept["photo_id"], kept["label"]) == ("0" * 64, "Grandma")
    assert verify(library).problems == ()


def test_a_damaged_database(library: Library, two: list[str]) -> None:
    edits.add_tag(library, two, "mine")
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
        found = verify(opened)
    assert "damaged_database" in codes(found)
    assert "latest backup" in found.unrepaired[0].message
