"""What people decide about clutter, with undo: set photos apart, or keep them in the timeline."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, literal, null, select

from scene_model.library.clutter.conditions import NO_CLUTTER, ClutterKind
from scene_model.library.database.schema import edit_changes, photos
from scene_model.library.edits import CLUTTER, EditResult, begin_edit, chosen_ids, finish_edit
from scene_model.library.store import Library


def set_apart(
    library: Library, photo_ids: Sequence[str], kind: ClutterKind | None = None
) -> EditResult:
    """Take photos out of the timeline; they stay in the library, in albums and in searches.

    kind: None for the one that each photo is taken for, or OTHER.
    """
    own = func.coalesce(photos.c.clutter, photos.c.auto_clutter, literal(str(ClutterKind.OTHER)))
    new = own if kind is None else literal(str(kind))
    return _decide(library, photo_ids, "Set apart", new)


def record_apart(connection: Connection, edit_id: int, where: ColumnElement[bool]) -> None:
    """Record within an edit that photos of a condition are set apart, each as what it is taken for.

    where: of photos that may be clutter.
    """
    _record(connection, edit_id, where, photos.c.clutter)


def keep_in_timeline(library: Library, photo_ids: Sequence[str]) -> EditResult:
    """Let photos be no clutter, whatever the program takes them for."""
    return _decide(library, photo_ids, "Kept in the timeline", literal(NO_CLUTTER))


def withdraw_clutter(library: Library, photo_ids: Sequence[str]) -> EditResult:
    """Go back to what the program proposes."""
    return _decide(library, photo_ids, "Clutter back to undecided", null())


def _decide(
    library: Library, photo_ids: Sequence[str], description: str, new: ColumnElement[Any]
) -> EditResult:
    """Record the changes and apply them, in one transaction.

    Photos that were deleted meanwhile or have the decision already are skipped.
    """
    with library.database.writer.begin() as connection:
        edit_id = begin_edit(connection, description)
        _record(connection, edit_id, photos.c.id.in_(chosen_ids(photo_ids)), new)
        return finish_edit(connection, edit_id, description)


def _record(
    connection: Connection, edit_id: int, where: ColumnElement[bool], new: ColumnElement[Any]
) -> None:
    old = photos.c.human_clutter
    changes = select(literal(edit_id), photos.c.id, literal(CLUTTER), literal(""), old, new).where(
        where, old.is_distinct_from(new)
    )
    columns = ["edit_id", "photo_id", "field", "label", "before", "after"]
    connection.execute(insert(edit_changes).from_select(columns, changes))
