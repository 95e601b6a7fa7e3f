"""Libraries of earlier versions are migrated completely or not at all."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import ColumnElement, Connection, insert

from scene_model.duplicates.hash_neighbours import has_hash_neighbour
from scene_model.duplicates.missing_hashes import count_missing_hashes
from scene_model.duplicates.near_duplicates import count_pending_comparisons
from scene_model.duplicates.stacks import stack_unstacked
from scene_model.errors import LibraryDamaged, LibraryUnavailable
from scene_model.library.albums.album_edits import create_album
from scene_model.library.albums.imported_albums import fill_album
from scene_model.library.albums.own_albums import own_albums
from scene_model.library.awaited_facts import store_awaited_facts, stored_awaited_facts
from scene_model.library.clutter.clutter_edits import set_apart
from scene_model.library.clutter.clutter_rows import count_unjudged, judge_unjudged
from scene_model.library.clutter.conditions import is_apart, is_clutter
from scene_model.library.database.schema import SCHEMA_VERSION, photos, trips
from scene_model.library.database.schema_check import schema_problems
from scene_model.library.dates.date_edits import set_date
from scene_model.library.edits import latest_edit, set_class, set_favourite, set_rating, undo
from scene_model.library.embeddings.backbone_embeddings import (
    Network,
    embedding_by,
    network_state,
    write_embeddings,
)
from scene_model.library.imported_facts import ImportedFacts, complete_photo
from scene_model.library.new_photos import is_new
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_passes import has_new_photos, run_on_all
from scene_model.library.rules.rule_rows import create_rule
from scene_model.library.rules.run_sidecars import sidecar_rows
from scene_model.library.rules.run_undo import undo_run
from scene_model.library.sort_order import Sort, SortKey
from scene_model.library.stacks.stack_edits import stack_photos_of
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import all_trips
from scene_model.maintenance.row_check import row_problems
from scene_model.search.conditions import (
    description_contains,
    has_chosen_class,
    has_class,
    has_tag,
    name_contains,
)
from scene_model.search.trip_conditions import is_in_trip
from scene_model.trips.trip_edits import put_in_trip, rename_trip
from scene_model.trips.trip_run import update_trips
from tests.conftest import ASSETS

VERSIONS = (1, 2)
TEMPLE = "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29"
FLOWER = "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638"


def run(folder: Path, script: str) -> None:
    connection = sqlite3.connect(folder / "library.db")
    connection.executescript(script)
    connection.close()


def version(folder: Path) -> int:
    connection = sqlite3.connect(folder / "library.db")
    user_version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return int(user_version)


def made_by(version: int, folder: Path) -> Path:
    folder.mkdir()
    dump = ASSETS / f"library_version_{version}.sql"
    run(folder, dump.read_text(encoding="utf-8"))
    return folder


@pytest.fixture(params=VERSIONS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return made_by(request.param, tmp_path / "library")


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    with Library(folder) as opened:
        yield opened


def old_embeddings(version: int, folder: Path) -> dict[str, bytes]:
    connection = sqlite3.connect(made_by(version, folder) / "library.db")
    embeddings = dict(connection.execute("SELECT id, embedding FROM photos").fetchall())
    connection.close()
    return embeddings


def test_version_1_keeps_its_data(tmp_path: Path) -> None:
    with Library(made_by(1, tmp_path / "library")) as library:
        flower, temple = library.photo(FLOWER), library.photo(TEMPLE)
        embedding = library.embedding(FLOWER)
    assert set(flower.shown_tags) == {"Grandma", "flower"}
    assert (flower.photo_class, flower.class_source, flower.unsure) == ("flower", "camera", True)
    assert (temple.photo_class, temple.class_source) == ("holiday", "human")
    assert (temple.class_head, temple.tag_head) == ("scenes", "camera")
    assert (temple.class_head_label, round(temple.confidence, 3)) == ("buildings", 0.941)
    assert set(temple.shown_tags) == {"buildings", "landmark"}
    assert "palace" in {tag.label for tag in temple.tags}
    assert embedding.provenance.backbone is None, "version 1 did not record it"
    assert embedding.provenance.bundle == "scene_mobilenet_v2@59220681"


def test_version_2_keeps_its_data(tmp_path: Path) -> None:
    with Library(made_by(2, tmp_path / "library")) as library:
        flower, temple = library.photo(FLOWER), library.photo(TEMPLE)
        assert set(flower.shown_tags) == {"Grandma", "flower"}
        assert set(temple.shown_tags) == {"buildings"}, "a person rejected the landmark"
        assert (temple.photo_class, temple.class_source) == ("holiday", "human")
        assert library.embedding(FLOWER).provenance.backbone == "a3a1de3891611d38"
        assert library.choice("bundle") == "scene_mobilenet_v2"
        assert flower.reference is None
        assert latest_edit(library) == "Class set to “holiday”"
        assert undo(library) is not None
        assert library.photo(TEMPLE).photo_class == "buildings"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_class_has_its_score(version: int, tmp_path: Path) -> None:
    with Library(made_by(version, tmp_path / "library")) as library:
        flower, temple = library.photo(FLOWER), library.photo(TEMPLE)
        (tag,) = [tag for tag in flower.tags if (tag.head, tag.label) == ("camera", "flower")]
        assert (flower.class_score, temple.class_score) == (tag.score, 1.0)
        assert library.find(sort=Sort.read("score")) == [FLOWER, TEMPLE]
        set_class(library, [TEMPLE], None)
        assert library.photo(TEMPLE).class_score == temple.confidence
        assert count_missing_hashes(library) == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_embeddings_move_to_files_unchanged(version: int, tmp_path: Path) -> None:
    before = old_embeddings(version, tmp_path / "before")
    with Library(made_by(version, tmp_path / "library")) as library:
        for photo_id, blob in before.items():
            values = np.frombuffer(blob, np.float16).astype(np.float32)
            assert np.array_equal(library.embedding(photo_id).values, values)
    assert b"embedding BLOB" not in (tmp_path / "library" / "library.db").read_bytes()


def test_a_search_finds_by_tag_class_and_name(library: Library) -> None:
    def ids(where: ColumnElement[bool]) -> set[str]:
        return set(library.find(where))

    assert ids(has_tag(["Grandma"])) == {FLOWER}
    assert ids(has_tag(["flower"])) == {FLOWER}
    assert ids(has_tag(["palace"])) == {TEMPLE}
    assert ids(has_chosen_class(["holiday"])) == {TEMPLE} == ids(has_class(["holiday"]))
    assert ids(has_class(["flower"])) == {FLOWER}
    assert ids(name_contains(library.photo(TEMPLE).name[1:].upper())) == {TEMPLE}
    assert library.count_by_class() == {"flower": 1, "holiday": 1}


@pytest.mark.parametrize("version", (*VERSIONS, 4, 5, 6, 7, 8, 9, 10, 11))
def test_same_schema_as_a_new_library(version: int, tmp_path: Path) -> None:
    library = Library(made_by(version, tmp_path / "library"))

    def schema_of(folder: Path) -> dict[str, object]:
        connection = sqlite3.connect(folder / "library.db")
        objects: dict[str, object] = {}
        for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
            if kind == "table":
                rows = connection.execute(f"PRAGMA table_xinfo({name})").fetchall()
                objects[name] = {(row[1], row[2], row[3], row[6]) for row in rows}
            else:
                objects[name] = sql and re.sub(r"\s+", " ", sql)
        connection.close()
        return objects

    with Library(tmp_path / "new"):
        pass
    migrated = schema_of(library.folder)
    assert migrated == schema_of(tmp_path / "new")
    assert {"photos_by_added", "held_tags", "slot_freed"} <= migrated.keys()
    library.choose("bundle", "a")
    library.choose("bundle", "b")
    assert library.choice("bundle") == "b"
    library.close()


def test_opening_it_again_changes_nothing(folder: Path) -> None:
    for _ in range(2):
        with Library(folder) as opened:
            assert opened.count() == 2


@pytest.fixture(params=(3, 4))
def with_numbers(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A library of version 3 or 4; version 4 only added tables to version 3."""
    folder = made_by(4, tmp_path / "library")
    if request.param == 3:
        make_version_3(folder)
    return folder


