"""Columns in memory follow the library: the same as read anew, after any changes by any process."""

import gc
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, or_, select, update

from scene_model.duplicates.hash_neighbours import add_hash, has_hash_neighbour
from scene_model.library.database.schema import (
    automatic_tags,
    class_decisions,
    effective_tags,
    photos,
    stack_photos,
    stacks,
    tag_decisions,
)
from scene_model.library.edits import chosen_ids
from scene_model.library.in_memory import changes, names
from scene_model.library.photo_query import filter_photos
from scene_model.library.shown_tags import select_shown_tags
from scene_model.library.sort_order import SORTS, order_by
from scene_model.library.store import Library
from scene_model.search.conditions import (
    exif_contains,
    has_class,
    has_place,
    has_tag,
    name_contains,
    on_days,
    was_edited,
)
from scene_model.search.query_values import DaySpan
from scene_model.statistics.months import count_by_month
from scene_model.statistics.tag_counts import count_by_tag
from tests.library.rows import Row, add, put

COUNT = 60
NAMES = ("a.jpg", "b.jpg", "É.jpg", "\U0001f600.jpg", "z.jpg")
CLASSES = ("sea", "forest", "unsure")
HASHES = (0, 1, 5, (1 << 62) - 1, 77 << 40, -77)  # the first three are near each other
DATES = (None, "2024-07-01T10:00:00", "2024-07-02T10:00:00", "2023-01-05T00:00:00")

Change = Callable[[Connection, random.Random, list[str]], Any]


def _photo(draw: random.Random, number: int) -> Row:
    return Row(
        f"{number} {draw.choice(NAMES)}",
        auto_class=draw.choice(CLASSES),
        auto_score=draw.choice((0.5, 0.9)),
        human_class=draw.choice((None, None, "holiday")),
        tags=[("scenes", draw.choice(CLASSES), 0.9), ("objects", "dog", 0.4)],
        added=draw.choice(((), ("mine",))),
        rejected=draw.choice(((), ("sea",))),
        taken_at=draw.choice(DATES),
        added_at=f"2026-0{draw.randint(1, 3)}-01T00:00:00.000+00:00",
        camera=draw.choice((None, "Canon", "Apple")),
        place=draw.choice((None, (38.7, -9.1))),
        trashed=draw.random() < 0.2,
        hash=draw.choice((None, *HASHES)),
    )


def _set(**values: Any) -> Change:
    def change(connection: Connection, draw: random.Random, ids: list[str]) -> None:
        for photo_id in draw.sample(ids, 3):
            connection.execute(update(photos).where(photos.c.id == photo_id).values(values))

    return change


def _tag(connection: Connection, draw: random.Random, ids: list[str]) -> None:
    for photo_id in draw.sample(ids, 3):
        row = {"photo_id": photo_id, "head": "taught", "label": "new", "score": 0.9, "bundle": "b"}
        connection.execute(insert(automatic_tags).prefix_with("OR REPLACE"), row)
        connection.execute(delete(tag_decisions).where(tag_decisions.c.photo_id == photo_id))


def _class(connection: Connection, draw: random.Random, ids: list[str]) -> None:
    for photo_id in draw.sample(ids, 3):
        connection.execute(delete(class_decisions).where(class_decisions.c.photo_id == photo_id))
        row = {"photo_id": photo_id, "label": draw.choice(CLASSES), "at": ""}
        connection.execute(insert(class_decisions), row)


def _remove(connection: Connection, draw: random.Random, ids: list[str]) -> None:
    for photo_id in (ids[-1], draw.choice(ids[:-1])):
        connection.execute(delete(photos).where(photos.c.id == photo_id))
        ids.remove(photo_id)


def _hash(connection: Connection, draw: random.Random, ids: list[str]) -> None:
    for photo_id in draw.sample(ids, 3):
        signed = draw.choice(HASHES)
        add_hash(connection, signed)
        changed = update(photos).where(photos.c.id == photo_id)
        connection.execute(changed.values(perceptual_hash=signed))


