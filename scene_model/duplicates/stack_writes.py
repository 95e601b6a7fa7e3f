"""Write the stacks that rules propose; shared by pairs and sequences."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, insert, update

from scene_model.library.database.schema import stack_photos, stacks
from scene_model.library.stacks.stack_rows import PROGRAM, StackKind


def one_stack(
    connection: Connection,
    stack_ids: Iterable[int | None],
    kind: StackKind,
    replaced_kinds: Sequence[StackKind],
) -> int:
    """Make a stack, or make one of several that turn out to be one; returns its id.

    stack_ids: those that photos are in. replaced_kinds: a stack of another kind keeps its own.
    """
    existing_ids = sorted({stack_id for stack_id in stack_ids if stack_id is not None})
    if not existing_ids:
        values = {"kind": kind, "made_by": PROGRAM}
        return int(connection.execute(insert(stacks).values(values)).lastrowid)
    stack_id = existing_ids[0]
    connection.execute(
        update(stacks)
        .where(stacks.c.id == stack_id, stacks.c.kind.in_(replaced_kinds))
        .values(kind=kind)
    )
    # Positions that a person chose stay.
    for other in existing_ids[1:]:
        connection.execute(
            update(stack_photos).where(stack_photos.c.stack_id == other).values(stack_id=stack_id)
        )
    return stack_id
