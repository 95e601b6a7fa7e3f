"""The groups among whose photos the best one is looked for: bursts, and shots that look alike.

A RAW file and its JPEG, or an edited version and its original, are one shot. Left out are brackets
and panoramas, since each of their photos is needed, and what a person stacked or showed apart. What
a person likes, or put into an album without the best of its group, is never proposed for the trash.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from scene_model.classifier.bundle import FloatArray
from scene_model.duplicates.best_of_group import (
    QUALITY_COLUMNS,
    Ranking,
    quality_of,
    rank,
    to_trash,
)
from scene_model.duplicates.groups import group_pairs, near_duplicate_pairs
from scene_model.duplicates.near_duplicates import NearDuplicateKind
from scene_model.duplicates.own_picks import OwnPicks, learn_picks, preferred
from scene_model.duplicates.shots import shots_of
from scene_model.duplicates.stack_names import stack_name
from scene_model.library.database.schema import (
    album_photos,
    albums,
    photos,
    stack_photos,
    stacks,
    trip_photos,
)
from scene_model.library.stacks.stack_rows import PROGRAM, StackKind
from scene_model.library.store import Library
from scene_model.photos.raw.kinds import RAW_FORMATS

_PAIRS = (StackKind.RAW_JPEG, StackKind.LIVE, StackKind.EDIT)


@dataclass(frozen=True)
class ShotGroup:
    """Shots of one view, each under the photo that stands for it.

    ranking: of these photos. files: all photos of each shot. liked: shots with a heart, a rating or
    an edited version, and the one that a person put on top. placed_in: where a
    person put each shot, as texts: albums, covers of albums, a trip.
    """

    is_burst: bool
    ranking: Ranking
    files: Mapping[str, tuple[str, ...]]
    liked: frozenset[str]
    placed_in: Mapping[str, frozenset[str]]

    @property
    def key(self) -> str:
        """What differs for other photos."""
        return min(self.files)

    def proposed(self, strictness: int) -> tuple[str, ...]:
        """Return the shots that are clearly worse than the best, see `to_trash`."""
        return tuple(
            shot for shot in to_trash(self.ranking, strictness) if not self.is_protected(shot)
        )

    def is_protected(self, shot: str) -> bool:
        """Whether a person likes a shot, or put it where the first of the group is not."""
        places_of_first = self.placed_in[self.ranking.photo_ids[0]]
        return shot in self.liked or not self.placed_in[shot] <= places_of_first

    def files_of(self, shots: Iterable[str]) -> list[str]:
        """Return all photos of shots."""
        return [photo_id for shot in shots for photo_id in self.files[shot]]


@dataclass(frozen=True)
class ShotGroups:
    """All groups, and what was learned from a person's picks among them."""

    groups: tuple[ShotGroup, ...]
    picks: OwnPicks


def shot_groups(library: Library) -> ShotGroups:
    """Find the groups of at least two shots outside the trash: bursts, then similar shots."""
    similar = group_pairs(near_duplicate_pairs(library, NearDuplicateKind.SIMILAR))
    similar_ids = [photo_id for group in similar for photo_id in group.photo_ids]
    with library.database.reader.begin() as connection:
        rows, placed_in = _rows(connection, similar_ids), _placed_in(connection)
    bursts: dict[int, list[Any]] = {}
    shots: dict[int, list[Any]] = {}
    for row in rows:
        if row.kind == StackKind.BURST:
            bursts.setdefault(row.stack_id, []).append(row)
        else:
            # Ids of stacks are above 0.
            shots.setdefault(row.stack_id or -row.number, []).append(row)
    shots_by_id = {shot[0].id: shot for shot in shots.values()}
    groups = [_group(shots_of(each), placed_in, is_burst=True) for each in bursts.values()]
    for group in similar:
        members = [shots_by_id[each] for each in group.photo_ids if each in shots_by_id]
        groups.append(_group(members, placed_in, is_burst=False))
    groups = [group for group in groups if len(group.files) > 1]
    embeddings = _embeddings(library, rows)
    picks = learn_picks(
        [
            (
                np.stack([embeddings[shot] for shot in group.liked]),
                np.stack([embeddings[shot] for shot in group.files if shot not in group.liked]),
            )
            for group in groups
            if 0 < len(group.liked) < len(group.files)
            and all(shot in embeddings for shot in group.files)
        ]
    )
    ranked = [
        replace(group, ranking=preferred(group.ranking, embeddings, picks)) for group in groups
    ]
    return ShotGroups(tuple(ranked), picks)


