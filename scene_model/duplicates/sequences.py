"""Stack the photos of bursts, brackets and panoramas.

After photos came in, each of them is compared with its neighbours in time by the same camera,
whenever those came. Stacks only grow: those of a person, and photos that a person wants apart, stay
as they are. A RAW file and its JPEG, an edited version and its original count as one shot.
"""

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, Text, bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.duplicates.best_of_group import QUALITY_COLUMNS, order_of_burst, quality_of
from scene_model.duplicates.frame_likeness import GreyFloats, small_picture
from scene_model.duplicates.sequence_names import sequence_name
from scene_model.duplicates.sequence_rules import (
    MAX_FRAMES,
    REACH_S,
    Frame,
    FrameSequence,
    Pictures,
    find_sequences,
    moment_of,
)
from scene_model.duplicates.shots import shots_of
from scene_model.duplicates.stack_names import stack_name
from scene_model.duplicates.stack_pairs import PLACES, Candidate, pick_position
from scene_model.duplicates.stack_writes import one_stack
from scene_model.errors import LibraryError, PhotoError
from scene_model.library.database.schema import photos, stack_photos, stacks
from scene_model.library.photo_query import is_picture
from scene_model.library.stacks.stack_rows import PROGRAM, StackKind
from scene_model.library.store import Library
from scene_model.photos.decode import decode_photo
from scene_model.photos.raw.kinds import RAW_FORMATS

_BATCH = 1_000
# A batch with its neighbours: they are compared for bursts, and then for panoramas.
_CACHED_PICTURES = 1_100
# Behind the offset from UTC that a stored time may end with.
_AFTER_OFFSETS = "~"
# A bracket or a panorama takes in the kinds that were found before.
_BELOW = {
    StackKind.BURST: (StackKind.EDIT, StackKind.LIVE, StackKind.RAW_JPEG),
    StackKind.PANORAMA: (
        *(StackKind.EDIT, StackKind.LIVE, StackKind.RAW_JPEG),
        StackKind.BURST,
    ),
    StackKind.BRACKET: (
        *(StackKind.EDIT, StackKind.LIVE, StackKind.RAW_JPEG),
        *(StackKind.BURST, StackKind.PANORAMA),
    ),
}
_FRAME_COLUMNS = (
    *(photos.c.number, photos.c.name, photos.c.format, photos.c.width, photos.c.height),
    *(photos.c.auto_taken_at, photos.c.auto_taken_source, photos.c.camera, photos.c.burst_id),
    *(photos.c.subsecond, photos.c.exposure_s, photos.c.exposure_bias, photos.c.f_number),
    *(photos.c.iso, photos.c.exposure_mode),
)


def count_unchecked(library: Library) -> int:
    """Count the photos whose neighbours in time were not looked at since they came in."""
    with library.database.reader.begin() as connection:
        query = select(func.count()).where(photos.c.sequence_checked.is_(None))
        return int(connection.execute(query).scalar_one())


def stack_sequences(library: Library) -> Iterator[int]:
    """Stack the sequences with photos that came in; yields the number of photos done so far.

    Each batch is one transaction, so an interrupted run goes on where it stopped.
    """
    done = 0
    while True:
        with library.database.reader.begin() as connection:
            new = connection.execute(_UNCHECKED, {"limit": _BATCH}).all()
            rows = _neighbours(connection, new)
        if not new:
            return
        frames = _first_of_each_shot(rows)
        pictures = _pictures(library, {row.number: row.id for row in rows})
        sequences = find_sequences(frames, pictures)
        with library.database.writer.begin() as connection:
            for sequence in sequences:
                _write(connection, sequence)
            measured = [{"photo": row.number, "read_sharpness": row.sharpness} for row in new]
            connection.execute(_CHECK, measured)
        done += len(new)
        yield done


def _neighbours(connection: Connection, new: Sequence[Any]) -> Sequence[Any]:
    """Return the photos taken by the cameras of new ones at about their times, each once."""
    spans: list[list[str | None]] = []
    for row in new:
        moment = moment_of(row.auto_taken_at)
        if moment is not None:
            begin, end = _span(moment)
            if spans and spans[-1][0] == row.camera and begin <= (spans[-1][2] or ""):
                spans[-1][2] = end
            else:
                spans.append([row.camera, begin, end])
    return connection.execute(_NEIGHBOURS, {"spans": json.dumps(spans)}).all() if spans else []


def _span(moment: datetime.datetime) -> tuple[str, str]:
    """Return the first and the last text of the times that sequences with a moment reach."""
    reach = datetime.timedelta(seconds=REACH_S)
    try:
        return (moment - reach).isoformat(), f"{(moment + reach).isoformat()}{_AFTER_OFFSETS}"
    except OverflowError:
        return moment.isoformat(), f"{moment.isoformat()}{_AFTER_OFFSETS}"


def _first_of_each_shot(rows: Sequence[Any]) -> list[Frame]:
    """Return a photo for each shot: of a RAW file, a JPEG and an edited version, the JPEG."""
    by_stack: dict[int, list[Any]] = {}
    for row in sorted(rows, key=_original_first):
        # Ids of stacks are above 0.
        by_stack.setdefault(row.stack_id or -row.number, []).append(row)
    return [
        Frame(*shot[0][: len(_FRAME_COLUMNS)])
        for members in by_stack.values()
        for shot in shots_of(members)
    ]


def _original_first(row: Any) -> tuple[bool, bool, int]:
    return row.format in RAW_FORMATS, stack_name(row.name).is_edit, row.number


def _pictures(library: Library, ids: Mapping[int, str]) -> Pictures:
    """Return a cached reader of small pictures by number; None where one cannot be read."""

    @lru_cache(maxsize=_CACHED_PICTURES)
    def read(number: int) -> GreyFloats | None:
        try:
            pixels = decode_photo(library.thumbnail(ids[number]), minimum=None).pixels
        except (LibraryError, PhotoError):
            return None
        return small_picture(pixels)

    return read


