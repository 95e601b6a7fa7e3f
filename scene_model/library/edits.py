"""What people change: tags, class, trash. Every edit is kept with what it replaced.

An edit is one transaction of a few statements, however many photos it changes.
"""

import datetime
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    update,
)

from scene_model.errors import InvalidTag
from scene_model.library.schema import (
    automatic_tags,
    class_decisions,
    edit_changes,
    edits,
    photos,
    tag_decisions,
)
from scene_model.library.store import Library

MAX_TAG_LENGTH = 60
_TAG, _CLASS, _TRASH = "tag", "class", "trash"
_ADDED, _REJECTED = "added", "rejected"


@dataclass(frozen=True)
class EditDone:
    """An edit that was made, undone or redone: what it was, and how many photos it changed."""

    description: str
    photo_count: int


@dataclass(frozen=True)
class _Change:
    """One field of photos, and what it becomes, both as SQL over rows of ``rows``.

    old: what the field holds; null where nobody said anything. new: what it is to hold.
    where: which of the photos the edit speaks of.
    """

    field: str
    label: str
    rows: FromClause
    old: ColumnElement[Any]
    new: ColumnElement[Any]
    where: ColumnElement[bool]


def clean_tag(typed: str) -> str:
    """Bring a typed tag to the form it is kept in; raises InvalidTag."""
    text = " ".join(unicodedata.normalize("NFC", typed).split())
    if not text:
        raise InvalidTag("A tag needs at least one character.")
    if len(text) > MAX_TAG_LENGTH:
        raise InvalidTag(f"The tag has {len(text)} characters; the limit is {MAX_TAG_LENGTH}.")
    if '"' in text:
        raise InvalidTag("A tag cannot hold a quotation mark: queries quote tags with it.")
    unprintable = [c for c in text if not c.isprintable()]
    if unprintable:
        raise InvalidTag(f"The tag holds a character that cannot be shown ({unprintable[0]!r}).")
    return text


def add_tag(library: Library, photo_ids: Sequence[str], label: str) -> EditDone:
    """Add a tag to photos, as a person's word."""
    label = clean_tag(label)
    return _edit(library, photo_ids, f"Added “{label}”", _tag(label, literal(_ADDED)))


def remove_tag(library: Library, photo_ids: Sequence[str], label: str) -> EditDone:
    """Take a tag off photos: a person's is withdrawn, an automatic one is rejected for good."""
    # What was rejected before stays rejected, also where the model of today does not say it.
    was_rejected = tag_decisions.c.verdict == _REJECTED
    new = case((or_(_is_automatic(label), was_rejected), _REJECTED), else_=null())
    return _edit(library, photo_ids, f"Removed “{label}”", _tag(label, new))


def accept_tag(library: Library, photo_ids: Sequence[str], label: str) -> EditDone:
    """Confirm an automatic tag as a person's word, where a photo has it and nobody decided."""
    where = and_(_is_automatic(label), tag_decisions.c.verdict.is_(None))
    return _edit(library, photo_ids, f"Confirmed “{label}”", _tag(label, literal(_ADDED), where))


def reject_tag(library: Library, photo_ids: Sequence[str], label: str) -> EditDone:
    """Say of photos that show a tag that it is wrong: no model's word brings it back."""
    shown = or_(
        tag_decisions.c.verdict == _ADDED,
        and_(_is_automatic(label), tag_decisions.c.verdict.is_(None)),
    )
    return _edit(library, photo_ids, f"Rejected “{label}”", _tag(label, literal(_REJECTED), shown))


def set_class(library: Library, photo_ids: Sequence[str], label: str | None) -> EditDone:
    """File photos under a label of a person's choice; None goes back to the model's."""
    chosen = None if label is None else clean_tag(label)
    description = "Class back to automatic" if chosen is None else f"Class set to “{chosen}”"
    change = _Change(
        field=_CLASS,
        label="",
        rows=photos.outerjoin(class_decisions, class_decisions.c.photo_id == photos.c.id),
        old=class_decisions.c.label,
        new=null() if chosen is None else literal(chosen),
        where=true(),
    )
    return _edit(library, photo_ids, description, change)


def move_to_trash(library: Library, photo_ids: Sequence[str]) -> EditDone:
    """Take photos out of the gallery; they stay on disk and can be restored."""
    there = photos.c.trashed_at.is_(None)
    change = _Change(_TRASH, "", photos, photos.c.trashed_at, literal(_now()), there)
    return _edit(library, photo_ids, "Moved to the trash", change)


def restore(library: Library, photo_ids: Sequence[str]) -> EditDone:
    """Bring photos back from the trash."""
    change = _Change(_TRASH, "", photos, photos.c.trashed_at, null(), true())
    return _edit(library, photo_ids, "Restored", change)


def undo(library: Library) -> EditDone | None:
    """Undo the latest edit that is not undone yet; None when there is none."""
    with library.database.writer.begin() as connection:
        edit = connection.execute(_to_undo()).first()
        if edit is None:
            return None
        _put(connection, edit.id, edit_changes.c.before)
        # An earlier version of this program kept undone edits that lie before this one.
        connection.execute(
            delete(edits).where(edits.c.undone_at.is_not(None), edits.c.id < edit.id)
        )
        connection.execute(update(edits).where(edits.c.id == edit.id).values(undone_at=_now()))
        return EditDone(edit.description, _photo_count(connection, edit.id))


