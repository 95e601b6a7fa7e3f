"""Albums that people make: photos are put in and taken out, in order, and every edit is undone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.errors import AlbumNameTaken, AlbumNotFound, InvalidAlbum, SceneError
from scene_model.library import edits
from scene_model.library.albums.album_edits import (
    Step,
    add_to_album,
    create_album,
    create_query_album,
    delete_album,
    move_in_album,
    moved,
    remove_from_album,
    rename_album,
    set_album_cover,
    set_album_sort,
)
from scene_model.library.albums.own_albums import OwnAlbum, count_placed, own_albums
from scene_model.library.sort_order import Sort, SortKey
from scene_model.library.store import Library
from scene_model.library.trash import empty_trash
from scene_model.maintenance.database_check import database_problems
from scene_model.maintenance.verify import verify
from scene_model.search.own_albums import is_placed
from tests.library.rows import Row, put

ROWS = [Row(name) for name in "abcde"]
A, B, C, D, E = (row.id for row in ROWS)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        put(opened, ROWS)
        yield opened


def photos_of(library: Library, album_id: int) -> str:
    """The names of an album's photos, in its order by hand."""
    sort = Sort(SortKey.ALBUM, album=album_id)
    ids = library.find(is_placed(album_id), sort=sort)
    return "".join(photo.name for photo in library.records(ids))


def names(library: Library) -> list[str]:
    return [album.name for album in own_albums(library)]


def only(library: Library) -> OwnAlbum:
    (album,) = own_albums(library)
    return album


def album_problems(library: Library) -> list[str]:
    """What the check of the database says of albums; other values of these rows are made up."""
    return [p for p in database_problems(library.folder / "library.db") if "album" in p]


def test_photos_are_put_in_and_taken_out(library: Library) -> None:
    album_id = create_album(library, "  Our   trip ", [C, A, C])
    assert names(library) == ["Our trip"]
    assert photos_of(library, album_id) == "ca"
    assert add_to_album(library, album_id, [B, A]).photo_count == 1
    assert photos_of(library, album_id) == "cab"
    assert remove_from_album(library, album_id, [A, E]).photo_count == 1
    assert photos_of(library, album_id) == "cb"
    assert count_placed(library) == {album_id: 2}
    assert library.count() == 5, "the photos stay"


def test_every_edit_is_undone_and_redone(library: Library) -> None:
    album_id = create_album(library, "Trip", [A, B])
    states = [(names(library), photos_of(library, album_id), only(library))]
    album_edits: list[Callable[[], object]] = [
        lambda: add_to_album(library, album_id, [C]),
        lambda: move_in_album(library, album_id, [C], Step.FIRST),
        lambda: rename_album(library, album_id, "Journey"),
        lambda: set_album_sort(library, album_id, Sort.read("-taken")),
        lambda: set_album_cover(library, album_id, B),
        lambda: remove_from_album(library, album_id, [B]),
    ]
    for edit in album_edits:
        edit()
        states.append((names(library), photos_of(library, album_id), only(library)))
    assert len({repr(state) for state in states}) == len(states)
    delete_album(library, album_id)
    assert own_albums(library) == []
    for state in reversed(states):
        assert edits.undo(library) is not None
        assert (names(library), photos_of(library, album_id), only(library)) == state
    assert edits.undo(library) is not None
    assert (own_albums(library), edits.undo(library)) == ([], None)
    for state in states:
        assert edits.redo(library) is not None
        assert (names(library), photos_of(library, album_id), only(library)) == state
    assert album_problems(library) == []


def test_edits_that_change_nothing_are_not_recorded(library: Library) -> None:
    album_id = create_album(library, "Trip", [A])
    add_to_album(library, album_id, [A])
    remove_from_album(library, album_id, [B])
    rename_album(library, album_id, "Trip")
    move_in_album(library, album_id, [A], Step.LAST)
    assert edits.latest_edit(library) == "Album “Trip” made"


@pytest.mark.parametrize("name", ["", " \n ", "_", "x" * 61, "a\x00b", "a\u202eb", 'a "b"'])
def test_invalid_names(library: Library, name: str) -> None:
    album_id = create_album(library, "Trip")
    with pytest.raises(InvalidAlbum):
        create_album(library, name)
    with pytest.raises(InvalidAlbum):
        rename_album(library, album_id, name)
    assert names(library) == ["Trip"]


