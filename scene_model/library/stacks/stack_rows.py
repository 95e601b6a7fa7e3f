"""Read stacks: all of them, and those of given photos."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from scene_model.library.database.schema import photos, stack_photos, stacks
from scene_model.library.stacks.tiles import with_hidden
from scene_model.library.store import Library
from scene_model.photos.video.kinds import VIDEO_FORMATS

PROGRAM, PERSON = "program", "person"


class StackKind(StrEnum):
    """Why photos are in one stack."""

    RAW_JPEG = "raw_jpeg"
    LIVE = "live"
    EDIT = "edit"
    BURST = "burst"
    BRACKET = "bracket"
    PANORAMA = "panorama"


@dataclass(frozen=True)
class Stack:
    """A stack of at least two photos outside the trash.

    photo_ids: those outside the trash, the pick first. made_by: PROGRAM or PERSON.
    """

    id: int
    kind: StackKind
    made_by: str
    photo_ids: tuple[str, ...]

    @property
    def pick(self) -> str:
        """The photo that shows for the stack."""
        return self.photo_ids[0]


def all_stacks(library: Library) -> list[Stack]:
    """Return all stacks, in the order in which they were made."""
    with library.database.reader.begin() as connection:
        rows = connection.execute(_members()).all()
    return _stacks(rows)


def stacks_of(library: Library, photo_ids: Iterable[str]) -> dict[str, Stack]:
    """Return the stack of each of these photos that is in one."""
    ids = list(photo_ids)
    chosen = func.json_each(json.dumps(ids)).table_valued("value")
    own = stack_photos.alias()
    own_stacks = (
        select(own.c.stack_id)
        .join(photos, photos.c.number == own.c.photo)
        .where(photos.c.id.in_(select(chosen.c.value)))
    )
    with library.database.reader.begin() as connection:
        rows = connection.execute(_members(stack_photos.c.stack_id.in_(own_stacks))).all()
    by_photo = {photo_id: stack for stack in _stacks(rows) for photo_id in stack.photo_ids}
    return {photo_id: by_photo[photo_id] for photo_id in ids if photo_id in by_photo}


def photos_behind(library: Library, photo_ids: Sequence[str]) -> list[str]:
    """Return photos, each pick with its whole stack; see `tiles.with_hidden`."""
    with library.database.reader.begin() as connection:
        return with_hidden(connection, list(photo_ids))


def _members(*where: ColumnElement[bool]) -> Select[Any]:
    return (
        select(stacks.c.id, stacks.c.kind, stacks.c.made_by, photos.c.id)
        .join_from(stack_photos, stacks, stacks.c.id == stack_photos.c.stack_id)
        .join(photos, photos.c.number == stack_photos.c.photo)
        .where(photos.c.trashed_at.is_(None), *where)
        .order_by(stacks.c.id, stack_photos.c.position, stack_photos.c.photo)
    )


def _stacks(rows: Sequence[Any]) -> list[Stack]:
    members: dict[tuple[int, str, str], list[str]] = {}
    for stack_id, kind, made_by, photo_id in rows:
        members.setdefault((stack_id, kind, made_by), []).append(photo_id)
    return [
        Stack(stack_id, StackKind(kind), made_by, tuple(ids))
        for (stack_id, kind, made_by), ids in members.items()
        if len(ids) > 1
    ]


def is_stacked() -> ColumnElement[bool]:
    """SQL condition: the photo is in a stack with another one outside the trash."""
    member, other = stack_photos.alias(), photos.alias()
    shown_stacks = (
        select(member.c.stack_id)
        .join(other, other.c.number == member.c.photo)
        .where(member.c.stack_id.is_not(None), other.c.trashed_at.is_(None))
        .group_by(member.c.stack_id)
        .having(func.count() > 1)
    )
    return photos.c.number.in_(
        select(stack_photos.c.photo).where(stack_photos.c.stack_id.in_(shown_stacks))
    )


def is_live() -> ColumnElement[bool]:
    """SQL condition: there is a film of the moment that the photo shows.

    It is in the photo's own file (a motion photo), or another photo of its stack.
    """
    motion = photos.alias()
    motion_photos = select(motion.c.number).where(motion.c.film_start.is_not(None))
    member = stack_photos.alias()
    in_live_stacks = select(member.c.photo).where(
        member.c.stack_id.in_(_stacks_with(is_film=True)),
        member.c.stack_id.in_(_stacks_with(is_film=False)),
    )
    return or_(photos.c.number.in_(motion_photos), photos.c.number.in_(in_live_stacks))


def _stacks_with(is_film: bool) -> Select[tuple[int]]:
    """Return the stacks with a film, or with a picture, outside the trash."""
    shown, member = photos.alias(), stack_photos.alias()
    films = sorted(VIDEO_FORMATS)
    has_kind = shown.c.format.in_(films) if is_film else shown.c.format.not_in(films)
    return (
        select(member.c.stack_id)
        .join(shown, shown.c.number == member.c.photo)
        .where(has_kind, shown.c.trashed_at.is_(None), member.c.stack_id.is_not(None))
    )