def redo(library: Library) -> EditDone | None:
    """Make the edit again that was undone last; None when there is none, or an edit came since."""
    with library.database.writer.begin() as connection:
        edit = connection.execute(_to_redo()).first()
        if edit is None:
            return None
        _put(connection, edit.id, edit_changes.c.after)
        connection.execute(update(edits).where(edits.c.id == edit.id).values(undone_at=None))
        return EditDone(edit.description, _photo_count(connection, edit.id))


def latest_edit(library: Library) -> str | None:
    """Describe what `undo` would take back; None when nothing."""
    return _description(library, _to_undo())


def latest_undone(library: Library) -> str | None:
    """Describe what `redo` would make again; None when nothing."""
    return _description(library, _to_redo())


def chosen_ids(photo_ids: Sequence[str]) -> Select[tuple[str]]:
    """Make a subquery of ids that is one bound value, however many they are."""
    each = func.json_each(json.dumps(list(photo_ids))).table_valued("value")
    return select(each.c.value)


def _tag(label: str, new: ColumnElement[Any], where: ColumnElement[bool] | None = None) -> _Change:
    decided = and_(tag_decisions.c.photo_id == photos.c.id, tag_decisions.c.label == label)
    return _Change(
        field=_TAG,
        label=label,
        rows=photos.outerjoin(tag_decisions, decided),
        old=tag_decisions.c.verdict,
        new=new,
        where=true() if where is None else where,
    )


def _is_automatic(label: str) -> ColumnElement[bool]:
    return exists().where(automatic_tags.c.photo_id == photos.c.id, automatic_tags.c.label == label)


def _edit(
    library: Library, photo_ids: Sequence[str], description: str, change: _Change
) -> EditDone:
    """Write down what changes on some photos, then change it; all of it or nothing.

    Photos that were removed meanwhile, and those that have it already, are passed over.
    """
    with library.database.writer.begin() as connection:
        made = connection.execute(insert(edits).values(at=_now(), description=description))
        edit_id = made.lastrowid
        changed = (
            select(
                literal(edit_id),
                photos.c.id,
                literal(change.field),
                literal(change.label),
                change.old,
                change.new,
            )
            .select_from(change.rows)
            .where(
                photos.c.id.in_(chosen_ids(photo_ids)),
                change.where,
                change.old.is_distinct_from(change.new),
            )
        )
        columns = ["edit_id", "photo_id", "field", "label", "before", "after"]
        connection.execute(insert(edit_changes).from_select(columns, changed))
        count = _photo_count(connection, edit_id)
        if not count:
            connection.execute(delete(edits).where(edits.c.id == edit_id))
        else:
            # What was undone before cannot be made again on top of something else.
            connection.execute(delete(edits).where(edits.c.undone_at.is_not(None)))
            _put(connection, edit_id, edit_changes.c.after)
    return EditDone(description, count)


def _put(connection: Connection, edit_id: int, value: Column[Any]) -> None:
    """Let every field an edit changed hold what it held before, or after, it."""
    there = edit_changes.c.photo_id.in_(select(photos.c.id))

    def changes(field: str, *columns: ColumnElement[Any]) -> Select[Any]:
        return select(*columns).where(
            edit_changes.c.edit_id == edit_id, edit_changes.c.field == field, there
        )

    photo_id, label = edit_changes.c.photo_id, edit_changes.c.label
    now = literal(_now())
    tagged = tuple_(tag_decisions.c.photo_id, tag_decisions.c.label)
    connection.execute(delete(tag_decisions).where(tagged.in_(changes(_TAG, photo_id, label))))
    connection.execute(
        insert(tag_decisions).from_select(
            ["photo_id", "label", "verdict", "at"],
            changes(_TAG, photo_id, label, value, now).where(value.is_not(None)),
        )
    )
    connection.execute(
        delete(class_decisions).where(class_decisions.c.photo_id.in_(changes(_CLASS, photo_id)))
    )
    connection.execute(
        insert(class_decisions).from_select(
            ["photo_id", "label", "at"],
            changes(_CLASS, photo_id, value, now).where(value.is_not(None)),
        )
    )
    trashed_at = changes(_TRASH, value).where(photo_id == photos.c.id)
    connection.execute(
        update(photos)
        .where(photos.c.id.in_(changes(_TRASH, photo_id)))
        .values(trashed_at=trashed_at.correlate(photos).scalar_subquery())
    )


def _photo_count(connection: Connection, edit_id: int) -> int:
    counted = select(func.count(edit_changes.c.photo_id.distinct())).where(
        edit_changes.c.edit_id == edit_id
    )
    return int(connection.execute(counted).scalar_one())


def _to_undo() -> Select[Any]:
    return select(edits).where(edits.c.undone_at.is_(None)).order_by(edits.c.id.desc()).limit(1)


def _to_redo() -> Select[Any]:
    later = edits.alias()
    is_overtaken = exists().where(later.c.undone_at.is_(None), later.c.id > edits.c.id)
    return (
        select(edits)
        .where(edits.c.undone_at.is_not(None), ~is_overtaken)
        .order_by(edits.c.id)
        .limit(1)
    )


def _description(library: Library, query: Select[Any]) -> str | None:
    with library.database.reader.begin() as connection:
        edit = connection.execute(query).first()
    return None if edit is None else str(edit.description)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds")