def test_names_are_unique_regardless_of_case(library: Library) -> None:
    first = create_album(library, "Été à Rome")
    with pytest.raises(AlbumNameTaken, match="ÉTÉ"):
        create_album(library, "ÉTÉ à_rome")
    second = create_album(library, "Paris")
    with pytest.raises(AlbumNameTaken):
        rename_album(library, second, "e\u0301té à rome")
    rename_album(library, first, "ÉTÉ À ROME")
    assert names(library) == ["Paris", "ÉTÉ À ROME"]
    delete_album(library, first)
    create_album(library, "Été à Rome")
    assert edits.undo(library) is not None
    assert edits.undo(library) is not None
    assert names(library) == ["Paris", "ÉTÉ À ROME"], "the deleted one is back"


def test_a_photo_that_is_restored_is_in_its_albums(library: Library) -> None:
    album_id = create_album(library, "Trip", [A, B, C])
    set_album_cover(library, album_id, A)
    edits.move_to_trash(library, [A])
    assert photos_of(library, album_id) == "bc"
    assert (count_placed(library), only(library).cover) == ({album_id: 2}, None)
    edits.restore(library, [A])
    assert photos_of(library, album_id) == "abc"
    assert only(library).cover == A


def test_a_photo_that_is_deleted_leaves_its_albums(library: Library) -> None:
    album_id = create_album(library, "Trip", [A, B])
    set_album_cover(library, album_id, A)
    edits.move_to_trash(library, [A])
    empty_trash(library, [A])
    assert photos_of(library, album_id) == "b"
    while edits.undo(library):
        pass
    while edits.redo(library):
        pass
    assert photos_of(library, album_id) == "b"
    assert album_problems(library) == []


def test_albums_that_no_longer_exist_or_follow_a_search(library: Library) -> None:
    album_id = create_album(library, "Trip")
    delete_album(library, album_id)
    album_edits: list[Callable[[], object]] = [
        lambda: add_to_album(library, album_id, [A]),
        lambda: rename_album(library, album_id, "Other"),
        lambda: delete_album(library, album_id),
    ]
    for edit in album_edits:
        with pytest.raises(AlbumNotFound):
            edit()
    following = create_query_album(library, "Sea", "sea")
    with pytest.raises(AlbumNotFound, match="follows a search"):
        add_to_album(library, following, [A])
    assert count_placed(library) == {}


def test_verify_notices_wrong_rows(library: Library) -> None:
    album_id = create_album(library, "Trip", [A])
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE albums SET folded_name = 'other'")
    assert "folded name of an album" in album_problems(library)[0]
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE albums SET folded_name = 'trip', query = 'sea'")
    assert "follows a search and has photos" in album_problems(library)[0]
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE albums SET query = NULL")
    raw = library.database.writer.raw_connection()
    raw.driver_connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]
    raw.driver_connection.execute(  # type: ignore[union-attr]
        "INSERT INTO album_photos VALUES (?, 999, 7)", (album_id,)
    )
    raw.driver_connection.execute("PRAGMA foreign_keys = ON")  # type: ignore[union-attr]
    raw.close()
    repaired = verify(library, repair=True, settle_s=0, is_database_checked=True)
    assert any("album_photos" in problem.message for problem in repaired.problems)
    assert photos_of(library, album_id) == "a"


def test_two_windows_make_the_same_album(library: Library) -> None:
    with Library(library.folder) as second:
        create_album(library, "Trip")
        with pytest.raises(SceneError, match="already have an album"):
            create_album(second, "trip")


LETTERS = st.lists(st.sampled_from("abcdefg"), unique=True)


@given(LETTERS, st.sets(st.sampled_from("abcdefg")), st.sampled_from(Step))
def test_moving_keeps_all_photos_and_the_order_of_the_others(
    ids: list[str], chosen: set[str], step: Step
) -> None:
    result = moved(ids, sorted(chosen), step)
    assert sorted(result) == sorted(ids)
    for group in (chosen, set(ids) - chosen):
        assert [i for i in result if i in group] == [i for i in ids if i in group]
    if step is Step.FIRST:
        assert set(result[: len(chosen & set(ids))]) == chosen & set(ids)


@pytest.mark.parametrize(
    ("chosen", "step", "expected"),
    [
        ("c", Step.EARLIER, "acbde"),
        ("ac", Step.EARLIER, "acbde"),
        ("cd", Step.LATER, "abecd"),
        ("e", Step.LATER, "abcde"),
        ("be", Step.FIRST, "beacd"),
        ("be", Step.LAST, "acdbe"),
    ],
)
def test_moving_in_an_album(library: Library, chosen: str, step: Step, expected: str) -> None:
    ids = {row.name: row.id for row in ROWS}
    album_id = create_album(library, "Trip", list(ids.values()))
    move_in_album(library, album_id, [ids[name] for name in chosen], step)
    assert photos_of(library, album_id) == expected