def _embeddings(library: Library, rows: Sequence[Any]) -> dict[str, FloatArray]:
    """Return the unit embeddings of photos by id, of the network that made most of them."""
    by_file: dict[str, list[Any]] = {}
    for row in rows:
        if row.embedding_file is not None:
            by_file.setdefault(row.embedding_file, []).append(row)
    if not by_file:
        return {}
    file, file_rows = max(by_file.items(), key=lambda item: len(item[1]))
    count = library.embeddings.slot_count(file)
    file_rows = [row for row in file_rows if row.embedding_slot < count]
    vectors = library.embeddings.rows(file, [row.embedding_slot for row in file_rows])
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return {row.id: vector for row, vector in zip(file_rows, vectors / lengths, strict=True)}


def _rows(connection: Connection, similar_ids: Sequence[str]) -> Sequence[Any]:
    """Return the photos outside the trash that may be ranked, by stack, the pick first.

    They are those of bursts, and of the similar ones those that were never stacked or shown apart,
    and the picks of pairs with their pairs.
    """
    ids = func.json_each(json.dumps(similar_ids)).table_valued("value")
    similar = photos.alias()
    similar_numbers = select(similar.c.number).where(similar.c.id.in_(select(ids.c.value)))
    is_free = stack_photos.c.photo.is_(None) & photos.c.number.in_(similar_numbers)
    is_pair = stacks.c.kind.in_(_PAIRS) & stack_photos.c.tile.in_(similar_numbers)
    is_stacked = (stacks.c.made_by == PROGRAM) & ((stacks.c.kind == StackKind.BURST) | is_pair)
    query = (
        select(
            *(photos.c[name] for name in QUALITY_COLUMNS),
            *(photos.c.id, photos.c.number, photos.c.name, photos.c.format),
            *(photos.c.favourite, photos.c.rating, stack_photos.c.stack_id, stacks.c.kind),
            *(photos.c.embedding_file, photos.c.embedding_slot, photos.c.folder),
            *(photos.c.sequence_checked, stack_photos.c.position),
        )
        .outerjoin(stack_photos, stack_photos.c.photo == photos.c.number)
        .outerjoin(stacks, stacks.c.id == stack_photos.c.stack_id)
        .where(photos.c.trashed_at.is_(None), is_free | is_stacked)
        .order_by(stack_photos.c.stack_id, stack_photos.c.position, photos.c.number)
    )
    return connection.execute(query).all()


def _placed_in(connection: Connection) -> dict[int, list[str]]:
    """Return where a person put photos, by their numbers: albums, covers of albums, trips."""
    in_albums = (
        select(album_photos.c.photo, album_photos.c.album_id)
        .join(albums, albums.c.id == album_photos.c.album_id)
        .where(albums.c.deleted_at.is_(None))
    )
    is_cover = albums.c.cover.is_not(None) & albums.c.deleted_at.is_(None)
    on_covers = select(albums.c.cover, albums.c.id).where(is_cover)
    in_trips = select(trip_photos.c.photo, trip_photos.c.trip_id).where(
        trip_photos.c.is_by_person, trip_photos.c.trip_id.is_not(None)
    )
    placed_in: dict[int, list[str]] = {}
    for kind, query in (("album", in_albums), ("cover", on_covers), ("trip", in_trips)):
        for number, identifier in connection.execute(query):
            placed_in.setdefault(number, []).append(f"{kind} {identifier}")
    return placed_in


def _group(
    shots: Sequence[Sequence[Any]], placed_in: Mapping[int, Sequence[str]], is_burst: bool
) -> ShotGroup:
    by_id = {_first(shot).id: shot for shot in shots}
    # A photo that was measured, but not looked at since, may turn out to be one of a bracket.
    ranking = rank(
        {
            photo_id: quality_of(_first(shot)) if all(r.sequence_checked for r in shot) else None
            for photo_id, shot in by_id.items()
        }
    )
    liked = {photo_id for photo_id, shot in by_id.items() if any(map(_is_liked, shot))}
    # Positions that a person chose are below 0.
    if is_burst and shots[0][0].position < 0:
        liked.add(_first(shots[0]).id)
    return ShotGroup(
        is_burst,
        ranking,
        {photo_id: tuple(row.id for row in shot) for photo_id, shot in by_id.items()},
        frozenset(liked),
        {
            photo_id: frozenset(place for row in shot for place in placed_in.get(row.number, ()))
            for photo_id, shot in by_id.items()
        },
    )


def _is_liked(row: Any) -> bool:
    return bool(row.favourite or row.rating or stack_name(row.name).is_edit)


def _first(shot: Sequence[Any]) -> Any:
    """Return the photo that is compared for its shot: no RAW file where there is another."""
    pictures: Iterator[Any] = (row for row in shot if row.format not in RAW_FORMATS)
    return next(pictures, shot[0])