def make_version_3(folder: Path) -> None:
    run(folder, "DROP TABLE taught_tags; DROP TABLE compared_photos; DROP TABLE twins")
    run(folder, "PRAGMA user_version = 3")


def test_versions_3_and_4_keep_their_data(with_numbers: Path) -> None:
    with Library(with_numbers) as library:
        flower, temple = library.photo(FLOWER), library.photo(TEMPLE)
        assert set(flower.shown_tags) == {"Grandma", "flower"}
        assert (flower.photo_class, flower.class_source, flower.unsure) == (
            "flower",
            "camera",
            True,
        )
        assert (temple.photo_class, temple.class_source) == ("holiday", "human")
        assert (flower.auto_group, flower.guess) == (None, None)
        assert library.find(has_tag(["Grandma"])) == [FLOWER]
        assert library.count_by_class() == {"flower": 1, "holiday": 1}
        assert library.taught_labels() == []
        assert count_pending_comparisons(library) == 2
        assert latest_edit(library) == "Class set to “holiday”"
        assert undo(library) is not None
        assert library.photo(TEMPLE).photo_class == "landmark"
    assert version(with_numbers) == SCHEMA_VERSION
    assert problems(with_numbers) == []


def test_version_5_keeps_its_data(tmp_path: Path) -> None:
    folder = made_by(5, tmp_path / "library")
    with Library(folder) as library:
        flower, temple = library.photo(FLOWER), library.photo(TEMPLE)
        assert set(flower.shown_tags) == {"Grandma", "flower"}
        assert (flower.auto_group, flower.guess) == ("plants", "flower")
        assert (temple.photo_class, temple.class_source) == ("holiday", "human")
        assert library.find(has_tag(["Grandma"])) == [FLOWER]
        assert latest_edit(library) == "Class set to “holiday”"
        assert undo(library) is not None
        assert library.photo(TEMPLE).photo_class == "landmark"
    assert version(folder) == SCHEMA_VERSION
    assert problems(folder) == []


