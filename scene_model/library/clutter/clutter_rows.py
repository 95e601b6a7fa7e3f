"""Judge stored photos by the clutter rule, and say why a photo is taken for clutter."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    bindparam,
    func,
    or_,
    select,
    update,
)

from scene_model.library.clutter.clutter_rule import (
    LABELS,
    RULE_VERSION,
    ClutterGuess,
    ClutterSigns,
    guess_clutter,
)
from scene_model.library.clutter.conditions import ClutterKind
from scene_model.library.database.connections import Database
from scene_model.library.database.schema import CLUTTER_INDEX, automatic_tags, photos

_BATCH = 1_000
# SQLite's planner cannot know how few photos are clutter, and would read the index of an order.
_FEW_ROWS = f"INDEXED BY {CLUTTER_INDEX.name}"


@dataclass(frozen=True)
class ClutterGroup:
    """The photos of one kind, the largest files first.

    is_apart: whether a person set them apart.
    """

    kind: ClutterKind
    is_apart: bool
    photo_ids: tuple[str, ...]


def judge_photos(connection: Connection, photo_ids: Sequence[str]) -> None:
    """Judge photos after what the rule looks at was written, in the same transaction."""
    rows = connection.execute(_BY_ID, {"ids": json.dumps(list(photo_ids))}).all()
    _write(connection, rows)


def count_unjudged(database: Database) -> int:
    """Count the photos that this version of the rule has not judged."""
    with database.reader.begin() as connection:
        return int(connection.execute(_COUNT_UNJUDGED).scalar_one())


def judge_unjudged(database: Database) -> Iterator[int]:
    """Judge the photos of earlier versions; yields the number of photos done so far.

    Each batch is one transaction, so an interrupted run goes on where it stopped.
    """
    done = 0
    while True:
        with database.writer.begin() as connection:
            rows = connection.execute(_UNJUDGED, {"limit": _BATCH}).all()
            _write(connection, rows)
        if not rows:
            return
        done += len(rows)
        yield done


def guesses_of(database: Database, photo_ids: Sequence[str]) -> dict[str, ClutterGuess]:
    """Return what the rule takes photos for, and why, by their ids; photos of no kind are left out.

    The reasons are not stored: they follow from what is.
    """
    with database.reader.begin() as connection:
        rows = connection.execute(_BY_ID, {"ids": json.dumps(list(photo_ids))}).all()
    guesses = {row.id: guess_clutter(_signs(row)) for row in rows}
    return {photo_id: guess for photo_id, guess in guesses.items() if guess is not None}


def clutter_groups(database: Database) -> list[ClutterGroup]:
    """Return the clutter outside the trash: what is proposed, then what is apart.

    Of each, the kind with most photos first.
    """
    with database.reader.begin() as connection:
        rows = connection.execute(_CLUTTER).all()
    ids: dict[tuple[bool, ClutterKind], list[str]] = {}
    for row in rows:
        ids.setdefault((row.is_apart, ClutterKind(row.clutter)), []).append(row.id)
    groups = [ClutterGroup(kind, is_apart, tuple(of)) for (is_apart, kind), of in ids.items()]
    return sorted(groups, key=lambda group: (group.is_apart, -len(group.photo_ids), group.kind))


def count_apart(database: Database) -> int:
    """Count the photos outside the trash that are apart; read from the index of clutter."""
    with database.reader.begin() as connection:
        return int(connection.execute(_COUNT_APART).scalar_one())


def _write(connection: Connection, rows: Sequence[Any]) -> None:
    guesses = [(row.number, guess_clutter(_signs(row))) for row in rows]
    values = [
        {"photo": number, "kind": None if guess is None else str(guess.kind)}
        for number, guess in guesses
    ]
    if values:
        connection.execute(_UPDATE, values)


def _signs(row: Any) -> ClutterSigns:
    return ClutterSigns(
        name=row.name,
        folder=row.folder,
        format=row.format,
        width=row.width,
        height=row.height,
        camera=row.camera,
        has_exposure=any(v is not None for v in (row.exposure_s, row.f_number, row.iso)),
        exposure_s=row.exposure_s,
        group=row.auto_group,
        tags={(head, label): score for head, label, score in json.loads(row.tags)},
        sharpness=row.sharpness,
        brightness=row.brightness,
        white_level=row.white_level,
        tonal_range=row.tonal_range,
    )


def _rows() -> Select[Any]:
    tag = automatic_tags.c
    tags = (
        select(func.json_group_array(func.json_array(tag.head, tag.label, tag.score)))
        .where(tag.photo_id == photos.c.id, tag.label.in_(LABELS))
        .scalar_subquery()
    )
    columns = (
        *("number", "id", "name", "folder", "format", "width", "height", "camera", "exposure_s"),
        *("f_number", "iso", "auto_group", "sharpness", "brightness", "white_level", "tonal_range"),
    )
    return select(*(photos.c[name] for name in columns), tags.label("tags"))


def _is_unjudged() -> ColumnElement[bool]:
    return or_(photos.c.clutter_rule.is_(None), photos.c.clutter_rule < RULE_VERSION)


def _with_ids() -> Select[Any]:
    ids = func.json_each(bindparam("ids", type_=Text)).table_valued("value", name="given")
    return _rows().where(photos.c.id.in_(select(ids.c.value)))


# Built once: to build a statement costs more time than SQLite needs for it.
_BY_ID = _with_ids()
_UNJUDGED = _rows().where(_is_unjudged()).limit(bindparam("limit", type_=Integer))
_COUNT_UNJUDGED = select(func.count()).where(_is_unjudged())
_CLUTTER = (
    select(photos.c.id, photos.c.clutter, photos.c.human_clutter.is_not(None).label("is_apart"))
    .where(photos.c.clutter.is_not(None), photos.c.trashed_at.is_(None))
    .order_by(photos.c.file_bytes.desc(), photos.c.number)
    .with_hint(photos, _FEW_ROWS, "sqlite")
)
_COUNT_APART = (
    select(func.count())
    .select_from(photos)
    .where(
        photos.c.clutter.is_not(None),
        photos.c.human_clutter.is_not(None),
        photos.c.trashed_at.is_(None),
    )
    .with_hint(photos, _FEW_ROWS, "sqlite")
)
_UPDATE = (
    update(photos)
    .where(photos.c.number == bindparam("photo"))
    .values(auto_clutter=bindparam("kind"), clutter_rule=RULE_VERSION)
)
