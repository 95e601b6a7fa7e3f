"""New photos: those that came in since a person last settled what came in.

A photo is new if its number is above that of the last settled one, so adding photos writes nothing
more. Numbers of deleted photos are used again; a trigger lowers the stored one then.
"""

from sqlalchemy import ColumnElement, Connection, Integer, cast, delete, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.library.database.schema import choices, edits, photos
from scene_model.library.store import Library

# Names of choices: the number of the last settled photo, and the id of the edit that accepted what
# was proposed about new photos. The first one is in a trigger, too.
SETTLED, ACCEPTED_BY = "settled_photo", "new_photos_accepted_by"


def is_new() -> ColumnElement[bool]:
    """SQL condition: the photo is new."""
    return photos.c.number > _SETTLED_NUMBER


def newest_number(connection: Connection) -> int:
    """Return the highest number of a photo; 0 without photos."""
    return int(connection.execute(select(func.max(photos.c.number))).scalar() or 0)


def settle(library: Library, last: int | None = None) -> None:
    """Settle the new photos up to a number, by default all: they are no longer new."""
    with library.database.writer.begin() as connection:
        newest = newest_number(connection)
        settled = int(connection.execute(select(_SETTLED_NUMBER)).scalar_one())
        number = max(settled, newest if last is None else min(last, newest))
        write_choice(connection, SETTLED, str(number))
        connection.execute(delete(choices).where(choices.c.name == ACCEPTED_BY))


def accepting_edit(library: Library) -> int | None:
    """Return the edit that accepted what was proposed about new photos, unless it is undone."""
    query = (
        select(edits.c.id)
        .join(choices, cast(choices.c.value, Integer) == edits.c.id)
        .where(choices.c.name == ACCEPTED_BY, edits.c.undone_at.is_(None))
    )
    with library.database.reader.begin() as connection:
        edit_id: int | None = connection.execute(query).scalar()
    return edit_id


def write_choice(connection: Connection, name: str, value: str) -> None:
    """Store a setting of the library, within a transaction."""
    statement = upsert(choices).values(name=name, value=value)
    connection.execute(statement.on_conflict_do_update(["name"], set_={"value": value}))


_STORED = select(cast(choices.c.value, Integer)).where(choices.c.name == SETTLED)
_SETTLED_NUMBER = func.coalesce(_STORED.scalar_subquery(), 0)
