"""What a rule changes on photos: only what neither a person nor an earlier rule decided.

A change is a row of ``edit_changes``, as that of a person's edit. Its value before is always the
one without a decision, also where another rule has set the same value already: while both runs
stand, undoing one of them changes nothing.
"""

import dataclasses
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
)

from scene_model.library.albums.album_changes import PLACED
from scene_model.library.database.schema import (
    album_photos,
    class_decisions,
    edit_changes,
    photos,
    rule_runs,
    tag_decisions,
)
from scene_model.library.edits import ADDED, CLASS, FAVOURITE, RATING, TAG, edits_of_rules
from scene_model.library.rules.rule_actions import Action, ActionKind

COPIED, SIDECAR = "copied", "sidecar"
_COLUMNS = ["edit_id", "photo_id", "field", "label", "before", "after"]


@dataclasses.dataclass(frozen=True)
class _Target:
    """What an action sets. rows: photos with the current value.

    undecided: the value where nobody decided. new: the value to set. is_set: whether it is set
    already. where: more that must hold. concerns: the photos that the action is for.
    """

    field: str
    label: str
    rows: FromClause
    current: ColumnElement[Any]
    undecided: ColumnElement[Any]
    new: ColumnElement[Any]
    is_set: ColumnElement[bool]
    where: ColumnElement[bool] = dataclasses.field(default_factory=true)
    concerns: ColumnElement[bool] = dataclasses.field(default_factory=true)


@dataclasses.dataclass(frozen=True)
class ActionCount:
    """What an action does with some photos: how many it changes, and how many it leaves.

    by_person: left because a person decided. by_rules: left because it is so already, or because an
    earlier rule decided otherwise.
    """

    changed: int
    by_person: int
    by_rules: int


def record_changes(
    connection: Connection, edit_id: int, rule_id: int, action: Action, numbers: str
) -> None:
    """Record what an action of a rule changes. numbers: of photos, a JSON list."""
    target = _target(connection, action)
    connection.execute(
        insert(edit_changes).from_select(
            _COLUMNS,
            select(
                literal(edit_id),
                photos.c.id,
                literal(target.field),
                literal(target.label),
                cast(target.undecided, String),
                cast(target.new, String),
            )
            .select_from(target.rows)
            .where(photos.c.number.in_(numbers_in(numbers)), _is_changed(target, rule_id)),
        )
    )


def count_changes(
    connection: Connection, rule_id: int, action: Action, numbers: str
) -> ActionCount:
    """Count what `record_changes` would record, and what it would leave."""
    target = _target(connection, action)
    is_changed = _is_changed(target, rule_id)
    is_by_rule = and_(~_by_person(target), _by_rule(target))
    query = (
        select(
            func.count(),
            func.count(case((is_changed, 1))),
            func.count(case((and_(~is_changed, is_by_rule), 1))),
        )
        .select_from(target.rows)
        .where(photos.c.number.in_(numbers_in(numbers)), target.concerns)
    )
    total, changed, by_rules = connection.execute(query).one()
    return ActionCount(changed, total - changed - by_rules, by_rules)


def changed_ids(
    connection: Connection, rule_id: int, action: Action, numbers: str
) -> tuple[str, ...]:
    """Return the ids of the photos that an action would change."""
    target = _target(connection, action)
    is_listed = photos.c.number.in_(numbers_in(numbers))
    query = select(photos.c.id).select_from(target.rows).order_by(photos.c.number)
    return tuple(connection.execute(query.where(is_listed, _is_changed(target, rule_id))).scalars())


def count_changed_photos(
    connection: Connection, rule_id: int, actions: tuple[Action, ...], numbers: str
) -> int:
    """Count the photos on which any of the actions changes something."""
    ids: list[Select[Any]] = []
    for action in actions:
        target = _target(connection, action)
        is_listed = photos.c.number.in_(numbers_in(numbers))
        query = select(photos.c.id).select_from(target.rows)
        ids.append(query.where(is_listed, _is_changed(target, rule_id)))
    all_photos = photos.alias()
    any_of = or_(*(all_photos.c.id.in_(query.correlate(None)) for query in ids))
    return int(
        connection.execute(select(func.count()).select_from(all_photos).where(any_of)).scalar_one()
    )


