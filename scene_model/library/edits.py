"""Edits of tags, classes, favourites, ratings and the trash; undo and redo of every edit.

`albums.album_edits`, `clutter_edits`, `dates.date_edits`, `stacks.stack_edits` and
`scene_model.trips.trip_edits` make the other edits. What standing rules do is also stored as edits;
`undo` and `redo` pass them over, see `rules.run_undo`. Every edit is stored with the values it
replaced. It is one transaction of a few statements, however many photos it changes.
"""

import dataclasses
import datetime
import json
import unicodedata
from collections.abc import Sequence
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

from scene_model.errors import InvalidTag, UsageError
from scene_model.library.albums.album_changes import NO_PHOTO, apply_album_changes
from scene_model.library.database.schema import (
    automatic_tags,
    class_decisions,
    edit_changes,
    edits,
    photos,
    rule_runs,
    tag_decisions,
)
from scene_model.library.stacks.stack_changes import apply_stack_changes
from scene_model.library.store import Library
from scene_model.library.trips.trip_changes import apply_trip_changes
from scene_model.photos.xmp import MAX_RATING

MAX_TAG_LENGTH = 60
TAG, CLASS, FAVOURITE, RATING = "tag", "class", "favourite", "rating"
_TRASH, _IMPORTED_RATING = "trash", "imported rating"
CLUTTER = "clutter"
# The fields that are a column of ``photos``, not a table of decisions.
_COLUMNS: dict[str, Column[Any]] = {
    FAVOURITE: photos.c.favourite,
    RATING: photos.c.human_rating,
    _IMPORTED_RATING: photos.c.imported_rating,
    _TRASH: photos.c.trashed_at,
    CLUTTER: photos.c.human_clutter,
}
# A date is three fields of one edit, see `dates.date_edits`.
DATE_FIELDS: dict[str, Column[Any]] = {
    "date": photos.c.human_taken_at,
    "date source": photos.c.human_taken_source,
    "date confidence": photos.c.human_taken_confidence,
}
ADDED, _REJECTED = "added", "rejected"


@dataclasses.dataclass(frozen=True)
class EditResult:
    """An edit that was made, undone or redone. photo_count: number of photos it changed.

    edit_id: for `undo`; None when nothing was changed.
    """

    description: str
    photo_count: int
    edit_id: int | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True)
class _Change:
    """A change to one field of photos, as SQL expressions over ``rows``.

    old: the current value; null where no one decided. new: the value to set.
    where: which of the chosen photos the edit applies to.
    """

    field: str
    label: str
    rows: FromClause
    old: ColumnElement[Any]
    new: ColumnElement[Any]
    where: ColumnElement[bool]


def clean_tag(typed: str) -> str:
    """Normalise a typed tag to its stored form: NFC, single spaces. Raises InvalidTag."""
    text = " ".join(unicodedata.normalize("NFC", typed).split())
    if not text:
        raise InvalidTag("A tag needs at least one character.")
    if len(text) > MAX_TAG_LENGTH:
        raise InvalidTag(f"The tag has {len(text)} characters; the limit is {MAX_TAG_LENGTH}.")
    if '"' in text:
        raise InvalidTag("A tag cannot contain a quotation mark: queries quote tags with it.")
    unprintable = [c for c in text if not c.isprintable()]
    if unprintable:
        raise InvalidTag(f"The tag contains an unprintable character ({unprintable[0]!r}).")
    return text


def add_tag(library: Library, photo_ids: Sequence[str], label: str) -> EditResult:
    """Add a tag to photos as a person's decision."""
    label = clean_tag(label)
    return _edit(library, photo_ids, f"Added “{label}”", _tag(label, literal(ADDED)))


def remove_tag(library: Library, photo_ids: Sequence[str], label: str) -> EditResult:
    """Remove a tag from photos: a person's tag is withdrawn, an automatic one is rejected."""
    # A rejection stays, even where the current model does not assign the tag.
    was_rejected = tag_decisions.c.verdict == _REJECTED
    new = case((or_(_is_automatic(label), was_rejected), _REJECTED), else_=null())
    return _edit(library, photo_ids, f"Removed “{label}”", _tag(label, new))