def test_version_6_keeps_its_data(tmp_path: Path) -> None:
    folder = made_by(6, tmp_path / "library")
    with Library(folder) as library:
        flower, temple = library.photo(FLOWER), library.photo(TEMPLE)
        assert "Grandma" in flower.shown_tags
        assert (flower.rating, temple.rating) == (4, 0)
        assert (temple.photo_class, temple.class_source) == ("holiday", "human")
        assert own_albums(library) == []
        assert latest_edit(library) == "Class set to “holiday”"
        assert undo(library) is not None
        assert library.photo(TEMPLE).class_source != "human"
    assert version(folder) == SCHEMA_VERSION
    assert problems(folder) == []


@pytest.mark.parametrize("version", [1, 2, 4, 5, 6, 7, 8])
def test_photos_of_earlier_versions_can_be_described(version: int, tmp_path: Path) -> None:
    with Library(made_by(version, tmp_path / "library")) as library:
        assert library.photo(FLOWER).description is None
        facts = ImportedFacts(description="In the garden", albums=("Garden",))
        complete_photo(library, FLOWER, facts)
        store_awaited_facts(library, {("Trip", "a.jpg.json"): facts})
        fill_album(library, "Garden", [FLOWER])
        assert library.photo(FLOWER).description == "In the garden"
        assert stored_awaited_facts(library) == {("Trip", "a.jpg.json"): facts}
        assert library.find(description_contains("GARDEN")) == [FLOWER]
    assert problems(tmp_path / "library") == []


def test_version_7_keeps_its_dates(tmp_path: Path) -> None:
    folder = made_by(7, tmp_path / "library")
    with Library(folder) as library:
        flower, temple = library.photo(FLOWER), library.photo(TEMPLE)
        assert (flower.taken_at, flower.taken_source) == ("2024-07-15T12:34:56", "DateTimeOriginal")
        assert flower.taken_confidence == pytest.approx(0.95)
        assert (temple.taken_at, temple.taken_source) == ("2000-01-01T00:00:10", "EXIF")
        assert temple.taken_confidence is not None and temple.taken_confidence < 0.5
        (album,) = own_albums(library)
        assert library.find(sort=Sort(SortKey.ALBUM, album=album.id))[:1] != []
        assert library.find(sort=Sort.read("-taken")) == [FLOWER, TEMPLE]
    assert version(folder) == SCHEMA_VERSION
    assert problems(folder) == []


def test_version_8_keeps_its_dates(tmp_path: Path) -> None:
    folder = made_by(8, tmp_path / "library")
    with Library(folder) as library:
        flower = library.photo(FLOWER)
        assert (flower.taken_at, flower.taken_source) == ("2024-07-16T10:00:00", "person")
        assert flower.auto_taken_at == "2024-07-15T12:34:56"
        assert undo(library) is not None
        assert library.photo(FLOWER).taken_at == "2024-07-15T12:34:56"
        assert library.photo(FLOWER).duration_s is None
    assert version(folder) == SCHEMA_VERSION
    assert problems(folder) == []


