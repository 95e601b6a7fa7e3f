"""Join photos in stacks as they come in, and those of a library of an earlier version.

Whatever comes first, the photos of a name or of a Live Photo are compared anew with each one that
comes in. Stacks only grow: a stack that a person made, and a photo that a person wants apart, stay
as they are.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.duplicates.stack_names import stack_name
from scene_model.duplicates.stack_pairs import MAX_OF_A_NAME, Candidate, Join, joins, pick_position
from scene_model.duplicates.stack_writes import one_stack
from scene_model.library.database.schema import photos, stack_photos, stacks
from scene_model.library.records import WrittenPhoto
from scene_model.library.stacks.stack_rows import PROGRAM, StackKind
from scene_model.library.store import Library
from scene_model.photos.content_ids import content_id_in_file

_BATCH = 2_000
# The kinds that this module makes; of the others it only adds to stacks.
_KINDS = (StackKind.EDIT, StackKind.LIVE, StackKind.RAW_JPEG)


def write_stack(connection: Connection, photo: WrittenPhoto) -> None:
    """Join a photo that is being added with those that are there, in the same transaction."""
    rows = connection.execute(_ADDED, {"photo_id": photo.id}).all()
    _name_and_join(connection, rows)


def count_unstacked(library: Library) -> int:
    """Count the photos that no version of this program with stacks has tried to join."""
    with library.database.reader.begin() as connection:
        query = select(func.count()).where(photos.c.stack_name.is_(None))
        return int(connection.execute(query).scalar_one())


def stack_unstacked(library: Library) -> Iterator[int]:
    """Join the photos that an earlier version added; yields the number of photos done so far.

    What Apple's phones wrote into the picture of a Live Photo is read from the original, which
    earlier versions did not do. Each batch is one transaction, so an interrupted run goes on where
    it stopped.
    """
    done = 0
    while True:
        unnamed = _to_join(photos.c.stack_name.is_(None)).limit(_BATCH)
        with library.database.reader.begin() as connection:
            rows = connection.execute(unnamed).all()
            ids = {"ids": _as_json(row.id for row in rows)}
            of_apple = connection.execute(_APPLE, ids).scalars().all()
        content_ids = _read_content_ids(library, of_apple)
        with library.database.writer.begin() as connection:
            if content_ids:
                connection.execute(_SET_CONTENT_ID, content_ids)
            _name_and_join(connection, connection.execute(unnamed).all())
        if not rows:
            return
        done += len(rows)
        yield done


def _read_content_ids(library: Library, photo_ids: Sequence[str]) -> list[dict[str, str]]:
    """Read the identifiers of Live Photos from originals; those not at hand are left out."""
    read = []
    for photo in library.records(photo_ids):
        with contextlib.suppress(OSError):
            identifier = content_id_in_file(library.original_location(photo))
            if identifier is not None:
                read.append({"photo_id": photo.id, "identifier": identifier})
    return read


def _to_join(where: ColumnElement[bool]) -> Select[Any]:
    columns = (
        *(photos.c.number, photos.c.id, photos.c.name, photos.c.folder),
        photos.c.content_id,
    )
    return select(*columns).where(where)


def _name_and_join(connection: Connection, rows: Sequence[Any]) -> None:
    if not rows:
        return
    names = {row.number: stack_name(row.name).base for row in rows}
    connection.execute(
        _SET_NAME, [{"photo": number, "base": base} for number, base in names.items()]
    )
    _join(connection, _candidates_of(connection, rows, names))


def _candidates_of(
    connection: Connection, rows: Sequence[Any], names: Mapping[int, str]
) -> Sequence[Any]:
    content_ids = _as_json(row.content_id for row in rows if row.content_id)
    if len(rows) == 1:
        (row,) = rows
        named = {"name": names[row.number], "folder": row.folder, "content_ids": content_ids}
        return connection.execute(_CANDIDATES_OF_ONE, named).all()
    pairs = sorted({(names[row.number], row.folder or "") for row in rows})
    lists = connection.execute(_OF_NAMES, {"pairs": json.dumps(pairs)})
    numbers = f"[{','.join(text for (text,) in lists if text)}]"
    several = {"numbers": numbers, "content_ids": content_ids}
    return connection.execute(_CANDIDATES, several).all()


def _join(connection: Connection, rows: Sequence[Any]) -> None:
    if len(rows) < 2:
        return
    candidates = {row.number: Candidate(*row[:8]) for row in rows}
    memberships = {row.number: row for row in rows}
    new_rows = [
        row
        for join in joins(candidates.values())
        for row in _rows_of(connection, join, candidates, memberships)
    ]
    if new_rows:
        connection.execute(upsert(stack_photos).on_conflict_do_nothing(), new_rows)


def _candidates(of_name: Select[tuple[int]]) -> Select[Any]:
    """Select the photos that may belong to some, as the fields of `Candidate` and their stack.

    Those about which a person decided are left out. of_name: those that have the name.
    """
    of_content = select(photos.c.number).where(_is_one_of(photos.c.content_id, "content_ids"))
    return (
        select(
            photos.c.number,
            photos.c.name,
            photos.c.format,
            photos.c.folder,
            photos.c.auto_taken_at,
            photos.c.auto_taken_source,
            photos.c.camera,
            photos.c.content_id,
            stack_photos.c.stack_id,
            stacks.c.kind,
        )
        .outerjoin(stack_photos, stack_photos.c.photo == photos.c.number)
        .outerjoin(stacks, stacks.c.id == stack_photos.c.stack_id)
        .where(
            photos.c.number.in_(select(of_name.subquery().c.number))
            | photos.c.number.in_(of_content),
            ~_IS_PERSONS,
        )
        .order_by(photos.c.number)
    )


def _of_names() -> Select[Any]:
    """Select the free photos of each pair of a name and a folder, as one text for each.

    Many photos of an earlier version have one name, and no folder: see `_of_one_name`.
    """
    pair = func.json_each(bindparam("pairs", type_=Text)).table_valued("value", name="pairs")
    name, folder = (func.json_extract(pair.c.value, path) for path in ("$[0]", "$[1]"))
    of_one = _of_one_name(name, func.nullif(folder, "")).correlate(pair).subquery()
    return select(select(func.group_concat(of_one.c.number)).scalar_subquery()).select_from(pair)


def _of_one_name(name: ColumnElement[Any], folder: ColumnElement[Any]) -> Select[tuple[int]]:
    """Select the free photos of a name, but no more than show that they are no pairs."""
    return (
        select(photos.c.number)
        .outerjoin(stack_photos, stack_photos.c.photo == photos.c.number)
        .outerjoin(stacks, stacks.c.id == stack_photos.c.stack_id)
        .where(
            photos.c.stack_name == name,
            photos.c.folder.is_not_distinct_from(folder),
            ~_IS_PERSONS,
        )
        .limit(MAX_OF_A_NAME + 1)
    )


def _listed_numbers() -> Select[tuple[int]]:
    listed = func.json_each(bindparam("numbers", type_=Text)).table_valued("value", name="numbers")
    return select(listed.c.value.label("number"))


def _is_one_of(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Condition: the column is one of the texts in a parameter, which is JSON."""
    texts = func.json_each(bindparam(parameter, type_=Text)).table_valued("value", name=parameter)
    return column.in_(select(texts.c.value))


