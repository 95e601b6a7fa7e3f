"""Edits of albums that people made: each can be undone and redone with `edits.undo`.

Photos are put into an album and taken out of it; no edit of an album changes a photo.
"""

import datetime
import json
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum

from sqlalchemy import Connection, String, cast, func, insert, literal, null, select
from sqlalchemy.exc import IntegrityError

from scene_model.classifier.vocabulary import fold
from scene_model.errors import AlbumNameTaken, AlbumNotFound, InvalidAlbum
from scene_model.library.albums.album_changes import (
    COVER,
    DELETED,
    NAME,
    NO_PHOTO,
    PLACED,
    SORT,
)
from scene_model.library.albums.own_albums import HAND
from scene_model.library.database.schema import album_photos, albums, edit_changes, photos
from scene_model.library.edits import (
    EditResult,
    begin_edit,
    chosen_ids,
    finish_edit,
    is_set_by_rule,
)
from scene_model.library.sort_order import BEST_MATCH, Sort
from scene_model.library.store import Library

MAX_NAME_LENGTH = 60


class Step(StrEnum):
    """Where photos are moved in the order by hand."""

    FIRST = "first"
    EARLIER = "earlier"
    LATER = "later"
    LAST = "last"


def create_album(
    library: Library, name: str, photo_ids: Sequence[str] = (), sort: Sort | None = None
) -> int:
    """Make an album of chosen photos, in their order; returns its id.

    sort: the order in which it shows them, if not that. Raises InvalidAlbum or AlbumNameTaken.
    """
    return _create(library, name, None, HAND if sort is None else str(sort), photo_ids)


def create_query_album(library: Library, name: str, query: str, sort: Sort = BEST_MATCH) -> int:
    """Make an album that follows a search from now on; returns its id.

    The caller has checked the query: see `search.own_albums.check_followed`. Raises InvalidAlbum
    or AlbumNameTaken.
    """
    return _create(library, name, query, str(sort), ())


def add_to_album(library: Library, album_id: int, photo_ids: Sequence[str]) -> EditResult:
    """Put photos at the end of an album; those that are in it stay where they are.

    Raises AlbumNotFound, also for an album that follows a search.
    """
    with library.database.writer.begin() as connection:
        name = _name_of_chosen(connection, album_id)
        description = f"Added to “{name}”"
        edit_id = begin_edit(connection, description)
        _record_additions(connection, edit_id, album_id, photo_ids)
        return finish_edit(connection, edit_id, description)


def remove_from_album(library: Library, album_id: int, photo_ids: Sequence[str]) -> EditResult:
    """Take photos out of an album; the photos themselves do not change. Raises AlbumNotFound."""
    with library.database.writer.begin() as connection:
        name = _name_of_chosen(connection, album_id)
        description = f"Removed from “{name}”"
        edit_id = begin_edit(connection, description)
        changes = (
            select(
                literal(edit_id),
                photos.c.id,
                literal(PLACED),
                literal(str(album_id)),
                cast(album_photos.c.position, String),
                null(),
            )
            .join(album_photos, album_photos.c.photo == photos.c.number)
            .where(album_photos.c.album_id == album_id, photos.c.id.in_(chosen_ids(photo_ids)))
        )
        connection.execute(insert(edit_changes).from_select(_COLUMNS, changes))
        return finish_edit(connection, edit_id, description)


def move_in_album(
    library: Library, album_id: int, photo_ids: Sequence[str], step: Step
) -> EditResult:
    """Move photos in an album's order by hand; they keep their order. Raises AlbumNotFound."""
    with library.database.writer.begin() as connection:
        name = _name_of_chosen(connection, album_id)
        query = (
            select(photos.c.id, album_photos.c.position)
            .join(album_photos, album_photos.c.photo == photos.c.number)
            .where(album_photos.c.album_id == album_id)
            .order_by(album_photos.c.position, photos.c.number)
        )
        old = {row.id: row.position for row in connection.execute(query)}
        new = {id_: i for i, id_ in enumerate(moved(list(old), photo_ids, step))}
        description = f"Order of “{name}” changed"
        edit_id = begin_edit(connection, description)
        _record(
            connection,
            [
                (edit_id, photo_id, PLACED, str(album_id), str(old[photo_id]), str(new[photo_id]))
                for photo_id in new
                if new[photo_id] != old[photo_id]
            ],
        )
        return finish_edit(connection, edit_id, description)


def rename_album(library: Library, album_id: int, name: str) -> EditResult:
    """Rename an album; raises InvalidAlbum, AlbumNameTaken or AlbumNotFound."""
    name = clean_album_name(name)
    return _change(library, album_id, f"Album renamed to “{name}”", NAME, name)


def set_album_sort(library: Library, album_id: int, sort: Sort | None) -> EditResult:
    """Set the order of an album's photos; None for the order by hand. Raises AlbumNotFound."""
    value = HAND if sort is None else str(sort)
    return _change(library, album_id, "Order of an album changed", SORT, value)


def set_album_cover(library: Library, album_id: int, photo_id: str) -> EditResult:
    """Make a photo the cover of an album; raises AlbumNotFound."""
    return _change(library, album_id, "Cover of an album chosen", COVER, photo_id)


def delete_album(library: Library, album_id: int) -> EditResult:
    """Delete an album; its photos stay. Raises AlbumNotFound."""
    with library.database.reader.begin() as connection:
        name = _row(connection, album_id)["name"]
    return _change(library, album_id, f"Album “{name}” deleted", DELETED, _now())


