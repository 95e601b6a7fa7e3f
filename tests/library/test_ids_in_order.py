"""A query's photos, gone through without holding all their ids."""

from itertools import islice
from pathlib import Path

import pytest

from scene_model.library.photo_query import BATCH, in_batches
from scene_model.library.schema import photos
from scene_model.library.sort_order import SORTS, Sort, SortKey
from scene_model.library.store import Library
from tests.library.libraries import add_rows
from tests.library.rows import Row, put

COUNT = 2 * BATCH + 3


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_they_are_those_of_a_list(tmp_path: Path, sort: Sort) -> None:
    with Library(tmp_path) as library:
        put(library, [Row("b.jpg"), Row("a.jpg", auto_score=0.1), Row("gone.jpg", trashed=True)])
        for where in (None, photos.c.auto_class_score > 0.5):
            found = library.ids_in_order(where, sort)
            assert list(found) == library.find(where, sort=sort)
            assert len(found) == (2 if where is None else 1)


def test_again_and_while_photos_come_and_go(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        ids = add_rows(library, COUNT)
        found = library.ids_in_order(None, Sort(SortKey.NAME))
        assert list(found) == ids
        assert list(found) == ids, "they can be gone through again"
        with library.database.writer.begin() as connection:
            connection.execute(photos.delete().where(photos.c.id == ids[1]))
        assert list(found) == [ids[0], *ids[2:]]
        assert [photo.id for photo in islice(library.records(found), 2)] == [ids[0], ids[2]]
        assert len(list(library.records(iter(ids)))) == COUNT - 1


def test_batches() -> None:
    assert list(in_batches(iter(range(5)), 2)) == [[0, 1], [2, 3], [4]]
    assert list(in_batches([])) == []
