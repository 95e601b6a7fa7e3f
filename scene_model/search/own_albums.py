"""Albums that people made, in queries: which photos are in them, and what a search follows."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select

from scene_model.classifier.vocabulary import fold
from scene_model.library.albums.own_albums import OwnAlbum
from scene_model.library.database.schema import album_photos, photos
from scene_model.search.query_tree import AllOf, AnyOf, FieldTerm, Not, Query, print_query


def find_own_album(name: str, albums: Sequence[OwnAlbum]) -> OwnAlbum | None:
    """Return the album of that name; case and underscores do not count."""
    folded = fold(name)
    return next((album for album in albums if fold(album.name) == folded), None)


def album_line(name: str) -> str:
    """Return the query line that finds the album of a name."""
    return print_query(FieldTerm("album", name))


def is_placed(album_id: int) -> ColumnElement[bool]:
    """A person put the photo into the album."""
    placed = album_photos.alias()
    return photos.c.number.in_(select(placed.c.photo).where(placed.c.album_id == album_id))


def only_album(query: Query, albums: Sequence[OwnAlbum]) -> OwnAlbum | None:
    """Return the person's album that all photos of a query are in, if there is exactly that."""
    terms = query.terms if isinstance(query, AllOf) else (query,)
    named = [
        find_own_album(term.value, albums)
        for term in terms
        if isinstance(term, FieldTerm) and term.name == "album"
    ]
    matching = {album.id: album for album in named if album is not None}
    return next(iter(matching.values())) if len(matching) == 1 else None


def depth_of(query: Query) -> int:
    """Return how many operators are nested in a query."""
    if isinstance(query, Not):
        return 1 + depth_of(query.term)
    if isinstance(query, AllOf | AnyOf):
        return 1 + max(map(depth_of, query.terms), default=0)
    return 0