def clean_album_name(typed: str) -> str:
    """Normalise a typed name: NFC, single spaces; raises InvalidAlbum."""
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if not fold(name):
        raise InvalidAlbum("An album needs a name with at least one letter or digit.")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidAlbum(
            f"The name of the album has {len(name)} characters; the limit is {MAX_NAME_LENGTH}."
        )
    if '"' in name:
        raise InvalidAlbum(
            "The name of an album cannot contain a quotation mark: queries quote names with it."
        )
    unprintable = [character for character in name if not character.isprintable()]
    if unprintable:
        raise InvalidAlbum(
            f"The name of the album contains an unprintable character ({unprintable[0]!r})."
        )
    return name


def moved(ids: Sequence[str], chosen: Sequence[str], step: Step) -> list[str]:
    """Return ids with the chosen ones moved; those that are moved together keep their order."""
    marked = frozenset(chosen)
    if step in (Step.FIRST, Step.LAST):
        theirs = [id_ for id_ in ids if id_ in marked]
        others = [id_ for id_ in ids if id_ not in marked]
        return theirs + others if step is Step.FIRST else others + theirs
    if step is Step.LATER:
        return moved(ids[::-1], chosen, Step.EARLIER)[::-1]
    order = list(ids)
    for i in range(1, len(order)):
        if order[i] in marked and order[i - 1] not in marked:
            order[i - 1], order[i] = order[i], order[i - 1]
    return order


_COLUMNS = ["edit_id", "photo_id", "field", "label", "before", "after"]


def _create(
    library: Library, name: str, query: str | None, sort: str, photo_ids: Sequence[str]
) -> int:
    name, now = clean_album_name(name), _now()
    row = {"name": name, "folded_name": fold(name), "query": query, "sort": sort}
    with library.database.writer.begin() as connection:
        # Deleted until the edit is applied; undoing it deletes the album again.
        inserted = connection.execute(insert(albums).values(**row, created_at=now, deleted_at=now))
        album_id, description = int(inserted.lastrowid), f"Album “{name}” made"
        edit_id = begin_edit(connection, description)
        _record(connection, [(edit_id, NO_PHOTO, DELETED, str(album_id), now, None)])
        _record_additions(connection, edit_id, album_id, photo_ids)
        _finish(connection, edit_id, description, name)
    return album_id


def _change(
    library: Library, album_id: int, description: str, field: str, value: str
) -> EditResult:
    """Change one column of an album; no edit is recorded where nothing changes."""
    with library.database.writer.begin() as connection:
        row = _row(connection, album_id)
        before = {NAME: row["name"], SORT: row["sort"], COVER: row["cover_id"], DELETED: None}
        edit_id = begin_edit(connection, description)
        if before[field] != value:
            change = (edit_id, NO_PHOTO, field, str(album_id), before[field], value)
            _record(connection, [change])
        return _finish(connection, edit_id, description, value)


def _finish(connection: Connection, edit_id: int, description: str, name: str) -> EditResult:
    try:
        return finish_edit(connection, edit_id, description)
    except IntegrityError as error:
        raise AlbumNameTaken(f"You already have an album “{name}”. Choose another name.") from error


def _record(
    connection: Connection, changes: Sequence[tuple[int, str, str, str, str | None, str | None]]
) -> None:
    """Record changes of an edit. changes: the values of `_COLUMNS`."""
    rows = [dict(zip(_COLUMNS, change, strict=True)) for change in changes]
    if rows:
        connection.execute(insert(edit_changes), rows)


def _record_additions(
    connection: Connection, edit_id: int, album_id: int, photo_ids: Sequence[str]
) -> None:
    """Record that photos are put at the end of an album, in their order.

    One that a standing rule put there stays in its place, as a person's from now on.
    """
    rows = func.json_each(json.dumps(list(dict.fromkeys(photo_ids))))
    chosen = rows.table_valued("key", "value")
    in_album = album_photos.c.album_id == album_id
    last = select(func.coalesce(func.max(album_photos.c.position), -1)).where(in_album)
    first_position = int(connection.execute(last).scalar_one()) + 1
    existing = select(album_photos.c.photo).where(in_album)
    changes = (
        select(
            literal(edit_id),
            photos.c.id,
            literal(PLACED),
            literal(str(album_id)),
            null(),
            cast(first_position + chosen.c.key, String),
        )
        .join(photos, photos.c.id == chosen.c.value)
        .where(photos.c.number.not_in(existing))
    )
    connection.execute(insert(edit_changes).from_select(_COLUMNS, changes))
    position = cast(album_photos.c.position, String)
    confirmations = (
        select(
            literal(edit_id),
            photos.c.id,
            literal(PLACED),
            literal(str(album_id)),
            position,
            position,
        )
        .join(album_photos, album_photos.c.photo == photos.c.number)
        .where(in_album, photos.c.id.in_(chosen_ids(photo_ids)))
        .where(is_set_by_rule(PLACED, str(album_id)))
    )
    connection.execute(insert(edit_changes).from_select(_COLUMNS, confirmations))


def _row(connection: Connection, album_id: int) -> Mapping[str, str | None]:
    query = (
        select(albums.c.name, albums.c.sort, albums.c.query, photos.c.id.label("cover_id"))
        .select_from(albums.outerjoin(photos, photos.c.number == albums.c.cover))
        .where(albums.c.id == album_id, albums.c.deleted_at.is_(None))
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise AlbumNotFound("This album no longer exists.")
    return {str(name): value for name, value in row.items()}


def _name_of_chosen(connection: Connection, album_id: int) -> str:
    row = _row(connection, album_id)
    if row["query"] is not None:
        raise AlbumNotFound(
            f"The album “{row['name']}” follows a search, so photos cannot be put into it by hand. "
            "Choose another album."
        )
    return str(row["name"])


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds")
