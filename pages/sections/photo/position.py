"""The position of an open photo in its results, and the photos around it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pages.state.session import get_gallery
from scene_model.errors import QueryError
from scene_model.library.stacks.stack_rows import Stack, stacks_of

# The browser shows these without waiting for the server.
_AROUND = 8


@dataclass(frozen=True)
class QueryPosition:
    """Position of a photo in the results of a query, in the session's order; index from 0."""

    query: str
    index: int


@dataclass(frozen=True)
class ListPosition:
    """Position of a photo in a list of photo ids; index from 0."""

    ids: tuple[str, ...]
    index: int


Position = QueryPosition | ListPosition


@dataclass(frozen=True)
class Surroundings:
    """An open photo among others.

    position: None for a photo on its own. count: photos among which it is, at least its position
    plus one; 0 on its own. ids: photo ids around the open photo, itself included, in order; each
    with its position.
    """

    position: Position | None
    count: int
    ids: tuple[tuple[int, str], ...]


def surroundings(photo_id: str, position: Position | None) -> Surroundings:
    """Return the photos around an open one, also when an edit removed it from the query."""
    if position is None:
        return Surroundings(None, 0, ((0, photo_id),))
    start = max(0, position.index - _AROUND)
    ids = list(enumerate(_ids_from(position, start, 2 * _AROUND + 1), start))
    own_index = next((index for index, id_ in ids if id_ == photo_id), None)
    if own_index is None:
        before = [entry for entry in ids if entry[0] < position.index]
        after = ids[len(before) :]
        stack = _stack(photo_id)
        if after and stack is not None and after[0][1] in stack.photo_ids:
            after = after[1:]  # the tile, in whose place another photo of its stack is shown
        ids = [*before, (position.index, photo_id), *after]
    else:
        position = replace(position, index=own_index)
    # An edit may have removed the last photo from the query: "21 of 20" would be wrong.
    count = max(_count(position), position.index + 1)
    return Surroundings(position, count, tuple(ids))


def position_in(query: str, photo_id: str) -> QueryPosition | None:
    """Return where a photo, or the tile of its stack, stands in a query.

    None if it does not match, or none can be read.
    """
    try:
        ids = get_gallery().tile_ids(query)
    except QueryError:
        return None
    stack = _stack(photo_id)
    shown = (photo_id,) if stack is None else (photo_id, stack.pick)
    index = next((i for i, id_ in enumerate(ids) if id_ in shown), None)
    return None if index is None else QueryPosition(query, index)


def without(photo_id: str, position: Position | None) -> tuple[str, Position] | None:
    """Return the photo to show after one was removed from the library; None if there is none."""
    if position is None:
        return None
    if isinstance(position, ListPosition):
        position = replace(position, ids=tuple(id_ for id_ in position.ids if id_ != photo_id))
    for index in (position.index, position.index - 1):
        if index >= 0 and (ids := _ids_from(position, index, 1)):
            return ids[0], replace(position, index=index)
    return None


def _ids_from(position: Position, start: int, limit: int) -> Sequence[str]:
    if isinstance(position, ListPosition):
        return position.ids[start : start + limit]
    return get_gallery().ids_from(start, limit, position.query)


def _count(position: Position) -> int:
    if isinstance(position, ListPosition):
        return len(position.ids)
    return get_gallery().count_tiles(position.query)


def _stack(photo_id: str) -> Stack | None:
    return stacks_of(get_gallery().library, [photo_id]).get(photo_id)
