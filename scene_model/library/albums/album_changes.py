"""Apply the changes of albums that an edit recorded, forwards or backwards."""

from typing import Any

from sqlalchemy import Column, Connection, Integer, cast, delete, insert, select, tuple_, update

from scene_model.classifier.vocabulary import fold
from scene_model.library.database.schema import album_photos, albums, edit_changes, photos

# The `photo_id` of a change of an album itself.
NO_PHOTO = ""
# A photo's position in an album, as text; null where it is not in it.
PLACED = "album"
NAME, SORT, COVER, DELETED = "album name", "album sort", "album cover", "album deleted"


def apply_album_changes(connection: Connection, edit_id: int, value: Column[Any]) -> None:
    """Set every photo and every column of albums that an edit changed. value: before or after."""
    _place_photos(connection, edit_id, value)
    changes = select(edit_changes.c.field, edit_changes.c.label, value).where(
        edit_changes.c.edit_id == edit_id,
        edit_changes.c.photo_id == NO_PHOTO,
        edit_changes.c.field.in_((NAME, SORT, COVER, DELETED)),
    )
    for field, album_id, new in connection.execute(changes).all():
        columns = _columns_of(field, new)
        connection.execute(update(albums).where(albums.c.id == int(album_id)).values(columns))


def _place_photos(connection: Connection, edit_id: int, value: Column[Any]) -> None:
    album_id = cast(edit_changes.c.label, Integer)
    placed = (
        select(album_id, photos.c.number)
        .join(photos, photos.c.id == edit_changes.c.photo_id)
        .where(edit_changes.c.edit_id == edit_id, edit_changes.c.field == PLACED)
    )
    key = tuple_(album_photos.c.album_id, album_photos.c.photo)
    connection.execute(delete(album_photos).where(key.in_(placed)))
    connection.execute(
        insert(album_photos).from_select(
            ["album_id", "photo", "position"],
            placed.add_columns(cast(value, Integer)).where(value.is_not(None)),
        )
    )


def _columns_of(field: str, value: str | None) -> dict[Column[Any], Any]:
    if field == NAME:
        return {albums.c.name: value, albums.c.folded_name: fold(value or "")}
    if field == COVER:
        # The photo may have been deleted from the trash since.
        number = select(photos.c.number).where(photos.c.id == value).scalar_subquery()
        return {albums.c.cover: number}
    return {{SORT: albums.c.sort, DELETED: albums.c.deleted_at}[field]: value}
