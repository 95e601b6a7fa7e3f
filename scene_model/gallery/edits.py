"""What people change: tags, class, trash. Every edit is kept with what it replaced."""

import datetime
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.errors import InvalidTag
from scene_model.gallery.class_scores import keep_class_score
from scene_model.gallery.schema import (
    automatic_tags,
    class_decisions,
    edit_changes,
    edits,
    photos,
    tag_decisions,
)
from scene_model.gallery.store import Library

MAX_TAG_LENGTH = 60
_TAG, _CLASS, _TRASH = "tag", "class", "trash"


@dataclass(frozen=True)
class EditDone:
    """An edit that was made or undone: what it was, and how many photos it changed."""

    description: str
    photo_count: int


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

    def after(connection: Connection, photo_id: str) -> str | None:
        return "added"

    return _edit(library, photo_ids, f"Added “{label}”", _TAG, label, after)


def remove_tag(library: Library, photo_ids: Sequence[str], label: str) -> EditDone:
    """Take a tag off photos: a person's is withdrawn, an automatic one is rejected for good."""

    def after(connection: Connection, photo_id: str) -> str | None:
        automatic = connection.execute(
            select(automatic_tags.c.label).where(
                automatic_tags.c.photo_id == photo_id, automatic_tags.c.label == label
            )
        ).first()
        return "rejected" if automatic else None

    return _edit(library, photo_ids, f"Removed “{label}”", _TAG, label, after)


def set_class(library: Library, photo_ids: Sequence[str], label: str | None) -> EditDone:
    """File photos under a label of a person's choice; None goes back to the model's."""
    chosen = None if label is None else clean_tag(label)
    description = "Class back to automatic" if chosen is None else f"Class set to “{chosen}”"
    return _edit(library, photo_ids, description, _CLASS, "", lambda _, __: chosen)


def move_to_trash(library: Library, photo_ids: Sequence[str]) -> EditDone:
    """Take photos out of the gallery; they stay on disk and can be restored."""
    now = _now()
    return _edit(library, photo_ids, "Moved to the trash", _TRASH, "", lambda _, __: now)


def restore(library: Library, photo_ids: Sequence[str]) -> EditDone:
    """Bring photos back from the trash."""
    return _edit(library, photo_ids, "Restored", _TRASH, "", lambda _, __: None)


def undo(library: Library) -> EditDone | None:
    """Undo the latest edit that is not undone yet; None when there is none."""
    with library.database.writer.begin() as connection:
        edit = connection.execute(
            select(edits).where(edits.c.undone_at.is_(None)).order_by(edits.c.id.desc()).limit(1)
        ).first()
        if edit is None:
            return None
        changes = connection.execute(
            select(edit_changes).where(edit_changes.c.edit_id == edit.id)
        ).all()
        for change in changes:
            _write(connection, change.photo_id, change.field, change.label, change.before)
        connection.execute(update(edits).where(edits.c.id == edit.id).values(undone_at=_now()))
    return EditDone(edit.description, len(changes))


def latest_edit(library: Library) -> str | None:
    """Describe what `undo` would take back; None when nothing."""
    with library.database.reader.begin() as connection:
        found: str | None = connection.execute(
            select(edits.c.description)
            .where(edits.c.undone_at.is_(None))
            .order_by(edits.c.id.desc())
            .limit(1)
        ).scalar()
    return found


def _edit(
    library: Library,
    photo_ids: Sequence[str],
    description: str,
    field: str,
    label: str,
    after: Callable[[Connection, str], str | None],
) -> EditDone:
    """Change one field of some photos and write down what it was; all of them or none."""
    with library.database.writer.begin() as connection:
        changes = []
        for photo_id in dict.fromkeys(photo_ids):
            if not _exists(connection, photo_id):
                continue  # removed in another window meanwhile
            old, new = _read(connection, photo_id, field, label), after(connection, photo_id)
            if old == new or (field == _TRASH and (old is None) == (new is None)):
                continue
            _write(connection, photo_id, field, label, new)
            changes.append(
                {"photo_id": photo_id, "field": field, "label": label, "before": old, "after": new}
            )
        if changes:
            edit_id = connection.execute(
                insert(edits).values(at=_now(), description=description)
            ).inserted_primary_key
            assert edit_id is not None  # noqa: S101 - SQLite always answers with the key
            connection.execute(
                insert(edit_changes), [{"edit_id": edit_id[0], **change} for change in changes]
            )
    return EditDone(description, len(changes))


def _exists(connection: Connection, photo_id: str) -> bool:
    return (
        connection.execute(select(photos.c.id).where(photos.c.id == photo_id)).first() is not None
    )


def _read(connection: Connection, photo_id: str, field: str, label: str) -> str | None:
    query: Any
    if field == _TAG:
        query = select(tag_decisions.c.verdict).where(
            tag_decisions.c.photo_id == photo_id, tag_decisions.c.label == label
        )
    elif field == _CLASS:
        query = select(class_decisions.c.label).where(class_decisions.c.photo_id == photo_id)
    else:
        query = select(photos.c.trashed_at).where(photos.c.id == photo_id)
    value: str | None = connection.execute(query).scalar()
    return value


def _write(
    connection: Connection, photo_id: str, field: str, label: str, value: str | None
) -> None:
    statement: Any
    if field == _TRASH:
        statement = update(photos).where(photos.c.id == photo_id).values(trashed_at=value)
    elif field == _CLASS:
        statement = (
            delete(class_decisions).where(class_decisions.c.photo_id == photo_id)
            if value is None
            else upsert(class_decisions)
            .values(photo_id=photo_id, label=value, at=_now())
            .on_conflict_do_update(["photo_id"], set_={"label": value, "at": _now()})
        )
    else:
        statement = (
            delete(tag_decisions).where(
                tag_decisions.c.photo_id == photo_id, tag_decisions.c.label == label
            )
            if value is None
            else upsert(tag_decisions)
            .values(photo_id=photo_id, label=label, verdict=value, at=_now())
            .on_conflict_do_update(["photo_id", "label"], set_={"verdict": value, "at": _now()})
        )
    connection.execute(statement)
    if field == _CLASS:
        keep_class_score(connection, photo_id)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds")