def test_version_9_keeps_its_stacks_and_descriptions(tmp_path: Path) -> None:
    folder = made_by(9, tmp_path / "library")
    with Library(folder) as library:
        assert library.find(description_contains("garden")) == [FLOWER]
        assert library.count_tiles(None) == 1
        assert undo(library) is not None
        assert library.count_tiles(None) == 2
    assert version(folder) == SCHEMA_VERSION
    assert problems(folder) == []


def test_version_10_keeps_its_rules_and_what_is_set_apart(tmp_path: Path) -> None:
    folder = made_by(10, tmp_path / "library")
    with Library(folder) as library:
        assert library.find(is_apart()) == [TEMPLE]
        assert undo(library) is not None
        assert library.find(is_apart()) == []
        assert "Garden" in library.photo(FLOWER).shown_tags
        assert undo_run(library, 1) == 1
        assert "Garden" not in library.photo(FLOWER).shown_tags
        assert library.photo(FLOWER).remote_url is None
    assert version(folder) == SCHEMA_VERSION
    assert problems(folder) == []


def test_version_11_keeps_the_address_of_a_remote_original(tmp_path: Path) -> None:
    folder = made_by(11, tmp_path / "library")
    with Library(folder) as library:
        assert library.photo(FLOWER).remote_url == "s3://bucket/flower.jpg"
        assert library.photo(TEMPLE).remote_url is None
    assert version(folder) == SCHEMA_VERSION
    assert problems(folder) == []


@pytest.mark.parametrize("number", [1, 6, 11])
def test_photos_of_earlier_versions_get_embeddings_by_a_further_network(
    number: int, tmp_path: Path
) -> None:
    folder = made_by(number, tmp_path / "library")
    network = Network("abcd", 4)
    with Library(folder) as library:
        assert network_state(library, network).embedded == 0
        write_embeddings(library, network, {FLOWER: np.ones(4, np.float32)})
        assert embedding_by(library, network, FLOWER).tolist() == [1.0] * 4
    assert version(folder) == SCHEMA_VERSION
    assert problems(folder) == []


@pytest.mark.parametrize("number", (*VERSIONS, 3, 4, 5, 6, 7))
def test_photos_of_earlier_versions_can_be_dated(number: int, tmp_path: Path) -> None:
    folder = made_by(4 if number == 3 else number, tmp_path / "library")
    if number == 3:
        make_version_3(folder)
    with Library(folder) as library:
        before = library.photo(FLOWER).taken_at
        assert set_date(library, [FLOWER], "1999-12-31 23:59").photo_count == 1
        assert library.photo(FLOWER).taken_at == "1999-12-31T23:59:00"
        assert library.photo(FLOWER).auto_taken_at == before
        assert undo(library) is not None
        assert library.photo(FLOWER).taken_at == before
    assert problems(folder) == []


@pytest.mark.parametrize("number", (*VERSIONS, 3, 4, 5, 6))
def test_photos_of_earlier_versions_can_be_put_into_albums(number: int, tmp_path: Path) -> None:
    folder = made_by(4 if number == 3 else number, tmp_path / "library")
    if number == 3:
        make_version_3(folder)
    with Library(folder) as library:
        create_album(library, "Trip", [TEMPLE, FLOWER])
        (album,) = own_albums(library)
        assert library.find(sort=Sort(SortKey.ALBUM, album=album.id)) == [TEMPLE, FLOWER]
        assert undo(library) is not None
        assert own_albums(library) == []
    assert problems(folder) == []


@pytest.mark.parametrize("number", (2, 6, 8))
def test_photos_of_earlier_versions_can_be_stacked(number: int, tmp_path: Path) -> None:
    folder = made_by(number, tmp_path / "library")
    with Library(folder) as library:
        count = len(library.find())
        assert list(stack_unstacked(library)) == [count]
        assert stack_photos_of(library, [TEMPLE, FLOWER]).photo_count == 2
        assert library.find_tiles(None, 10, 0, Sort.read("name")).count(FLOWER) == 0
        assert undo(library) is not None
        assert library.count_tiles(None) == count
    assert problems(folder) == []


@pytest.mark.parametrize("number", (1, 6, 9))
def test_photos_of_earlier_versions_get_places(number: int, tmp_path: Path) -> None:
    folder = made_by(number, tmp_path / "library")
    with Library(folder) as library:
        assert library.photo(FLOWER).place is None
        complete_photo(library, FLOWER, ImportedFacts(latitude=38.7139, longitude=-9.1394))
        place = library.photo(FLOWER).place
        assert place is not None
        assert place.title == "Lisbon, Portugal"
    assert problems(folder) == []