def _as_json(texts: Iterable[str]) -> str:
    return json.dumps(sorted(set(texts)))


# Built once: to build a statement costs more time than SQLite needs for it.
_ADDED = _to_join(photos.c.id == bindparam("photo_id"))
_APPLE = select(photos.c.id).where(
    _is_one_of(photos.c.id, "ids"), photos.c.camera.ilike("apple%"), photos.c.content_id.is_(None)
)
_SET_CONTENT_ID = (
    update(photos)
    .where(photos.c.id == bindparam("photo_id"))
    .values(content_id=bindparam("identifier"))
)
_IS_PERSONS = stack_photos.c.photo.is_not(None) & stacks.c.made_by.is_distinct_from(PROGRAM)
_OF_NAMES = _of_names()
_CANDIDATES = _candidates(_listed_numbers())
_CANDIDATES_OF_ONE = _candidates(_of_one_name(bindparam("name"), bindparam("folder")))
_SET_NAME = (
    update(photos).where(photos.c.number == bindparam("photo")).values(stack_name=bindparam("base"))
)


def _rows_of(
    connection: Connection,
    join: Join,
    candidates: dict[int, Candidate],
    memberships: dict[int, Any],
) -> list[dict[str, int]]:
    """Make photos one stack, or add to the one there is; returns the rows of those added."""
    stack_ids = [memberships[number].stack_id for number in join.numbers]
    stack_id = one_stack(connection, stack_ids, join.kind, _KINDS)
    return [
        {"photo": n, "stack_id": stack_id, "position": pick_position(candidates[n])}
        for n in join.numbers
        if memberships[n].stack_id is None
    ]
