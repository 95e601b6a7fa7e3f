"""Undo a run of a rule: exactly what it did, in any order of runs, and nothing of a person.

A rule changes only what no person decided, so the edits of people on a field of a photo all came
after the runs. Undoing a run takes it out of that history: the first edit of a person after it then
began without a decision, and what stands is what people made of it.
"""

import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    case,
    delete,
    exists,
    literal,
    null,
    or_,
    select,
    update,
)

from scene_model.errors import RuleNotFound
from scene_model.library.albums.album_changes import PLACED
from scene_model.library.database.connections import with_large_cache
from scene_model.library.database.schema import edit_changes, edits, rule_runs
from scene_model.library.edits import FAVOURITE, apply_changes, count_photos, edits_of_rules
from scene_model.library.rules.run_files import FileState
from scene_model.library.rules.run_rows import can_undo
from scene_model.library.store import Library


def undo_run(library: Library, run_id: int) -> int:
    """Undo a run; returns the number of photos that it changed and that are changed back.

    Its copies in a folder and its sidecars are to be removed then, see `rules.undo`. 0 when it was
    undone before, or where only the sidecars of photos are left that were deleted for ever. Raises
    RuleNotFound.
    """
    with library.database.writer.begin() as connection, with_large_cache(connection):
        run = connection.execute(select(rule_runs).where(rule_runs.c.id == run_id)).first()
        if run is None:
            raise RuleNotFound("There is no such run of a rule.")
        if not can_undo(run):
            return 0
        photo_count = 0 if run.edit_id is None else _change_back(connection, run.edit_id)
        connection.execute(
            update(rule_runs)
            .where(rule_runs.c.id == run_id)
            .values(
                undone_at=_now(),
                copy_state=case((rule_runs.c.copy_state.is_not(None), FileState.UNDOING)),
                sidecar_state=case((rule_runs.c.sidecar_state.is_not(None), FileState.UNDOING)),
            )
        )
        connection.execute(delete(edits).where(edits.c.id == run.edit_id))
    return photo_count


def _change_back(connection: Connection, edit_id: int) -> int:
    _leave_to_others(connection, edit_id)
    _take_out_of_history(connection, edit_id)
    _leave_to_people(connection, edit_id)
    apply_changes(connection, edit_id, edit_changes.c.before)
    return count_photos(connection, edit_id)


def _leave_to_others(connection: Connection, edit_id: int) -> None:
    """Leave what the run of another rule set to the same value."""
    other = edit_changes.alias()
    is_other = and_(
        _is_same_field(other, edit_changes),
        other.c.edit_id != edit_id,
        other.c.edit_id.in_(edits_of_rules()),
    )
    connection.execute(
        delete(edit_changes).where(edit_changes.c.edit_id == edit_id, exists().where(is_other))
    )


def _take_out_of_history(connection: Connection, edit_id: int) -> None:
    """Let the first edit of a person on each field begin without the run."""
    _drop_moves(connection, edit_id)
    earlier = edit_changes.alias()
    has_earlier = exists().where(
        _is_same_field(earlier, edit_changes),
        earlier.c.edit_id < edit_changes.c.edit_id,
        earlier.c.edit_id.not_in(edits_of_rules()),
    )
    undecided = case((edit_changes.c.field == FAVOURITE, literal("0")), else_=null())
    connection.execute(
        update(edit_changes)
        .where(*_is_by_person_of(edit_id), ~has_earlier)
        .values(before=undecided)
    )


def _drop_moves(connection: Connection, edit_id: int) -> None:
    """Drop the edits in which people moved a photo in an album, or took it out of it.

    Not those after they put it there themselves.
    """
    placed = edit_changes.alias()
    was_placed = exists().where(
        _is_same_field(placed, edit_changes),
        placed.c.edit_id <= edit_changes.c.edit_id,
        placed.c.edit_id.not_in(edits_of_rules()),
        or_(placed.c.before.is_(None), placed.c.before == placed.c.after),
    )
    is_move = and_(edit_changes.c.field == PLACED, *_is_by_person_of(edit_id), ~was_placed)
    edit_ids = set(connection.execute(select(edit_changes.c.edit_id).where(is_move)).scalars())
    if edit_ids:
        connection.execute(delete(edit_changes).where(is_move))
        has_changes = exists().where(edit_changes.c.edit_id == edits.c.id)
        connection.execute(delete(edits).where(edits.c.id.in_(edit_ids), ~has_changes))


def _is_by_person_of(edit_id: int) -> tuple[ColumnElement[bool], ...]:
    """Whether a change is one of a person, of a field that the run changed."""
    of_run = edit_changes.alias()
    is_of_field = exists().where(of_run.c.edit_id == edit_id, _is_same_field(of_run, edit_changes))
    return is_of_field, edit_changes.c.edit_id.not_in(edits_of_rules())


def _leave_to_people(connection: Connection, edit_id: int) -> None:
    """Leave the fields about which a person decided after the run."""
    later = edit_changes.alias()
    stands = select(edits.c.id).where(
        edits.c.undone_at.is_(None), edits.c.id.not_in(edits_of_rules())
    )
    is_later = and_(_is_same_field(later, edit_changes), later.c.edit_id.in_(stands))
    connection.execute(
        delete(edit_changes).where(edit_changes.c.edit_id == edit_id, exists().where(is_later))
    )


def _is_same_field(first: FromClause, second: FromClause) -> ColumnElement[bool]:
    return and_(
        first.c.photo_id == second.c.photo_id,
        first.c.field == second.c.field,
        first.c.label == second.c.label,
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds")