def _write(connection: Connection, sequence: FrameSequence) -> None:
    """Make the photos of a sequence one stack, unless a person decided about them meanwhile."""
    numbers = json.dumps([frame.number for frame in sequence.frames])
    rows = connection.execute(_FREE, {"numbers": numbers}).all()
    if len(rows) < 2:
        return
    stack_ids = {row.stack_id for row in rows if row.stack_id is not None}
    added = [row for row in rows if row.stack_id is None]
    members = connection.execute(_MEMBERS, {"stacks": json.dumps(sorted(stack_ids))}).all()
    # Photos of an interval timer that came in with several jobs.
    if len(shots_of([*members, *added])) > MAX_FRAMES:
        return
    stack_id = one_stack(connection, stack_ids, sequence.kind, _BELOW[sequence.kind])
    positions = _positions(sequence.kind, [*members, *added])
    new_rows = [
        {"photo": row.number, "stack_id": stack_id, "position": positions[row.number]}
        for row in added
    ]
    moved = [
        {"photo_number": row.number, "place": positions[row.number]}
        for row in members
        # One that a person put on top stays there.
        if row.position >= 0 and row.position != positions[row.number]
    ]
    if new_rows:
        connection.execute(_INSERT, new_rows)
    if moved:
        connection.execute(_MOVE, moved)


def _positions(kind: StackKind, rows: Sequence[Any]) -> dict[int, int]:
    """Return the places of the photos of a stack: by shot, and those of a shot as they are picked.

    Of a burst the best shot is first, or else the first; an edited one before all others. Of a
    bracket it is the one of normal exposure.
    """
    shots = shots_of(sorted(rows, key=_original_first))
    in_time = sorted(shots, key=lambda shot: _time_order(shot[0]))
    firsts = [shot[0] for shot in in_time]
    if kind is StackKind.BURST:
        covers = [i for i, row in enumerate(firsts) if sequence_name(row.name).is_cover]
        qualities = [quality_of(row) for row in firsts]
        order = order_of_burst(qualities, covers[0] if covers else None)
    elif kind is StackKind.BRACKET:
        order = sorted(range(len(firsts)), key=lambda i: (abs(firsts[i].exposure_bias or 0.0), i))
    else:
        order = list(range(len(firsts)))
    is_edited = [any(stack_name(row.name).is_edit for row in shot) for shot in in_time]
    order.sort(key=lambda i: not is_edited[i])
    return {
        row.number: PLACES * place + pick_position(Candidate(row.number, row.name, row.format))
        for place, i in enumerate(order)
        for row in in_time[i]
    }


def _time_order(row: Any) -> tuple[str, float, int, int]:
    taken_at = (row.auto_taken_at or "")[:19]
    return taken_at, row.subsecond or 0.0, sequence_name(row.name).count or 0, row.number


def _rows() -> Select[Any]:
    """Select photos with their stack, without those about which a person decided."""
    is_persons = stack_photos.c.photo.is_not(None) & stacks.c.made_by.is_distinct_from(PROGRAM)
    return (
        select(
            *_FRAME_COLUMNS,
            *(photos.c[name] for name in QUALITY_COLUMNS),
            *(photos.c.id, photos.c.folder),
            stack_photos.c.stack_id,
            stack_photos.c.position,
        )
        .outerjoin(stack_photos, stack_photos.c.photo == photos.c.number)
        .outerjoin(stacks, stacks.c.id == stack_photos.c.stack_id)
        .where(~is_persons)
    )


def _near_spans() -> Select[Any]:
    """Select the pictures of cameras within spans of time: JSON of camera, begin and end."""
    spans = func.json_each(bindparam("spans", type_=Text)).table_valued("value", name="span")
    part = [func.json_extract(spans.c.value, f"$[{index}]") for index in range(3)]
    numbers = select(photos.c.number).join_from(
        spans,
        photos,
        photos.c.camera.is_not_distinct_from(part[0])
        & photos.c.auto_taken_at.between(part[1], part[2]),
    )
    return _rows().where(photos.c.number.in_(numbers), is_picture())


def _in_numbers() -> Select[Any]:
    numbers = func.json_each(bindparam("numbers", type_=Text)).table_valued("value", name="given")
    return _rows().where(photos.c.number.in_(select(numbers.c.value)))


def _in_stacks() -> Select[Any]:
    ids = func.json_each(bindparam("stacks", type_=Text)).table_valued("value", name="given")
    return _rows().where(stack_photos.c.stack_id.in_(select(ids.c.value)))


# Built once: to build a statement costs more time than SQLite needs for it.
_UNCHECKED = (
    select(photos.c.number, photos.c.camera, photos.c.auto_taken_at, photos.c.sharpness)
    .where(photos.c.sequence_checked.is_(None))
    .order_by(photos.c.camera, photos.c.auto_taken_at)
    .limit(bindparam("limit", type_=Integer))
)
_NEIGHBOURS, _FREE = _near_spans(), _in_numbers()
_MEMBERS = _in_stacks()
# A photo that was measured meanwhile is compared once more, see `missing_shot_facts`.
_CHECK = (
    update(photos)
    .where(
        photos.c.number == bindparam("photo"),
        photos.c.sharpness.is_not_distinct_from(bindparam("read_sharpness")),
    )
    .values(sequence_checked=True)
)
_INSERT = upsert(stack_photos).on_conflict_do_nothing()
_MOVE = (
    update(stack_photos)
    .where(stack_photos.c.photo == bindparam("photo_number"))
    .values(position=bindparam("place"))
)
