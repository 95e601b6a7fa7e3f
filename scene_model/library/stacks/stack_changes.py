"""Apply the changes of stacks that an edit recorded, forwards or backwards.

The value of a change is the stack of a photo and its position there, as text: ``7 0``; APART where
a person wants it apart; null where it is in none.
"""

from typing import Any

from sqlalchemy import Column, Connection, delete, insert, select, update

from scene_model.library.database.schema import edit_changes, photos, stack_photos

STACK, APART = "stack", "apart"


def place_text(stack_id: int | None, position: int) -> str:
    """Return the value of a change for a row of ``stack_photos``."""
    return APART if stack_id is None else f"{stack_id} {position}"


def apply_stack_changes(connection: Connection, edit_id: int, value: Column[Any]) -> None:
    """Put every photo where an edit puts it. value: before or after.

    An edit that only changed positions leaves photos in their stacks: what came in since may have
    joined these with others.
    """
    rows = connection.execute(
        select(photos.c.number, value, edit_changes.c.before, edit_changes.c.after)
        .join(photos, photos.c.id == edit_changes.c.photo_id)
        .where(edit_changes.c.edit_id == edit_id, edit_changes.c.field == STACK)
        .order_by(photos.c.number)
    ).all()
    for number, place, before, after in rows:
        if _stack_id(before) is not None and _stack_id(before) == _stack_id(after):
            of_photo = update(stack_photos).where(stack_photos.c.photo == number)
            connection.execute(of_photo.values(position=_position(place)))
            continue
        connection.execute(delete(stack_photos).where(stack_photos.c.photo == number))
        if place is not None:
            connection.execute(
                insert(stack_photos).values(
                    photo=number, stack_id=_stack_id(place), position=_position(place)
                )
            )


def _stack_id(place: str | None) -> int | None:
    return None if place is None or place == APART else int(place.partition(" ")[0])


def _position(place: str) -> int:
    return int(place.partition(" ")[2] or 0)