def accept_tag(library: Library, photo_ids: Sequence[str], label: str) -> EditResult:
    """Confirm an automatic tag on the photos that have it and where no one decided yet."""
    where = and_(_is_automatic(label), tag_decisions.c.verdict.is_(None))
    return _edit(library, photo_ids, f"Confirmed “{label}”", _tag(label, literal(ADDED), where))


def reject_tag(library: Library, photo_ids: Sequence[str], label: str) -> EditResult:
    """Reject a tag on the photos that show it; no later prediction brings it back."""
    shown = or_(
        tag_decisions.c.verdict == ADDED,
        and_(_is_automatic(label), tag_decisions.c.verdict.is_(None)),
    )
    return _edit(library, photo_ids, f"Rejected “{label}”", _tag(label, literal(_REJECTED), shown))


def set_class(library: Library, photo_ids: Sequence[str], label: str | None) -> EditResult:
    """Set the class of photos; None goes back to the predicted class."""
    chosen = None if label is None else clean_tag(label)
    description = "Class back to automatic" if chosen is None else f"Class set to “{chosen}”"
    change = _Change(
        field=CLASS,
        label="",
        rows=photos.outerjoin(class_decisions, class_decisions.c.photo_id == photos.c.id),
        old=class_decisions.c.label,
        new=null() if chosen is None else literal(chosen),
        where=true(),
    )
    return _edit(library, photo_ids, description, change)


def set_favourite(library: Library, photo_ids: Sequence[str], favourite: bool) -> EditResult:
    """Make photos favourites, or no longer."""
    description = "Marked as favourite" if favourite else "No longer a favourite"
    return _edit(library, photo_ids, description, _column(FAVOURITE, literal(int(favourite))))


def set_rating(library: Library, photo_ids: Sequence[str], rating: int) -> EditResult:
    """Rate photos from 1 to 5; 0 removes the rating. No import changes a person's rating.

    Raises UsageError ("invalid_rating").
    """
    # A photo without a rating has none to remove.
    where = true() if _checked(rating) else photos.c.rating > 0
    description = f"Rated {rating}" if rating else "Rating removed"
    return _edit(library, photo_ids, description, _column(RATING, literal(rating), where))


def import_rating(library: Library, photo_ids: Sequence[str], rating: int) -> EditResult:
    """Set the rating that another program gave photos; it counts where no person rated them here.

    Raises UsageError ("invalid_rating").
    """
    new = literal(_checked(rating)) if rating else null()
    description = f"Imported the rating {rating}" if rating else "Removed the imported rating"
    where = photos.c.human_rating.is_(None)
    return _edit(library, photo_ids, description, _column(_IMPORTED_RATING, new, where))


def move_to_trash(library: Library, photo_ids: Sequence[str]) -> EditResult:
    """Move photos to the trash; they stay on disk and can be restored."""
    is_in_gallery = photos.c.trashed_at.is_(None)
    change = _column(_TRASH, literal(_now()), is_in_gallery)
    return _edit(library, photo_ids, "Moved to the trash", change)


def restore(library: Library, photo_ids: Sequence[str]) -> EditResult:
    """Bring photos back from the trash."""
    return _edit(library, photo_ids, "Restored", _column(_TRASH, null()))


def undo(library: Library, edit_id: int | None = None) -> EditResult | None:
    """Undo the latest edit that is not undone; return None when there is none.

    edit_id: undo only this edit, and nothing when another one was made since.
    """
    with library.database.writer.begin() as connection:
        edit = connection.execute(_to_undo()).first()
        if edit is None or edit_id not in (None, edit.id):
            return None
        apply_changes(connection, edit.id, edit_changes.c.before)
        # An earlier version of this program left undone edits with lower ids than this one.
        connection.execute(
            delete(edits).where(edits.c.undone_at.is_not(None), edits.c.id < edit.id)
        )
        connection.execute(update(edits).where(edits.c.id == edit.id).values(undone_at=_now()))
        return EditResult(edit.description, count_photos(connection, edit.id))


