"""Iteration over a query's ids with little memory."""

from itertools import islice
from pathlib import Path

import pytest

from scene_model.library.database.schema import photos
from scene_model.library.photo_query import BATCH, in_batches
from scene_model.library.sort_order import SORTS, Sort, SortKey
from scene_model.library.store import Library
from tests.library.libraries import add_rows
from tests.library.rows import Row, put

COUNT = 2 * BATCH + 3


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_same_ids_as_find(tmp_path: Path, sort: Sort) -> None:
    with Library(tmp_path) as library:
        put(library, [Row("b.jpg"), Row("a.jpg", auto_score=0.1), Row("gone.jpg", trashed=True)])
        for where in (None, photos.c.auto_class_score > 0.5):
            ids_in_order = library.ids_in_order(where, sort)
            assert list(ids_in_order) == library.find(where, sort=sort)
            assert len(ids_in_order) == (2 if where is None else 1)


def test_repeated_iteration_and_deleted_photos(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        ids = add_rows(library, COUNT)
        ids_in_order = library.ids_in_order(None, Sort(SortKey.NAME))
        assert list(ids_in_order) == ids
        assert list(ids_in_order) == ids, "they can be iterated again"
        with library.database.writer.begin() as connection:
            connection.execute(photos.delete().where(photos.c.id == ids[1]))
        assert list(ids_in_order) == [ids[0], *ids[2:]]
        assert [photo.id for photo in islice(library.records(ids_in_order), 2)] == [ids[0], ids[2]]
        assert len(list(library.records(iter(ids)))) == COUNT - 1


def test_batches() -> None:
    assert list(in_batches(iter(range(5)), 2)) == [[0, 1], [2, 3], [4]]
    assert list(in_batches([])) == []