@pytest.mark.parametrize("number", (1, 6, 9))
def test_photos_of_earlier_versions_come_into_trips(number: int, tmp_path: Path) -> None:
    folder = made_by(number, tmp_path / "library")
    with Library(folder) as library:
        row = {"title": "A", "folded_title": "a", "state": "proposed", "kind": "trip"}
        with library.database.writer.begin() as connection:
            trip_id = int(connection.execute(insert(trips).values(row)).lastrowid)
        assert put_in_trip(library, trip_id, [TEMPLE, FLOWER]).photo_count == 2
        update_trips(library)
        assert rename_trip(library, trip_id, "New Year").description == "Trip renamed to “New Year”"
        assert set(library.find(is_in_trip([trip_id]))) == {TEMPLE, FLOWER}
        assert undo(library) is not None
        assert [trip.title for trip in all_trips(library)] == ["A"]
    assert problems(folder) == []


@pytest.mark.parametrize("number", (1, 6, 9))
def test_photos_of_earlier_versions_can_be_set_apart(number: int, tmp_path: Path) -> None:
    folder = made_by(number, tmp_path / "library")
    with Library(folder) as library:
        count = count_unjudged(library.database)
        assert count == len(library.find()) > 0
        assert list(judge_unjudged(library.database)) == [count]
        assert library.find(is_clutter()) == []
        set_apart(library, [FLOWER])
        assert library.find(is_apart()) == [FLOWER]
        assert undo(library) is not None
    assert problems(folder) == []


@pytest.mark.parametrize("number", (1, 6, 11))
def test_changed_photos_of_earlier_versions_are_noticed(number: int, tmp_path: Path) -> None:
    folder = made_by(number, tmp_path / "library")
    is_favourite = photos.c.favourite.is_(True)
    with Library(folder) as library, Library(folder) as other:
        assert library.count(is_favourite) == 0
        set_favourite(other, [FLOWER], True)
        assert library.find(is_favourite, limit=5) == [FLOWER]
    assert problems(folder) == []


def test_photos_of_version_11_with_one_hash_are_near_duplicates(tmp_path: Path) -> None:
    folder = made_by(11, tmp_path / "library")
    run(folder, "DELETE FROM stack_photos; UPDATE photos SET perceptual_hash = 5;")
    with Library(folder) as library:
        assert set(library.find(has_hash_neighbour())) == set(library.find()) >= {FLOWER, TEMPLE}


@pytest.mark.parametrize("number", (*VERSIONS, 3, 4, 5))
def test_photos_of_earlier_versions_can_be_rated(number: int, tmp_path: Path) -> None:
    folder = made_by(4 if number == 3 else number, tmp_path / "library")
    if number == 3:
        make_version_3(folder)
    with Library(folder) as library:
        assert [(p.favourite, p.rating) for p in library.records([FLOWER, TEMPLE])] == [
            (False, 0),
            (False, 0),
        ]
        set_favourite(library, [FLOWER], True)
        set_rating(library, [FLOWER], 4)
        assert library.find(photos.c.rating >= 4, limit=1) == [FLOWER]
        assert library.find(photos.c.favourite.is_(True), limit=1) == [FLOWER]
    assert problems(folder) == []


def test_the_fallback_class_is_the_first_camera_tag(with_numbers: Path) -> None:
    """A sure scene kept it from filing the photo; without a camera tag there is no such class."""
    connection = sqlite3.connect(with_numbers / "library.db")
    connection.execute(
        "INSERT INTO automatic_tags VALUES (?, 'scenes', 'buildings', 0.9, 'a model')", (TEMPLE,)
    )
    connection.execute(
        "UPDATE photos SET class_head_unsure = 0, auto_class = class_head_label, "
        "auto_class_source = 'scenes', auto_class_score = confidence WHERE id = ?",
        (TEMPLE,),
    )
    connection.execute(
        "DELETE FROM automatic_tags WHERE photo_id = ? AND head = 'camera'", (FLOWER,)
    )
    connection.execute(
        "UPDATE photos SET auto_class = 'unsure', auto_class_source = 'none', "
        "auto_class_score = 0.0 WHERE id = ?",
        (FLOWER,),
    )
    connection.commit()
    connection.close()
    Library(with_numbers).close()
    connection = sqlite3.connect(with_numbers / "library.db")
    rows = connection.execute(
        "SELECT id, fallback_class, fallback_class_source, fallback_class_score > 0.9 FROM photos"
    )
    fallbacks = {photo_id: tuple(values) for photo_id, *values in rows}
    connection.close()
    assert fallbacks == {TEMPLE: ("landmark", "camera", 1), FLOWER: ("unsure", "none", 0)}


