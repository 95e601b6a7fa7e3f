"""Photos are joined as they come in, in any order, and people's decisions stay."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import select, update

from scene_model.duplicates.groups import near_duplicate_pairs
from scene_model.duplicates.hash_neighbours import has_hash_neighbour
from scene_model.duplicates.near_duplicates import NearDuplicateKind
from scene_model.duplicates.stacks import count_unstacked, stack_unstacked
from scene_model.errors import UsageError
from scene_model.library import edits
from scene_model.library.database.schema import near_duplicates, photos, stack_photos, stacks
from scene_model.library.stacks.stack_edits import choose_pick, show_apart, stack_photos_of
from scene_model.library.stacks.stack_rows import PERSON, all_stacks, photos_behind, stacks_of
from scene_model.library.store import Library
from tests.library.rows import Row, add, put

NOON = "2024-07-15T12:00:00"


def row(name: str, **more: object) -> Row:
    kinds = {"cr2": "CR2", "mov": "MOV", "heic": "HEIF"}
    kind = kinds.get(name.rpartition(".")[2].lower(), "JPEG")
    return Row(name, taken_at=NOON, more={"format": kind, "folder": "card"} | more)


JPEG, RAW, FILM = row("IMG_1.JPG"), row("IMG_1.CR2"), row("IMG_1.MOV")
EDIT = row("IMG_1-edited.jpg")
OTHER = row("IMG_2.JPG")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        yield opened


def shown(library: Library) -> list[tuple[str, list[str]]]:
    names = {photo.id: photo.name for photo in library.records(library.find())}
    return [
        (str(stack.kind), [names[photo_id] for photo_id in stack.photo_ids])
        for stack in all_stacks(library)
    ]


def ids(rows: Sequence[Row]) -> list[str]:
    return [each.id for each in rows]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_photos_are_joined_in_any_order(library: Library, order: Sequence[int]) -> None:
    rows = [JPEG, RAW, FILM, EDIT]
    add(library, OTHER, *(rows[index] for index in order))
    expected = [EDIT.name, JPEG.name, RAW.name, FILM.name]
    assert shown(library) == [("edit", expected)]


def test_a_film_that_comes_later_by_its_identifier_joins(library: Library) -> None:
    picture = row("IMG_1.HEIC", folder=None, content_id="ABC")
    film = row("holiday.MOV", folder="elsewhere", content_id="ABC")
    add(library, picture)
    assert shown(library) == []
    add(library, film)
    assert shown(library) == [("live", ["IMG_1.HEIC", "holiday.MOV"])]


def test_stacks_that_turn_out_to_be_one_are_joined(library: Library) -> None:
    film = row("IMG_1.MOV", content_id="A")
    other_picture = row("x.HEIC", content_id="A", folder="else")
    add(library, RAW, JPEG, other_picture)
    assert shown(library) == [("raw_jpeg", [JPEG.name, RAW.name])]
    add(library, film)
    assert [len(names) for _, names in shown(library)] == [4]


def test_a_library_of_an_earlier_version_is_joined_in_batches(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(library, [RAW, OTHER, EDIT, JPEG, FILM])
    assert count_unstacked(library) == 5
    monkeypatch.setattr("scene_model.duplicates.stacks._BATCH", 2)
    next(stack_unstacked(library))  # interrupted
    assert count_unstacked(library) == 3
    assert list(stack_unstacked(library)) == [2, 3]
    assert shown(library) == [("edit", [EDIT.name, JPEG.name, RAW.name, FILM.name])]
    assert list(stack_unstacked(library)) == []


def test_the_next_takes_the_place_of_a_trashed_pick(library: Library) -> None:
    add(library, JPEG, RAW, FILM)
    edits.move_to_trash(library, [JPEG.id])
    assert shown(library) == [("live", [RAW.name, FILM.name])]
    edits.move_to_trash(library, [RAW.id])
    assert shown(library) == [], "one photo is no stack"
    edits.undo(library)
    edits.undo(library)
    assert shown(library) == [("live", [JPEG.name, RAW.name, FILM.name])]


def test_a_pick_acts_for_its_stack_and_another_photo_for_itself(library: Library) -> None:
    add(library, JPEG, RAW, FILM, OTHER)
    assert photos_behind(library, ids([OTHER, JPEG])) == ids([OTHER, JPEG, RAW, FILM])
    assert photos_behind(library, ids([RAW])) == ids([RAW])
    assert photos_behind(library, ids([RAW, JPEG])) == ids([RAW, JPEG, FILM])
    edits.move_to_trash(library, [RAW.id])
    assert photos_behind(library, ids([JPEG])) == ids([JPEG, FILM])


def test_apart_stays_apart_whatever_comes(library: Library) -> None:
    add(library, JPEG, RAW)
    assert show_apart(library, [JPEG.id]).photo_count == 2
    assert shown(library) == []
    add(library, EDIT, FILM)
    forget_names(library)
    list(stack_unstacked(library))
    assert JPEG.id not in stacks_of(library, ids([JPEG, RAW, EDIT, FILM]))
    edits.undo(library)
    assert [JPEG.name, RAW.name] in [names for _, names in shown(library)]
    edits.redo(library)
    assert JPEG.id not in stacks_of(library, [JPEG.id])


def test_what_a_person_stacks_stays(library: Library) -> None:
    add(library, JPEG, RAW, OTHER)
    assert stack_photos_of(library, ids([OTHER, JPEG])).photo_count == 3
    names = [OTHER.name, JPEG.name, RAW.name]
    assert shown(library) == [("raw_jpeg", names)]
    assert all_stacks(library)[0].made_by == PERSON
    add(library, FILM)
    forget_names(library)
    list(stack_unstacked(library))
    assert shown(library) == [("raw_jpeg", names)]
    edits.undo(library)
    assert shown(library) == [("raw_jpeg", [JPEG.name, RAW.name])]
    edits.redo(library)
    assert shown(library) == [("raw_jpeg", names)]


def test_a_stack_needs_two_photos(library: Library) -> None:
    add(library, OTHER)
    with pytest.raises(UsageError, match="at least 2 photos"):
        stack_photos_of(library, [OTHER.id])
    assert edits.latest_edit(library) is None


def test_a_chosen_pick_stays_when_more_photos_come(library: Library) -> None:
    add(library, JPEG, RAW)
    assert choose_pick(library, RAW.id).photo_count == 1
    assert all_stacks(library)[0].pick == RAW.id
    add(library, EDIT)
    assert shown(library) == [("edit", [RAW.name, EDIT.name, JPEG.name])]
    assert choose_pick(library, EDIT.id).photo_count == 1
    assert all_stacks(library)[0].pick == EDIT.id
    edits.undo(library)
    edits.undo(library)
    assert all_stacks(library)[0].pick == EDIT.id, "an edited version is picked by itself"
    assert shown(library) == [("edit", [EDIT.name, JPEG.name, RAW.name])]


def test_stacks_of_other_kinds_take_raw_files_and_keep_their_kind(library: Library) -> None:
    add(library, JPEG, OTHER)
    stack_photos_of(library, ids([JPEG, OTHER]))
    with library.database.writer.begin() as connection:
        connection.execute(update(stacks).values(made_by="program", kind="bracket"))
    add(library, RAW)
    assert shown(library) == [("bracket", [JPEG.name, OTHER.name, RAW.name])]


def test_photos_deleted_for_ever_leave_their_stack(library: Library) -> None:
    add(library, JPEG, RAW, FILM)
    with library.database.writer.begin() as connection:
        connection.execute(photos.delete().where(photos.c.id == JPEG.id))
        tiles = connection.execute(select(stack_photos.c.tile).distinct()).scalars().all()
        raw = connection.execute(select(photos.c.number).where(photos.c.id == RAW.id)).scalar()
    assert tiles == [raw]
    assert shown(library) == [("live", [RAW.name, FILM.name])]


def test_photos_of_one_stack_are_no_near_duplicates(library: Library) -> None:
    add(library, JPEG, RAW, OTHER)
    near, dismissed = {"kind": "near", "similarity": 0.9}, {"dismissed_at": None}
    with library.database.writer.begin() as connection:
        rows = [{"first": 1, "second": 2}, {"first": 1, "second": 3}]
        connection.execute(near_duplicates.insert(), [row | near | dismissed for row in rows])
    pairs = near_duplicate_pairs(library, NearDuplicateKind.NEAR)
    assert [(pair.first, pair.second) for pair in pairs] == [(JPEG.id, OTHER.id)]
    show_apart(library, [JPEG.id])
    assert len(near_duplicate_pairs(library, NearDuplicateKind.NEAR)) == 2


def test_photos_of_one_stack_are_no_copies_of_each_other(library: Library) -> None:
    add(library, replace(JPEG, hash=7), replace(RAW, hash=7), replace(FILM, hash=6))
    assert library.find(has_hash_neighbour()) == []
    add(library, replace(OTHER, hash=15))
    assert set(library.find(has_hash_neighbour())) == set(ids([JPEG, RAW, FILM, OTHER]))
    edits.move_to_trash(library, [OTHER.id])
    assert library.find(has_hash_neighbour()) == []
    show_apart(library, [JPEG.id])
    assert set(library.find(has_hash_neighbour())) == set(ids([JPEG, RAW, FILM]))


def forget_names(library: Library) -> None:
    """Let the library be one that no version with stacks has opened."""
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).values(stack_name=None))