def redo(library: Library) -> EditResult | None:
    """Redo the edit undone last; return None when there is none or a new edit was made since."""
    with library.database.writer.begin() as connection:
        edit = connection.execute(_to_redo()).first()
        if edit is None:
            return None
        apply_changes(connection, edit.id, edit_changes.c.after)
        connection.execute(update(edits).where(edits.c.id == edit.id).values(undone_at=None))
        return EditResult(edit.description, count_photos(connection, edit.id))


def latest_edit(library: Library) -> str | None:
    """Describe the edit that `undo` would undo; None when there is none."""
    return _description(library, _to_undo())


def latest_edit_id(library: Library) -> int | None:
    """Return the id of the edit that `undo` would undo; None when there is none."""
    with library.database.reader.begin() as connection:
        edit = connection.execute(_to_undo()).first()
    return None if edit is None else int(edit.id)


def latest_undone(library: Library) -> str | None:
    """Describe the edit that `redo` would redo; None when there is none."""
    return _description(library, _to_redo())


def chosen_ids(photo_ids: Sequence[str]) -> Select[tuple[str]]:
    """Return a subquery of ids that binds one value, however many ids there are."""
    id_rows = func.json_each(json.dumps(list(photo_ids))).table_valued("value")
    return select(id_rows.c.value)


def _tag(label: str, new: ColumnElement[Any], where: ColumnElement[bool] | None = None) -> _Change:
    is_decision = and_(tag_decisions.c.photo_id == photos.c.id, tag_decisions.c.label == label)
    return _Change(
        field=TAG,
        label=label,
        rows=photos.outerjoin(tag_decisions, is_decision),
        old=tag_decisions.c.verdict,
        new=new,
        where=true() if where is None else where,
    )


def _column(
    field: str, new: ColumnElement[Any], where: ColumnElement[bool] | None = None
) -> _Change:
    return _Change(field, "", photos, _COLUMNS[field], new, true() if where is None else where)


def _checked(rating: int) -> int:
    if not isinstance(rating, int) or not 0 <= rating <= MAX_RATING:
        raise UsageError(
            f"A rating is a whole number from 0 to {MAX_RATING}, not {rating!r}. 0 removes it.",
            code="invalid_rating",
        )
    return rating


def _is_automatic(label: str) -> ColumnElement[bool]:
    return exists().where(automatic_tags.c.photo_id == photos.c.id, automatic_tags.c.label == label)


def _edit(
    library: Library, photo_ids: Sequence[str], description: str, change: _Change
) -> EditResult:
    """Record an edit's changes and apply them, in one transaction.

    Photos that were deleted meanwhile or already have the new value are skipped. Not those that
    have it from a standing rule: it is a person's from now on, whatever becomes of the rule's run.
    """
    with library.database.writer.begin() as connection:
        edit_id = begin_edit(connection, description)
        changes = (
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
                or_(
                    change.old.is_distinct_from(change.new),
                    is_set_by_rule(change.field, change.label),
                ),
            )
        )
        columns = ["edit_id", "photo_id", "field", "label", "before", "after"]
        connection.execute(insert(edit_changes).from_select(columns, changes))
        return finish_edit(connection, edit_id, description)


def begin_edit(connection: Connection, description: str) -> int:
    """Record an edit without changes yet; returns its id."""
    inserted = connection.execute(insert(edits).values(at=_now(), description=description))
    return int(inserted.lastrowid)


def finish_edit(connection: Connection, edit_id: int, description: str) -> EditResult:
    """Apply the changes that were recorded for an edit; without any, the edit is removed."""
    changes = select(edit_changes.c.field).where(edit_changes.c.edit_id == edit_id).limit(1)
    if connection.execute(changes).first() is None:
        connection.execute(delete(edits).where(edits.c.id == edit_id))
        return EditResult(description, 0)
    # Undone edits cannot be redone after a new edit.
    connection.execute(delete(edits).where(edits.c.undone_at.is_not(None)))
    apply_changes(connection, edit_id, edit_changes.c.after)
    return EditResult(description, count_photos(connection, edit_id), edit_id)


