"""A stack shows as one tile: the pick, or the photos that match where the pick does not."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library import edits
from scene_model.library.sort_order import SORTS, Sort, SortKey
from scene_model.library.stacks.tiles import without_hidden
from scene_model.library.store import Library
from scene_model.search.query import parse_query
from scene_model.statistics.months import count_by_month
from tests.library.rows import Row, add

RAW, FILM = {"format": "CR2", "folder": "card"}, {"format": "MOV", "folder": "card"}
JPEG = {"format": "JPEG", "folder": "card"}
PHOTOS = [
    Row("A.JPG", taken_at="2024-07-15T12:00:00", more=JPEG),
    Row("A.CR2", "city", taken_at="2024-07-15T12:00:00", more=RAW),
    Row("B.JPG", "city", taken_at="2024-07-31T23:59:59", more=JPEG),
    Row("B.MOV", "city", taken_at="2024-08-01T00:00:00", more=FILM),
    Row("C.JPG", "city", taken_at="2024-08-02T12:00:00", more=JPEG),
    Row("D.CR2", taken_at="2024-08-03T12:00:00", more=RAW),
    Row("E.JPG", more=JPEG | {"film_start": 10, "film_bytes": 20}),
]
TILES = ["A.JPG", "B.JPG", "C.JPG", "D.CR2", "E.JPG"]
NAME = Sort(SortKey.NAME)
_VOCABULARY = Vocabulary({}, {})


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        add(opened, *PHOTOS)
        yield opened


def tiles(library: Library, query: str, sort: Sort = NAME) -> list[str]:
    where = parse_query(query, _VOCABULARY) if query else None
    shown = library.find_tiles(where, 100, 0, sort)
    assert shown == list(library.tiles_in_order(where, sort))
    assert shown == [i for n in range(7) for i in library.find_tiles(where, 1, n, sort)]
    assert library.count_tiles(where, sort) == len(shown)
    assert library.count_tiles(where) == len(shown)
    return [photo.name for photo in library.records(shown)]


def matches(library: Library, query: str) -> list[str]:
    where = parse_query(query, _VOCABULARY)
    return [photo.name for photo in library.records(library.find(where, sort=NAME))]


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_a_stack_is_one_tile_in_every_order(library: Library, sort: Sort) -> None:
    assert sorted(tiles(library, "", sort)) == TILES
    shown = tiles(library, "", sort)
    everything = [photo.name for photo in library.records(library.find(sort=sort))]
    assert shown == [name for name in everything if name in TILES]


def test_photos_show_for_themselves_where_the_pick_does_not_match(library: Library) -> None:
    assert tiles(library, "class:city") == ["A.CR2", "B.JPG", "C.JPG"]
    assert tiles(library, "is:raw") == ["A.CR2", "D.CR2"]
    assert tiles(library, "name:a") == ["A.JPG"]
    assert tiles(library, "-name:a.jpg name:a") == ["A.CR2"]


def test_stacks_and_films_are_found(library: Library) -> None:
    assert matches(library, "is:stacked") == ["A.CR2", "A.JPG", "B.JPG", "B.MOV"]
    assert tiles(library, "is:stacked") == ["A.JPG", "B.JPG"]
    assert tiles(library, "-is:stacked") == ["C.JPG", "D.CR2", "E.JPG"]
    assert matches(library, "is:live") == ["B.JPG", "B.MOV", "E.JPG"]
    assert tiles(library, "-is:live") == ["A.JPG", "C.JPG", "D.CR2"]


def test_the_trash_counts_nowhere(library: Library) -> None:
    by_name = {photo.name: photo.id for photo in library.records(library.find())}
    edits.move_to_trash(library, [by_name["A.JPG"], by_name["B.MOV"]])
    assert tiles(library, "") == ["A.CR2", "B.JPG", "C.JPG", "D.CR2", "E.JPG"]
    assert matches(library, "is:stacked") == []
    assert matches(library, "is:live") == ["E.JPG"]
    edits.restore(library, [by_name["A.JPG"]])
    assert tiles(library, "") == TILES


def test_months_count_tiles(library: Library) -> None:
    assert count_by_month(library, None, "taken", descending=False) == [
        ("2024-07", 2),
        ("2024-08", 2),
        ("", 1),
    ]
    raw = parse_query("is:raw", _VOCABULARY)
    assert count_by_month(library, raw, "taken", descending=True) == [
        ("2024-08", 1),
        ("2024-07", 1),
    ]


@given(st.permutations(range(1, 9)), st.dictionaries(st.integers(1, 12), st.integers(1, 12)))
def test_a_photo_is_left_out_exactly_where_its_tile_is_listed(
    numbers: list[int], tile_of: dict[int, int]
) -> None:
    listed = np.array(numbers[:5], np.int32)
    # A tile is never hidden itself.
    pairs = {h: t for h, t in tile_of.items() if h != t and t not in tile_of}
    hidden, their_tiles = np.array(list(pairs), np.int32), np.array([*pairs.values()], np.int32)
    expected = [n for n in numbers[:5] if pairs.get(n) not in numbers[:5]]
    assert without_hidden(listed, hidden, their_tiles).tolist() == expected