def _stack(connection: Connection, draw: random.Random, ids: list[str]) -> None:
    stack_id = connection.execute(insert(stacks).values(kind="burst", made_by="person")).lastrowid
    for position, photo_id in enumerate(draw.sample(ids, 20)):
        query = select(photos.c.number).where(photos.c.id == photo_id)
        row = {"photo": connection.execute(query).scalar_one(), "position": position}
        row |= {"stack_id": stack_id}
        connection.execute(insert(stack_photos).prefix_with("OR REPLACE"), row)


def _unstack(connection: Connection, draw: random.Random, ids: list[str]) -> None:
    connection.execute(delete(stack_photos).where(stack_photos.c.position % 2 == 0))
    apart = update(stack_photos).where(stack_photos.c.position % 3 == 1)
    connection.execute(apart.values(stack_id=None))


CHANGES: dict[str, Change] = {
    "trash": _set(trashed_at="2026-11-01T00:00:00+00:00"),
    "restore": _set(trashed_at=None),
    "date": _set(human_taken_at="2024-07-02T10:00:00"),
    "no date": _set(human_taken_at=""),
    "name": _set(name="m.jpg", folded_name="m.jpg"),
    "size": _set(file_bytes=77),
    "camera": _set(camera="Canon EOS"),
    "lens": _set(lens="X1"),
    "score": _set(auto_class="city", auto_class_score=0.7),
    "tag": _tag,
    "class": _class,
    "stack": _stack,
    "hash": _hash,
    "restored": _set(trashed_at=None),
    "unstack": _unstack,
    "trashed": _set(trashed_at="2026-11-02T00:00:00+00:00"),
    "remove": _remove,
}
CONDITIONS = {
    "none": None,
    "tag": has_tag(["sea", "mine"]),
    "no tag": ~has_tag(["dog"]),
    "class": has_class(["forest"]),
    "edited": was_edited(),
    "not edited": ~was_edited(),
    "place": has_place() & ~has_tag(["sea"]),
    "name or day": or_(
        name_contains("É"), on_days(photos.c.taken_at, DaySpan("2024-07-02", "2024-07-02"))
    ),
    "format": photos.c.format == "JPEG",
    "nested": ~((has_tag(["sea"]) | has_place()) & ~name_contains("a")),
    "camera": photos.c.camera == "Canon",
    "camera or lens": exif_contains(photos.c.camera, ["can"]) | exif_contains(photos.c.lens, ["x"]),
    "duplicate": has_hash_neighbour(),
    "no duplicate": ~has_hash_neighbour() & ~has_tag(["sea"]),
}


def _check(library: Library) -> None:
    for sort in SORTS:
        for name in CONDITIONS if sort is SORTS[0] else ("none", "nested"):
            where = CONDITIONS[name]
            query = filter_photos(select(photos.c.id), where, trashed=False)
            with library.database.reader.begin() as connection:
                ids = list(connection.execute(query.order_by(*order_by(sort))).scalars())
            assert list(library.ids_in_order(where, sort)) == ids, (name, str(sort))
            assert library.count(where, sort=sort) == len(ids)
    for where in CONDITIONS.values():
        _check_counts(library, where)
    _check_moments(library)


def _check_moments(library: Library) -> None:
    with Library(library.folder) as opened:
        assert library.columns.moments.get().digest() == opened.columns.moments.get().digest()


