"""The order by match: the photo with the surest matching tag first."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from scene_model.classifier.model import CurrentModel, Model
from scene_model.classifier.vocabulary import KindOfLabels, Vocabulary
from scene_model.errors import InvalidCursor
from scene_model.gallery import Gallery
from scene_model.library.sort_order import BEST_MATCH, NEWEST_ADDED, Sort, SortKey
from scene_model.library.store import Library
from scene_model.search.conditions import name_contains
from scene_model.search.paging import page_after, read_cursor
from scene_model.services import Services
from tests.library.rows import Row, put

DAY = "2024-07-{:02d}T12:00:00.000+02:00"
# By match to "dog", and the newest last.
ROWS = [
    Row("chosen.jpg", human_class="dog", added_at=DAY.format(1)),
    Row("added.jpg", added=["dog"], tags=[("objects", "pug", 0.4)], added_at=DAY.format(2)),
    Row("surest.jpg", tags=[("objects", "pug", 0.95)], added_at=DAY.format(3)),
    Row("two.jpg", tags=[("camsdd", "dog", 0.8), ("objects", "pug", 0.3)], added_at=DAY.format(4)),
    Row("cat.jpg", tags=[("camera", "cat", 0.9), ("objects", "pug", 0.5)], added_at=DAY.format(5)),
    Row("rejected.jpg", tags=[("camsdd", "dog", 0.9)], rejected=["dog"], added_at=DAY.format(6)),
    Row("my dog.jpg", added_at=DAY.format(7)),
    Row("gone.jpg", tags=[("camsdd", "dog", 0.9)], trashed=True),
]


@pytest.fixture
def gallery(services: Services) -> Gallery:
    """A gallery of made rows, with the words of the shipped model."""
    put(services.library, ROWS)
    return services.gallery()


@pytest.fixture
def small(gallery: Gallery) -> Gallery:
    """A gallery of the same rows, with few words; a pug is a dog and a pet."""
    words = {word: frozenset({word}) for word in ("dog", "cat", "pug")}
    kinds = tuple(
        KindOfLabels(kind, kind.capitalize(), frozenset({kind}), frozenset({"dog", "pug"}))
        for kind in ("dog", "pet")
    )
    vocabulary = Vocabulary({word: word.capitalize() for word in words}, words, kinds)
    model = Model(gallery.model.classifier, vocabulary, gallery.model.albums)
    return Gallery(gallery.library, CurrentModel(model))


def names(gallery: Gallery, query: str) -> list[str]:
    return [r.name.split(".")[0] for r in gallery.library.records(gallery.ids(query))]


def test_the_surest_tag_comes_first(small: Gallery) -> None:
    # Both that a person decided count 1; of them the newer is first, and a file's name counts 0.
    expected = ["added", "chosen", "surest", "two", "cat", "my dog"]
    assert names(small, "dog") == expected
    assert names(small, "DOG OR nothing") == expected
    assert names(small, "dog -cat") == [name for name in expected if name != "cat"]
    # The surest tag of any of the words.
    assert names(small, "dog cat") == ["cat"]
    assert names(small, "dog OR cat")[2:5] == ["surest", "cat", "two"]


def test_a_query_without_words_is_in_the_order_of_the_newest(small: Gallery) -> None:
    newest = ["my dog", "rejected", "cat", "two", "surest", "added", "chosen"]
    assert names(small, "")[:2] == newest[:2]
    assert names(small, "-nothing")[:7] == newest
    assert names(small, "name:dog OR tag:dog") == ["my dog", "two", "added"]
    assert small.shown_order("tag:dog") == NEWEST_ADDED
    assert small.shown_order("dog") == BEST_MATCH
    assert small.shown_order("(dog") == NEWEST_ADDED


def test_an_order_that_a_person_chooses_stays(small: Gallery) -> None:
    small.sort = Sort(SortKey.NAME)
    assert names(small, "dog") == ["added", "cat", "chosen", "my dog", "surest", "two"]
    assert small.shown_order("dog") == small.sort
    small.sort = NEWEST_ADDED
    assert names(small, "dog")[0] == "my dog"


def test_all_parts_of_a_result_are_in_one_order(small: Gallery) -> None:
    ids = small.ids("dog")
    assert list(small.all_ids("dog")) == ids
    assert small.ids_from(0, 6, "dog") == ids
    assert small.ids_from(2, 2, "dog") == ids[2:4]
    assert small.ids_from(len(ids), 1, "dog") == []
    assert [r.id for n in (1, 2, 3) for r in small.page(n, 2, "dog")] == ids
    # The same order by SQL alone.
    sort = Sort(SortKey.MATCH, labels=small.labels_of_words("dog"))
    library = small.library
    assert list(page_after(library, name_contains(""), sort, None, 99).ids) == library.find(
        name_contains(""), sort=sort
    )


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_pages_by_cursor(small: Gallery, size: int) -> None:
    ids: list[str] = []
    cursor = None
    while True:
        page = small.page_after(cursor, size, "dog")
        ids += page.ids
        cursor = page.next_cursor
        if cursor is None:
            break
    assert ids == small.ids("dog")


def test_a_photo_that_is_added_between_two_pages_repeats_none(small: Gallery) -> None:
    ids = small.ids("dog")
    page = small.page_after(None, 3, "dog")
    put(small.library, [*ROWS, Row("new.jpg", tags=[("camsdd", "dog", 0.99)])])
    assert page.ids + small.page_after(page.next_cursor, 9, "dog").ids == tuple(ids)


def test_cursors_of_other_orders(small: Gallery) -> None:
    by_match = small.page_after(None, 1, "dog").next_cursor
    by_name = page_after(small.library, None, Sort(SortKey.NAME), None, 1).next_cursor
    assert by_match is not None and by_name is not None
    assert read_cursor(by_match, BEST_MATCH).added_at == DAY.format(2)
    with pytest.raises(InvalidCursor):
        read_cursor(by_match, NEWEST_ADDED)
    with pytest.raises(InvalidCursor):
        read_cursor(by_name, BEST_MATCH)


def test_tags_of_ones_own_come_before_kinds(small: Gallery) -> None:
    assert names(small, "tag:pug") == ["cat", "two", "surest", "added"]
    put(small.library, [Row("a.jpg", tags=[("objects", "pug", 0.9)]), Row("b.jpg", added=["pet"])])
    assert set(names(small, "pet")) == {"a", "b"}
    assert names(small, "tag:pet") == ["b"]
    put(small.library, [Row("a.jpg", tags=[("objects", "pug", 0.9)])])
    assert names(small, "tag:pet") == ["a"], "nothing else has that name"
    assert names(small, "class:pet") == []


@pytest.fixture
def few_values(gallery: Gallery) -> Iterator[None]:
    """Let SQLite bind no more values than its oldest default."""

    @event.listens_for(gallery.library.database.reader, "checkout")
    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)

    yield
    event.remove(gallery.library.database.reader, "checkout", limit)


@pytest.mark.usefixtures("few_values")
def test_many_wide_kinds_in_one_query(gallery: Gallery) -> None:
    kinds = ("animal", "creature", "wildlife", "Tier", "动物", "mammal", "dog", "vehicle", "food")
    line = " OR ".join([*kinds, " ".join(kinds), "album:pets"])
    assert {"added", "chosen", "two"} <= set(names(gallery, line))


def test_a_word_repeated_is_one_condition(gallery: Gallery) -> None:
    assert names(gallery, "animal " * 140) == names(gallery, "animal")


def test_the_order_by_match_reads_an_index(gallery: Gallery) -> None:
    library: Library = gallery.library
    plans: list[str] = []

    @event.listens_for(library.database.reader, "before_cursor_execute")
    def explain(_: object, cursor: sqlite3.Cursor, statement: str, values: object, *__: object):  # type: ignore[no-untyped-def]
        if "match_scores" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[arg-type]
            plans.append("\n".join(row[3] for row in cursor.fetchall()))

    gallery.page_after(None, 50, "animal")
    event.remove(library.database.reader, "before_cursor_execute", explain)
    (plan,) = plans
    assert "photos_by_added" in plan
    assert "SEARCH held_tags USING PRIMARY KEY (label=?)" in plan
    assert "SCAN held_tags" not in plan
    assert "SEARCH match_scores USING" in plan, "no scan of all matches for each photo"