def apply_changes(connection: Connection, edit_id: int, value: Column[Any]) -> None:
    """Set every field that an edit changed to its ``before`` or ``after`` value."""
    # Correlated: SQLite would read the ids of all photos for each statement with IN.
    existing = photos.alias()
    photo_exists = exists().where(existing.c.id == edit_changes.c.photo_id)

    def changes(field: str, *columns: ColumnElement[Any]) -> Select[Any]:
        return select(*columns).where(
            edit_changes.c.edit_id == edit_id, edit_changes.c.field == field, photo_exists
        )

    photo_id, label = edit_changes.c.photo_id, edit_changes.c.label
    now = literal(_now())
    decision_key = tuple_(tag_decisions.c.photo_id, tag_decisions.c.label)
    connection.execute(delete(tag_decisions).where(decision_key.in_(changes(TAG, photo_id, label))))
    connection.execute(
        insert(tag_decisions).from_select(
            ["photo_id", "label", "verdict", "at"],
            changes(TAG, photo_id, label, value, now).where(value.is_not(None)),
        )
    )
    connection.execute(
        delete(class_decisions).where(class_decisions.c.photo_id.in_(changes(CLASS, photo_id)))
    )
    connection.execute(
        insert(class_decisions).from_select(
            ["photo_id", "label", "at"],
            changes(CLASS, photo_id, value, now).where(value.is_not(None)),
        )
    )
    # A date's three fields in one statement, which writes the indexes once.
    for fields in (*({field: column} for field, column in _COLUMNS.items()), DATE_FIELDS):
        new_values = {
            column: changes(field, value)
            .where(photo_id == photos.c.id)
            .correlate(photos)
            .scalar_subquery()
            for field, column in fields.items()
        }
        first_field = next(iter(fields))
        connection.execute(
            update(photos).where(photos.c.id.in_(changes(first_field, photo_id))).values(new_values)
        )
    apply_album_changes(connection, edit_id, value)
    apply_stack_changes(connection, edit_id, value)
    apply_trip_changes(connection, edit_id, value)


def count_photos(connection: Connection, edit_id: int) -> int:
    """Count the photos that an edit changes, within a transaction."""
    query = select(func.count(edit_changes.c.photo_id.distinct())).where(
        edit_changes.c.edit_id == edit_id, edit_changes.c.photo_id != NO_PHOTO
    )
    return int(connection.execute(query).scalar_one())


def edits_of_rules() -> Select[tuple[int]]:
    """Return a subquery of the ids of edits that standing rules made."""
    return select(rule_runs.c.edit_id).where(rule_runs.c.edit_id.is_not(None))


def is_set_by_rule(field: str, label: str) -> ColumnElement[bool]:
    """Whether a standing rule set a field of a photo, and that was not undone."""
    return exists().where(
        edit_changes.c.photo_id == photos.c.id,
        edit_changes.c.field == field,
        edit_changes.c.label == label,
        edit_changes.c.edit_id.in_(edits_of_rules()),
    )


def is_only_by_rule(
    field: str, photo_id: ColumnElement[str], label: ColumnElement[str]
) -> ColumnElement[bool]:
    """Whether a standing rule set a field of a photo, and no person decided about it."""
    of_field = (
        edit_changes.c.photo_id == photo_id,
        edit_changes.c.field == field,
        edit_changes.c.label == label,
    )
    is_by_rule = edit_changes.c.edit_id.in_(edits_of_rules())
    return and_(exists().where(*of_field, is_by_rule), ~exists().where(*of_field, ~is_by_rule))


def _to_undo() -> Select[Any]:
    is_to_undo = and_(edits.c.undone_at.is_(None), edits.c.id.not_in(edits_of_rules()))
    return select(edits).where(is_to_undo).order_by(edits.c.id.desc()).limit(1)


def _to_redo() -> Select[Any]:
    later = edits.alias()
    has_later_edit = exists().where(
        later.c.undone_at.is_(None),
        later.c.id > edits.c.id,
        later.c.id.not_in(edits_of_rules()),
    )
    return (
        select(edits)
        .where(edits.c.undone_at.is_not(None), ~has_later_edit)
        .order_by(edits.c.id)
        .limit(1)
    )


def _description(library: Library, query: Select[Any]) -> str | None:
    with library.database.reader.begin() as connection:
        edit = connection.execute(query).first()
    return None if edit is None else str(edit.description)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds")
