"""Saved searches in the library: name, query line and order."""

import unicodedata
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from scene_model.classifier.vocabulary import fold
from scene_model.errors import InvalidSearchName, SavedSearchNotFound, SearchNameTaken
from scene_model.library.database.schema import saved_searches
from scene_model.library.sort_order import Sort
from scene_model.library.store import Library

MAX_NAME_LENGTH = 60


@dataclass(frozen=True)
class SavedSearch:
    """A saved search. id: does not change when the search is renamed."""

    id: int
    name: str
    query: str
    sort: Sort


def list_searches(library: Library) -> list[SavedSearch]:
    """Return all saved searches, sorted by name."""
    with library.database.reader.begin() as connection:
        rows = connection.execute(
            select(saved_searches).order_by(saved_searches.c.folded_name)
        ).all()
    return [SavedSearch(row.id, row.name, row.query, Sort.read(row.sort)) for row in rows]


def save_search(library: Library, name: str, query: str, sort: Sort) -> SavedSearch:
    """Save a search under a new name; raises InvalidSearchName or SearchNameTaken.

    An existing search is never replaced: if two windows save under the same name, the second one
    gets an error.
    """
    name = _clean_name(name)
    row = {"name": name, "folded_name": fold(name), "query": query, "sort": str(sort)}
    try:
        with library.database.writer.begin() as connection:
            key = connection.execute(insert(saved_searches).values(**row)).inserted_primary_key
    except IntegrityError as error:
        raise _taken(name) from error
    assert key is not None  # noqa: S101 - SQLite always returns the key
    return SavedSearch(int(key[0]), name, query, sort)


def rename_search(library: Library, search_id: int, name: str) -> None:
    """Rename a search.

    Raises InvalidSearchName, SearchNameTaken, or SavedSearchNotFound when it was deleted.
    """
    name = _clean_name(name)
    try:
        with library.database.writer.begin() as connection:
            renamed = connection.execute(
                update(saved_searches)
                .where(saved_searches.c.id == search_id)
                .values(name=name, folded_name=fold(name))
            ).rowcount
    except IntegrityError as error:
        raise _taken(name) from error
    if not renamed:
        raise SavedSearchNotFound("This saved search no longer exists.")


def delete_search(library: Library, search_id: int) -> None:
    """Delete a search; does nothing if it no longer exists."""
    with library.database.writer.begin() as connection:
        connection.execute(delete(saved_searches).where(saved_searches.c.id == search_id))


def _clean_name(typed: str) -> str:
    """Normalize a typed name: NFC, single spaces; raises InvalidSearchName."""
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if not name:
        raise InvalidSearchName("A saved search needs a name.")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidSearchName(
            f"The name has {len(name)} characters; the limit is {MAX_NAME_LENGTH}."
        )
    unprintable = [character for character in name if not character.isprintable()]
    if unprintable:
        raise InvalidSearchName(f"The name contains an unprintable character ({unprintable[0]!r}).")
    return name


def _taken(name: str) -> SearchNameTaken:
    return SearchNameTaken(f"There is already a saved search “{name}”. Choose another name.")
