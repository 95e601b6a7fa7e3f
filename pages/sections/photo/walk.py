"""Where an open photo stands in the results of a query, and which photos are around it."""

from dataclasses import dataclass, replace

from pages.state.session import get_gallery
from scene_model.errors import QueryError

# The browser shows these without waiting for the server.
_AROUND = 8


@dataclass(frozen=True)
class QueryPosition:
    """Position of a photo in the results of a query, in the session's order; index from 0."""

    query: str
    index: int


@dataclass(frozen=True)
class Surroundings:
    """An open photo among the results of its query.

    position: None without a query. count: photos in the results. ids: photo ids around the open
    photo, itself included, in order; each with its position in the results.
    """

    position: QueryPosition | None
    count: int
    ids: tuple[tuple[int, str], ...]


def surroundings(photo_id: str, position: QueryPosition | None) -> Surroundings:
    """Return the photos around an open one, also when an edit removed it from the query."""
    if position is None:
        return Surroundings(None, 0, ((0, photo_id),))
    gallery, query = get_gallery(), position.query
    start = max(0, position.index - _AROUND)
    ids = list(enumerate(gallery.ids_from(start, 2 * _AROUND + 1, query), start))
    own_index = next((index for index, id_ in ids if id_ == photo_id), None)
    if own_index is None:
        before = [entry for entry in ids if entry[0] < position.index]
        ids = [*before, (position.index, photo_id), *ids[len(before) :]]
    else:
        position = replace(position, index=own_index)
    return Surroundings(position, gallery.count(query), tuple(ids))


def position_in(query: str, photo_id: str) -> QueryPosition | None:
    """Return where a photo stands in a query; None if it does not match, or none can be read."""
    try:
        ids = get_gallery().all_ids(query)
    except QueryError:
        return None
    index = next((i for i, id_ in enumerate(ids) if id_ == photo_id), None)
    return None if index is None else QueryPosition(query, index)


def following(position: QueryPosition) -> tuple[str, QueryPosition] | None:
    """Return the photo to show after the one at a position left the results; None if none is."""
    for index in (position.index, position.index - 1):
        if (photo_id := get_gallery().id_at(index, position.query)) is not None:
            return photo_id, QueryPosition(position.query, index)
    return None
