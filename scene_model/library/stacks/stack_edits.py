"""What people decide about stacks, with undo: stack photos, show them apart, choose the pick."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from scene_model.errors import UsageError
from scene_model.library.database.schema import edit_changes, photos, stack_photos, stacks
from scene_model.library.edits import EditResult, begin_edit, chosen_ids, finish_edit
from scene_model.library.stacks.stack_changes import APART, STACK, place_text
from scene_model.library.stacks.stack_rows import PERSON, StackKind
from scene_model.library.store import Library
from scene_model.photos.raw.kinds import RAW_FORMATS
from scene_model.photos.video.kinds import VIDEO_FORMATS


def stack_photos_of(library: Library, photo_ids: Sequence[str]) -> EditResult:
    """Put photos in one stack, with all photos of the stacks that they are in.

    The first is its pick. Raises UsageError ("too_few_to_stack").
    """
    with library.database.writer.begin() as connection:
        members = _with_stacks(connection, photo_ids)
        if len(members) < 2:
            raise UsageError(
                "A stack needs at least 2 photos. Select more photos.", code="too_few_to_stack"
            )
        kind = _kind([member.format for member in members])
        inserted = connection.execute(insert(stacks).values(kind=kind, made_by=PERSON))
        stack_id = int(inserted.lastrowid)
        places = {
            member.id: place_text(stack_id, position) for position, member in enumerate(members)
        }
        return _edit(connection, "Stacked", members, places)


def show_apart(library: Library, photo_ids: Sequence[str]) -> EditResult:
    """Take the stacks of photos apart; the program never stacks these photos again."""
    with library.database.writer.begin() as connection:
        members = [m for m in _with_stacks(connection, photo_ids) if m.stack_id is not None]
        return _edit(connection, "Shown apart", members, dict.fromkeys(_ids(members), APART))


def choose_pick(library: Library, photo_id: str) -> EditResult:
    """Let a photo be the one that shows for its stack."""
    with library.database.writer.begin() as connection:
        members = _with_stacks(connection, [photo_id])
        chosen = [m for m in members if m.id == photo_id and m.stack_id is not None]
        others = [m.position for m in members if m.id != photo_id]
        places = {m.id: place_text(m.stack_id, min([0, *others]) - 1) for m in chosen}
        return _edit(connection, "Pick of the stack chosen", chosen, places)


def _with_stacks(connection: Connection, photo_ids: Sequence[str]) -> list[Any]:
    """Return photos and all of their stacks: the given ones first, in their order."""
    chosen = chosen_ids(photo_ids)
    own = stack_photos.alias()
    own_stacks = (
        select(own.c.stack_id)
        .join(photos, photos.c.number == own.c.photo)
        .where(photos.c.id.in_(chosen), own.c.stack_id.is_not(None))
    )
    rows = connection.execute(
        select(
            photos.c.id,
            photos.c.number,
            photos.c.format,
            stack_photos.c.photo,
            stack_photos.c.stack_id,
            func.coalesce(stack_photos.c.position, 0).label("position"),
        )
        .outerjoin(stack_photos, stack_photos.c.photo == photos.c.number)
        .where(photos.c.id.in_(chosen) | stack_photos.c.stack_id.in_(own_stacks))
    ).all()
    order = {photo_id: index for index, photo_id in reversed(list(enumerate(photo_ids)))}
    return sorted(rows, key=lambda r: (order.get(r.id, len(order)), r.position, r.number))


def _kind(formats: Sequence[str]) -> StackKind:
    """Return the kind of a person's stack."""
    if VIDEO_FORMATS.intersection(formats):
        return StackKind.LIVE
    raw = RAW_FORMATS.intersection(formats)
    return StackKind.RAW_JPEG if raw and not raw.issuperset(formats) else StackKind.BURST


def _ids(members: Sequence[Any]) -> list[str]:
    return [member.id for member in members]


def _edit(
    connection: Connection, description: str, members: Sequence[Any], places: Mapping[str, str]
) -> EditResult:
    edit_id = begin_edit(connection, description)
    changes = [
        {
            "edit_id": edit_id,
            "photo_id": member.id,
            "field": STACK,
            "label": "",
            "before": None
            if member.photo is None
            else place_text(member.stack_id, member.position),
            "after": places[member.id],
        }
        for member in members
    ]
    changes = [change for change in changes if change["before"] != change["after"]]
    if changes:
        connection.execute(insert(edit_changes), changes)
    return finish_edit(connection, edit_id, description)
