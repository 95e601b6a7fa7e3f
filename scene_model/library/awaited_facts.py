"""Facts about files of an archive that have not come: a part that comes later may bring them."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.library.database.schema import awaited_facts, photos
from scene_model.library.imported_facts import ImportedFacts
from scene_model.library.photo_query import in_batches
from scene_model.library.store import Library

FileKey = tuple[str, str]
"""The folder of a file in its archive, and its name."""


def stored_awaited_facts(library: Library) -> dict[FileKey, ImportedFacts]:
    """Return the stored facts by the file that had them."""
    with library.database.reader.begin() as connection:
        rows = connection.execute(select(awaited_facts)).all()
    return {(row.folder, row.name): ImportedFacts.from_json(json.loads(row.facts)) for row in rows}


def store_awaited_facts(library: Library, new: Mapping[FileKey, ImportedFacts]) -> None:
    """Store facts whose files have not come; those that are stored already are replaced."""
    rows = [
        {"folder": folder, "name": name, "facts": json.dumps(asdict(facts))}
        for (folder, name), facts in new.items()
    ]
    if not rows:
        return
    statement = upsert(awaited_facts)
    statement = statement.on_conflict_do_update(
        ["folder", "name"], set_={"facts": statement.excluded.facts}
    )
    with library.database.writer.begin() as connection:
        connection.execute(statement, rows)


def remove_awaited_facts(library: Library, keys: Collection[FileKey]) -> None:
    """Remove stored facts by the files that had them."""
    if not keys:
        return
    statement = delete(awaited_facts).where(
        awaited_facts.c.folder == bindparam("of_folder"),
        awaited_facts.c.name == bindparam("of_name"),
    )
    rows = [{"of_folder": folder, "of_name": name} for folder, name in sorted(keys)]
    with library.database.writer.begin() as connection:
        connection.execute(statement, rows)


def photos_in_folders(library: Library, folders: Collection[str]) -> dict[FileKey, str]:
    """Return the ids of the photos that came from folders, by folder and name."""
    ids: dict[FileKey, str] = {}
    for batch in in_batches(sorted(folders)):
        query = select(photos.c.folder, photos.c.name, photos.c.id)
        with library.database.reader.begin() as connection:
            for row in connection.execute(query.where(photos.c.folder.in_(batch))):
                ids[row.folder, row.name] = row.id
    return ids