def _check_counts(library: Library, where: Any) -> None:
    numbers = filter_photos(select(photos.c.number), where, trashed=False)
    shown = select_shown_tags().subquery()
    by_tag = (
        select(shown.c.label, func.count())
        .where(shown.c.photo.in_(numbers))
        .group_by(shown.c.label)
    )
    columns = (photos.c.photo_class, photos.c.taken_at, photos.c.added_at)
    with library.database.reader.begin() as connection:
        tags = {row[0]: row[1] for row in connection.execute(by_tag)}
        rows = connection.execute(filter_photos(select(*columns), where, trashed=False)).all()
    assert count_by_tag(library, where) == tags
    assert library.count_by_class(where) == Counter(row.photo_class for row in rows)
    for date, at in (("taken", "taken_at"), ("added", "added_at")):
        if library.has_hidden():  # months are those of tiles
            break
        months = Counter((getattr(row, at) or "")[:7] for row in rows)
        assert dict(count_by_month(library, where, date, True)) == months  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("most_changes", [0, 2_000], ids=["read anew", "updated"])
def test_the_same_as_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_changes: int
) -> None:
    monkeypatch.setattr(changes, "MOST_CHANGES", most_changes)
    monkeypatch.setattr(names, "MANY_APPENDED", 20)
    draw = random.Random(3)  # noqa: S311 - not for secrets
    with Library(tmp_path) as library, Library(tmp_path) as other:
        put(library, [_photo(draw, number) for number in range(COUNT)])
        _check(library)
        with library.database.reader.begin() as connection:
            ids = list(connection.execute(select(photos.c.id).order_by(photos.c.number)).scalars())
        for change in CHANGES.values():
            with other.database.writer.begin() as connection:
                change(connection, draw, ids)
            _check(library)
        with other.database.writer.begin() as connection:  # numbers are used again
            connection.execute(delete(effective_tags))
        put(other, [_photo(draw, number) for number in range(COUNT // 2)])
        _check(library)


def test_a_write_while_a_list_is_made_is_in_the_next_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sort = SORTS[0]
    with Library(tmp_path) as library, Library(tmp_path) as other:
        put(library, [Row("a.jpg")])
        order = library.columns.orders[sort]

        class WrittenMeanwhile:
            def get(self) -> Any:
                numbers = order.get()
                add(other, Row("b.jpg"))
                return numbers

        monkeypatch.setitem(library.columns.orders, sort, WrittenMeanwhile())
        where = photos.c.format == "JPEG"
        library.count(where, sort=sort)
        monkeypatch.setitem(library.columns.orders, sort, order)
        assert library.count(where, sort=sort) == 2


def test_duplicates_after_the_number_of_a_deleted_photo_is_used_again(tmp_path: Path) -> None:
    with Library(tmp_path) as library, Library(tmp_path) as other:
        put(library, [Row("a.jpg", hash=1), Row("b.jpg", hash=1)])
        assert library.count(has_hash_neighbour()) == 2
        with other.database.writer.begin() as connection:
            connection.execute(delete(photos).where(photos.c.name == "b.jpg"))
        add(other, Row("c.jpg", hash=-77))
        assert library.count(has_hash_neighbour()) == 0


def _kept_in_memory() -> int:
    return sum(isinstance(value, changes.Kept) for value in gc.get_objects())


def test_selections_and_lists_of_photos_are_not_kept(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        put(library, [Row(f"{number}.jpg") for number in range(200)])
        ids = library.find()
        assert library.count(photos.c.name == "1.jpg") == 1
        before = _kept_in_memory()
        for count in (170, 180, 190):
            assert library.count(photos.c.id.in_(chosen_ids(ids[:count]))) == count
            numbers = func.json_each(json.dumps([*range(1, count)])).table_valued("value")
            assert library.count(photos.c.number.in_(select(numbers.c.value))) == count - 1
        assert _kept_in_memory() == before


def test_a_deletion_that_was_not_noted_is_made_good(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        put(library, [Row("b.jpg"), Row("c.jpg")])
        for sort in SORTS:
            assert len(library.ids_in_order(None, sort)) == 2
        with library.database.writer.begin() as connection:
            connection.exec_driver_sql("DROP TRIGGER photo_deleted")
            connection.execute(delete(photos).where(photos.c.name == "b.jpg"))
        add(library, Row("a.jpg"), Row("d.jpg"))
        for sort in SORTS:
            assert len(library.ids_in_order(None, sort)) == 3
