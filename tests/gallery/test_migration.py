"""A library of an earlier version becomes one of this, whole or not at all."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.errors import LibraryUnavailable
from scene_model.gallery import edits
from scene_model.gallery.conditions import name_contains
from scene_model.gallery.fingerprints import count_without_fingerprint
from scene_model.gallery.schema import SCHEMA_VERSION
from scene_model.gallery.sorting import Sort
from scene_model.gallery.store import Library
from tests.conftest import ASSETS

VERSION_1 = ASSETS / "library_version_1.sql"
TEMPLE = "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29"
FLOWER = "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638"


def run(folder: Path, script: str) -> None:
    connection = sqlite3.connect(folder / "library.db")
    connection.executescript(script)
    connection.close()


def version(folder: Path) -> int:
    connection = sqlite3.connect(folder / "library.db")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return int(found)


def indexes(folder: Path) -> dict[str, str]:
    connection = sqlite3.connect(folder / "library.db")
    found = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
    ).fetchall()
    connection.close()
    return {name: sql for name, sql in found if sql is not None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "library"
    made.mkdir()
    run(made, VERSION_1.read_text(encoding="utf-8"))
    return made


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    with Library(folder) as opened:
        yield opened


def test_photos_keep_all_they_had(library: Library) -> None:
    assert version(library.folder) == SCHEMA_VERSION
    flower, temple = library.photo(FLOWER), library.photo(TEMPLE)
    assert set(flower.shown_tags) == {"Grandma", "flower"}
    assert (flower.photo_class, flower.class_source, flower.unsure) == ("flower", "camera", True)
    assert (temple.photo_class, temple.class_source) == ("holiday", "human")
    assert (temple.class_head, temple.tag_head) == ("scenes", "camera")
    assert (temple.class_head_label, round(temple.confidence, 3)) == ("buildings", 0.941)
    assert set(temple.shown_tags) == {"buildings", "landmark"}
    assert "palace" in {tag.label for tag in temple.tags}


def test_photos_can_be_searched_and_sorted(library: Library) -> None:
    flower, temple = library.photo(FLOWER), library.photo(TEMPLE)
    (tag,) = [tag for tag in flower.tags if (tag.head, tag.label) == ("camera", "flower")]
    assert (flower.class_score, temple.class_score) == (tag.score, 1.0)
    assert library.find(name_contains("FLOWER")) == [FLOWER]
    assert library.find(sort=Sort.read("score")) == [FLOWER, TEMPLE]
    edits.set_class(library, [TEMPLE], None)
    assert library.photo(TEMPLE).class_score == temple.confidence
    assert count_without_fingerprint(library) == 2


def test_whose_embedding_it_is_is_not_known(library: Library) -> None:
    kept = library.embedding(FLOWER)
    assert kept.values.shape == (1280,)
    assert kept.seen_by.backbone is None
    assert kept.seen_by.bundle == "scene_mobilenet_v2@59220681"


def test_it_is_as_a_new_library(library: Library, tmp_path: Path) -> None:
    def columns(folder: Path) -> dict[str, set[tuple[str, str, int]]]:
        connection = sqlite3.connect(folder / "library.db")
        names = [
            r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        found = {
            name: {
                (row[1], row[2], row[3]) for row in connection.execute(f"PRAGMA table_info({name})")
            }
            for name in names
        }
        connection.close()
        return found

    with Library(tmp_path / "new"):
        pass
    assert columns(library.folder) == columns(tmp_path / "new")
    assert indexes(library.folder) == indexes(tmp_path / "new")
    library.choose("bundle", "a")
    library.choose("bundle", "b")
    assert library.choice("bundle") == "b"


def test_opened_again_it_is_left_alone(folder: Path) -> None:
    for _ in range(2):
        with Library(folder) as opened:
            assert opened.count() == 2


def test_what_cannot_be_brought_over_stays_as_it_was(folder: Path) -> None:
    run(folder, "CREATE TABLE choices (in_the_way TEXT)")
    with pytest.raises(LibraryUnavailable, match="choices"):
        Library(folder)
    assert version(folder) == 1
    run(folder, "DROP TABLE choices")
    with Library(folder) as opened:
        assert opened.photo(FLOWER).class_head == "scenes"
