"""Searches that people keep: a name, a query line and an order, in the library."""

import unicodedata
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from scene_model.classifier.vocabulary import fold
from scene_model.errors import InvalidSearchName, SavedSearchNotFound, SearchNameTaken
from scene_model.library.schema import saved_searches
from scene_model.library.sort_order import Sort
from scene_model.library.store import Library

MAX_NAME_LENGTH = 60


@dataclass(frozen=True)
class SavedSearch:
    """One search. id: stays when it is renamed."""

    id: int
    name: str
    query: str
    sort: Sort


def list_searches(library: Library) -> list[SavedSearch]:
    """All saved searches, by name."""
    with library.database.reader.begin() as connection:
        rows = connection.execute(
            select(saved_searches).order_by(saved_searches.c.folded_name)
        ).all()
    return [SavedSearch(row.id, row.name, row.query, Sort.read(row.sort)) for row in rows]


def save_search(library: Library, name: str, query: str, sort: Sort) -> SavedSearch:
    """Keep a search under a new name; raises InvalidSearchName or SearchNameTaken.

    It never takes the place of another: two windows that save under one name do not undo
    each other's work, the second one is told.
    """
    name = _clean_name(name)
    row = {"name": name, "folded_name": fold(name), "query": query, "sort": str(sort)}
    try:
        with library.database.writer.begin() as connection:
            key = connection.execute(insert(saved_searches).values(**row)).inserted_primary_key
    except IntegrityError as error:
        raise _taken(name) from error
    assert key is not None  # noqa: S101 - SQLite always answers with the key
    return SavedSearch(int(key[0]), name, query, sort)


def rename_search(library: Library, search_id: int, name: str) -> None:
    """Give a search another name.

    Raises InvalidSearchName, SearchNameTaken, or SavedSearchNotFound when it was deleted.
    """
    name = _clean_name(name)
    try:
        with library.database.writer.begin() as connection:
            found = connection.execute(
                update(saved_searches)
                .where(saved_searches.c.id == search_id)
                .values(name=name, folded_name=fold(name))
            ).rowcount
    except IntegrityError as error:
        raise _taken(name) from error
    if not found:
        raise SavedSearchNotFound("This saved search is not there any more.")


def delete_search(library: Library, search_id: int) -> None:
    """Forget a search; one that is gone already is no error."""
    with library.database.writer.begin() as connection:
        connection.execute(delete(saved_searches).where(saved_searches.c.id == search_id))


def _clean_name(typed: str) -> str:
    """Bring a typed name to the form it is kept in; raises InvalidSearchName."""
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if not name:
        raise InvalidSearchName("A saved search needs a name.")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidSearchName(
            f"The name has {len(name)} characters; the limit is {MAX_NAME_LENGTH}."
        )
    unprintable = [character for character in name if not character.isprintable()]
    if unprintable:
        raise InvalidSearchName(
            f"The name holds a character that cannot be shown ({unprintable[0]!r})."
        )
    return name


def _taken(name: str) -> SearchNameTaken:
    return SearchNameTaken(f"A saved search is called “{name}” already. Choose another name.")
