"""Slots of an embedding file that no photo uses, in the caller's transaction.

A file holds the photos' own embeddings by its network and those of `backbone_embeddings`.
"""

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from scene_model.library.database.schema import backbone_embeddings, choices, free_slots, photos

# The choice that names the embedding file of the search model.
SEARCH_FILE = "search_file"

# Built once: to build a statement costs more time than SQLite needs for it.
_FREE_SLOTS = (
    select(free_slots.c.slot)
    .where(free_slots.c.file == bindparam("file"))
    .order_by(free_slots.c.slot)
    .limit(bindparam("count"))
)
_DELETE_FREE = delete(free_slots).where(
    free_slots.c.file == bindparam("in_file"), free_slots.c.slot == bindparam("taken")
)
_LAST_SLOTS = (
    select(func.max(photos.c.embedding_slot)).where(photos.c.embedding_file == bindparam("file")),
    select(func.max(backbone_embeddings.c.slot)).where(
        backbone_embeddings.c.file == bindparam("file")
    ),
)


def take_slots(connection: Connection, file: str, count: int) -> list[int]:
    """Return unused slots of a file, free ones before new ones at its end, each once.

    Free ones are no longer listed as such; the caller's transaction must give each to a photo.
    """
    slots = list(connection.execute(_FREE_SLOTS, {"file": file, "count": count}).scalars())
    if slots:
        connection.execute(_DELETE_FREE, [{"in_file": file, "taken": slot} for slot in slots])
    if len(slots) < count:
        ends = [connection.execute(query, {"file": file}).scalar() for query in _LAST_SLOTS]
        start = max(-1 if end is None else end for end in ends) + 1
        slots += range(start, start + count - len(slots))
    return slots


def count_free_slots(connection: Connection, file: str) -> int:
    """Count the slots of a file that no photo uses."""
    query = select(func.count()).where(free_slots.c.file == file)
    return int(connection.execute(query).scalar_one())


def own_search_slot(connection: Connection, photo_id: str) -> tuple[int, str, int] | None:
    """Return a photo's number, embedding file and slot if the search model reads that file."""
    query = select(photos.c.number, photos.c.embedding_file, photos.c.embedding_slot).where(
        photos.c.id == photo_id,
        photos.c.embedding_slot.is_not(None),
        photos.c.embedding_file
        == select(choices.c.value).where(choices.c.name == SEARCH_FILE).scalar_subquery(),
    )
    row = connection.execute(query).first()
    return None if row is None else (row.number, row.embedding_file, row.embedding_slot)


def keep_slot(connection: Connection, number: int, file: str, slot: int) -> None:
    """Keep an embedding beside the photo's new one, by another network.

    Call it after the photo's row was changed, in the same transaction: a trigger has just listed
    the slot as free.
    """
    connection.execute(
        delete(free_slots).where(free_slots.c.file == file, free_slots.c.slot == slot)
    )
    connection.execute(insert(backbone_embeddings).values(photo=number, file=file, slot=slot))