def numbers_in(numbers: str) -> Select[Any]:
    """Return a subquery of the numbers of a JSON list, which is one bound value."""
    return select(func.json_each(numbers).table_valued("value").c.value)


def _is_changed(target: _Target, rule_id: int) -> ColumnElement[bool]:
    """Whether the value is nobody's yet, or the same one by the decision of another rule."""
    same = and_(target.is_set, _by_rule(target))
    is_free = or_(target.current.is_not_distinct_from(target.undecided), same)
    is_open = and_(is_free, ~_by_person(target), ~_by_rule(target, rule_id))
    return and_(target.concerns, target.where, is_open)


def _by_person(target: _Target) -> ColumnElement[bool]:
    """Whether a person decided about the field of a photo, or took the decision back last."""
    edit_ids = edit_changes.c.edit_id.not_in(edits_of_rules())
    return exists().where(*_of_field(target), edit_ids)


def _by_rule(target: _Target, rule_id: int | None = None) -> ColumnElement[bool]:
    """Whether a run that stands set the field of a photo. rule_id: of this rule."""
    runs = select(rule_runs.c.edit_id).where(rule_runs.c.edit_id.is_not(None))
    if rule_id is not None:
        runs = runs.where(rule_runs.c.rule_id == rule_id)
    return exists().where(*_of_field(target), edit_changes.c.edit_id.in_(runs))


def _of_field(target: _Target) -> tuple[ColumnElement[bool], ...]:
    return (
        edit_changes.c.photo_id == photos.c.id,
        edit_changes.c.field == target.field,
        edit_changes.c.label == target.label,
    )


def _target(connection: Connection, action: Action) -> _Target:
    value = action.value
    match action.kind:
        case ActionKind.TAG:
            is_decision = and_(
                tag_decisions.c.photo_id == photos.c.id, tag_decisions.c.label == value
            )
            rows = photos.outerjoin(tag_decisions, is_decision)
            return _set_to(TAG, value, rows, tag_decisions.c.verdict, ADDED)
        case ActionKind.CLASS:
            rows = photos.outerjoin(class_decisions, class_decisions.c.photo_id == photos.c.id)
            return _set_to(CLASS, "", rows, class_decisions.c.label, value)
        case ActionKind.FAVOURITE:
            return dataclasses.replace(
                _set_to(FAVOURITE, "", photos, photos.c.favourite, 1), undecided=literal(0)
            )
        case ActionKind.RATING:
            # The rating of another program is also a person's.
            return dataclasses.replace(
                _set_to(RATING, "", photos, photos.c.human_rating, int(value)),
                where=photos.c.imported_rating.is_(None),
            )
        case ActionKind.ALBUM:
            return _album_target(connection, int(value))
        case ActionKind.COPY:
            # A field of the run alone, which no person changes.
            label = f"{value}\n{action.layout}"
            return _Target(COPIED, label, photos, null(), null(), literal("1"), false())
        case ActionKind.SIDECAR:
            # Other programs do not read sidecars inside the library. A field of the run alone, too.
            is_elsewhere = photos.c.reference.is_not(None)
            values = (null(), null(), literal("1"), false())
            return _Target(SIDECAR, "", photos, *values, concerns=is_elsewhere)


def _set_to(
    field: str, label: str, rows: FromClause, current: ColumnElement[Any], value: str | int
) -> _Target:
    return _Target(field, label, rows, current, null(), literal(value), current == value)


def _album_target(connection: Connection, album_id: int) -> _Target:
    is_placed = and_(album_photos.c.photo == photos.c.number, album_photos.c.album_id == album_id)
    last = select(func.max(album_photos.c.position)).where(album_photos.c.album_id == album_id)
    last_position = connection.execute(last).scalar()
    first = 0 if last_position is None else int(last_position) + 1
    end = func.row_number().over(order_by=photos.c.number) - 1 + first
    position = album_photos.c.position
    return _Target(
        PLACED,
        str(album_id),
        photos.outerjoin(album_photos, is_placed),
        position,
        null(),
        func.coalesce(position, end),
        position.is_not(None),
    )