def problems(folder: Path) -> list[str]:
    connection = sqlite3.connect(folder / "library.db")
    messages = [*schema_problems(connection), *row_problems(connection)]
    connection.close()
    return messages


def test_a_failed_migration_changes_nothing(tmp_path: Path) -> None:
    folder = made_by(1, tmp_path / "library")
    run(folder, "CREATE TABLE choices (in_the_way TEXT)")
    with pytest.raises(LibraryUnavailable, match="choices"):
        Library(folder)
    assert version(folder) == 1
    run(folder, "DROP TABLE choices")
    with Library(folder) as opened:
        assert opened.photo(FLOWER).class_head == "scenes"


def test_a_row_without_photo_stops_the_migration(folder: Path) -> None:
    version_before = version(folder)
    run(folder, "INSERT INTO class_decisions VALUES ('nobody', 'sea', '2026')")
    with pytest.raises(LibraryDamaged, match="class_decisions"):
        Library(folder)
    assert version(folder) == version_before


class Kill(BaseException):
    """Stands for the end of the process."""


@pytest.mark.slow
@pytest.mark.parametrize("version_number", (*VERSIONS, 4, 5, 6, 7, 8, 9, 10, 11))
def test_killed_at_any_statement_it_starts_over(
    version_number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = old_embeddings(version_number, tmp_path / "before") if version_number < 3 else {}
    folder, steps = made_by(version_number, tmp_path / "library"), 0
    execute = Connection.exec_driver_sql

    def completes_within(statement_count: int) -> bool:
        """Open the library with a kill after so many statements; False when it was killed."""
        remaining = statement_count

        def counted(self: Connection, *arguments: Any, **options: Any) -> Any:
            nonlocal remaining
            if remaining == 0:
                raise Kill
            remaining -= 1
            return execute(self, *arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(Connection, "exec_driver_sql", counted)
            try:
                Library(folder).close()
            except Kill:
                return False
        return True

    # The steps of the oldest are those of all; of the others every seventh is enough.
    stride = 1 if version_number == VERSIONS[0] else 7
    while not completes_within(steps):
        assert version(folder) == version_number
        steps += stride
    assert steps > (20 if version_number < 6 else 3)
    assert version(folder) == SCHEMA_VERSION
    with Library(folder) as library:
        for photo_id, blob in before.items():
            values = np.frombuffer(blob, np.float16).astype(np.float32)
            assert np.array_equal(library.embedding(photo_id).values, values)


@pytest.mark.parametrize("version", [1, 6, 9, 11])
def test_no_photo_of_an_earlier_version_is_new(version: int, tmp_path: Path) -> None:
    with Library(made_by(version, tmp_path / "library")) as library:
        assert library.count() > 0
        assert library.find(is_new()) == []


@pytest.mark.parametrize("number", (1, 2, 4, 5, 6, 7, 8, 9))
def test_rules_can_be_made_in_libraries_of_earlier_versions(number: int, tmp_path: Path) -> None:
    folder = made_by(number, tmp_path / "library")
    with Library(folder) as library:
        assert not has_new_photos(library), "rules are for photos that come in"
        description = latest_edit(library)
        copied = Action(ActionKind.COPY, str(tmp_path), "{name}")
        sidecar = Action(ActionKind.SIDECAR)
        actions = [Action(ActionKind.TAG, "Garden"), Action(ActionKind.FAVOURITE), copied, sidecar]
        rule_id = create_rule(library, "Flowers", "flower", actions)
        run = run_on_all(library, rule_id, lambda _: photos.c.id == FLOWER)
        assert run is not None
        is_referenced = library.photo(FLOWER).reference is not None
        assert run.copy_state == "pending"
        assert (run.sidecar_state == "pending") == is_referenced
        assert sidecar_rows(library, run.id) == []
        assert "Garden" in library.photo(FLOWER).shown_tags
        assert latest_edit(library) == description
        assert undo_run(library, run.id) == 1
        assert "Garden" not in library.photo(FLOWER).shown_tags
    assert problems(folder) == []
