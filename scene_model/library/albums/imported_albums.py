"""Albums of other programs: made once here, and filled with what comes later.

What a person changed since stays: a renamed album is filled under its new name, a deleted one is
not made again, and a photo that was taken out does not come back.
"""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, exists, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.classifier.vocabulary import fold
from scene_model.errors import AlbumNotFound, InvalidAlbum
from scene_model.library.albums.album_changes import PLACED
from scene_model.library.albums.album_edits import (
    MAX_NAME_LENGTH,
    add_to_album,
    clean_album_name,
    create_album,
)
from scene_model.library.database.schema import (
    album_photos,
    albums,
    edit_changes,
    edits,
    imported_albums,
    photos,
)
from scene_model.library.sort_order import Sort, SortKey
from scene_model.library.store import Library

# As the other programs show them, the oldest first.
_BY_DATE = Sort(SortKey.TAKEN, descending=False)


def fill_album(library: Library, title: str, photo_ids: Sequence[str]) -> None:
    """Put photos into the album of another program, which is made if there is none.

    A person's own album of that name takes them; one that follows a search does not.
    """
    name = album_name(title)
    if name is None:
        return
    with library.database.reader.begin() as connection:
        album_id = _album_of(connection, name)
        is_deleted = album_id is not None and _is_deleted(connection, album_id)
        missing = list(photo_ids)
        if album_id is not None:
            missing = _missing(connection, album_id, photo_ids)
    if is_deleted or not missing:
        return
    if album_id is None:
        album_id = create_album(library, name, missing, sort=_BY_DATE)
    else:
        try:
            add_to_album(library, album_id, missing)
        except AlbumNotFound:  # deleted meanwhile, or it follows a search
            return
    with library.database.writer.begin() as connection:
        connection.execute(
            upsert(imported_albums)
            .values(folded_title=fold(name), album_id=album_id)
            .on_conflict_do_nothing()
        )


def album_name(title: str) -> str | None:
    """Return a title as a name that albums may have; None where nothing of it may be."""
    printable = "".join(c if c.isprintable() else " " for c in title.replace('"', "'"))
    short = printable.strip()[:MAX_NAME_LENGTH].strip()
    try:
        return clean_album_name(short)
    except InvalidAlbum:
        return None


def _album_of(connection: Connection, name: str) -> int | None:
    """Return the album that was made for a title, also a deleted one, or one of that name."""
    folded = fold(name)
    made = select(imported_albums.c.album_id).where(imported_albums.c.folded_title == folded)
    album_id = connection.execute(made).scalar()
    if album_id is None:
        named = select(albums.c.id).where(
            albums.c.folded_name == folded, albums.c.deleted_at.is_(None)
        )
        album_id = connection.execute(named).scalar()
    return None if album_id is None else int(album_id)


def _is_deleted(connection: Connection, album_id: int) -> bool:
    query = select(albums.c.deleted_at).where(albums.c.id == album_id)
    return connection.execute(query).scalar() is not None


def _missing(connection: Connection, album_id: int, photo_ids: Sequence[str]) -> list[str]:
    """Return the photos that are not in an album and were not taken out of it by a person."""
    in_album = select(album_photos.c.photo).where(album_photos.c.album_id == album_id)
    was_edited = exists().where(
        edit_changes.c.edit_id == edits.c.id,
        edit_changes.c.photo_id == photos.c.id,
        edit_changes.c.field == PLACED,
        edit_changes.c.label == str(album_id),
        edit_changes.c.after.is_(None),
        edits.c.undone_at.is_(None),
    )
    rows = func.json_each(json.dumps(list(dict.fromkeys(photo_ids)))).table_valued("key", "value")
    query = (
        select(photos.c.id)
        .join(rows, rows.c.value == photos.c.id)
        .where(photos.c.number.not_in(in_album), ~was_edited)
        .order_by(rows.c.key)
    )
    return list(connection.execute(query).scalars())
