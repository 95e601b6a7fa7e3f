"""Make large libraries for benchmarks: 100,000 photos in half a minute, a million in minutes.

The rows are those that adding photos writes: tags, decisions, names, dates and places, distributed
unevenly as in real libraries. They are inserted in bulk without indexes and triggers; then the
indexes, the triggers and what they derive are made at once, as a migration does. The library's
folder has thumbnails and embeddings, but no originals.
"""

import datetime
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Table

from benchmarks.made_embeddings import MadeEmbeddings
from scene_model.classifier.bundle_description import read_description
from scene_model.classifier.vocabulary import fold_case
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.duplicates.hash_neighbours import bands_of
from scene_model.duplicates.stack_names import stack_name
from scene_model.library.clutter.clutter_rule import RULE_VERSION
from scene_model.library.database.migrations import create_missing_objects
from scene_model.library.database.schema import (
    automatic_tags,
    class_decisions,
    hash_bands,
    near_hashes,
    photos,
    tag_decisions,
)
from scene_model.library.database.triggers import INITIAL_FILL
from scene_model.library.embeddings.embedding_files import file_name, packed
from scene_model.library.store import Library
from scene_model.photos.hashes import signed_hash
from scene_model.photos.thumbnail import make_thumbnail

BACKBONE, BUNDLE = "a3a1de3891611d38", "scene_mobilenet_v2@59220681"
EMBEDDING_SIZE = read_description(DEFAULT_BUNDLE_DIR).backbone.embedding_size
EMBEDDING_FILE = file_name(BACKBONE, EMBEDDING_SIZE)
_BATCH = 5000
# File systems limit the links to one file.
_LINKS = 20_000
_DAYS = 70 * 100_000 / 60 / 24  # between the first and the last photo
_SCENES = ("buildings", "forest", "glacier", "mountain", "sea", "street")
_CACHE_KB = 2_000_000
_FILLED = (photos, automatic_tags, tag_decisions, class_decisions, hash_bands, near_hashes)
_Spread = list[tuple[str, float]]
_Rows = list[dict[str, Any]]


def build(folder: Path, count: int, thumbnails: bool = True) -> None:
    """Make a library of ``count`` photos in a new folder."""
    started = time.perf_counter()
    with Library(folder) as library:
        if thumbnails:
            _add_thumbnails(library, count)
        _fill(library, count)
    with Library(folder):  # measures the distribution of the columns, for the query planner
        pass
    took = time.perf_counter() - started
    megabytes = sum(f.stat().st_size for f in (folder / "embeddings").iterdir()) / 1e6
    database = (folder / "library.db").stat().st_size / 1e6
    print(f"made in {took:.0f} s: database {database:.0f} MB, embeddings {megabytes:.0f} MB")


def photo_id(number: int) -> str:
    """Return the id of a photo by its number, counted from 0."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def bundle_labels() -> dict[str, list[str]]:
    """Return the shipped bundle's label ids, by head."""
    heads = read_description(DEFAULT_BUNDLE_DIR).heads
    return {head.id: [label.id for label in head.labels] for head in heads}


def _fill(library: Library, count: int) -> None:
    embeddings = MadeEmbeddings(EMBEDDING_SIZE)
    random = np.random.default_rng(0)
    spreads = {head: _spread(labels) for head, labels in bundle_labels().items()}
    with library.database.writer.connect() as connection:
        # A build that is interrupted is started anew, in another folder.
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        with connection.begin():
            _drop_indexes_and_triggers(raw)
            for start in range(0, count, _BATCH):
                batch = min(_BATCH, count - start)
                ids = [photo_id(start + i) for i in range(batch)]
                for table, rows in _rows_of(random, spreads, ids, start, count).items():
                    _insert(raw, table, rows)
                values = embeddings.next_rows(random, batch)
                slots = [packed(ids[i], values[i]) for i in range(batch)]
                library.embeddings.write(EMBEDDING_FILE, start, b"".join(slots))
            for statement in INITIAL_FILL:
                raw.execute(_in_order_of_key(statement))
            create_missing_objects(connection)


def _drop_indexes_and_triggers(raw: sqlite3.Connection) -> None:
    for table in _FILLED:
        for index in table.indexes:
            raw.execute(f'DROP INDEX "{index.name}"')
    triggers = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        raw.execute(f'DROP TRIGGER "{name}"')


def _in_order_of_key(statement: str) -> str:
    is_tags = statement.startswith("INSERT OR IGNORE INTO held_tags")
    return f"{statement} ORDER BY 1, 2, 3" if is_tags else statement


def _insert(raw: sqlite3.Connection, table: Table, rows: _Rows) -> None:
    if rows:
        names = list(rows[0])
        places = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})"  # noqa: S608
        raw.executemany(statement, [tuple(row.values()) for row in rows])


@dataclass(frozen=True)
class _Drawn:
    """What is drawn for a batch of photos at once."""

    classes: list[str]
    labels: dict[str, list[str]]
    extra_objects: list[str]
    chances: npt.NDArray[np.float64]
    confidences: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.int64]


_CHANCES = 10 + 8  # drawn per photo, at most: columns, and scores of tags


def _rows_of(
    random: np.random.Generator,
    spreads: dict[str, _Spread],
    ids: Sequence[str],
    start: int,
    count: int,
) -> dict[Table, _Rows]:
    """Return, by table, the rows of the photos from ``start`` on. count: of the whole library."""
    batch = len(ids)
    classes = [*spreads["scenes"], ("unsure", 0.12), ("flower", 0.05), ("landmark", 0.03)]
    drawn = _Drawn(
        _draw(random, classes, batch),
        {head: _draw(random, spread, batch) for head, spread in spreads.items()},
        _draw(random, spreads["objects"], batch),
        random.random((batch, _CHANCES)),
        random.beta(5, 1.2, (batch, 2)),
        random.integers(500_000, 9_000_000, batch),
    )
    rows: dict[Table, _Rows] = {table: [] for table in _FILLED}
    for i, row_id in enumerate(ids):
        rows[photos].append(_photo_row(drawn, i, row_id, start + i, count))
        rows[automatic_tags] += _tag_rows(drawn, i, row_id)
        at = {"photo_id": row_id, "at": "2026-11-01T00:00:00+00:00"}
        if drawn.chances[i, 7] < 0.05:
            camera = drawn.labels["camera"][i]
            rows[tag_decisions].append(at | {"label": camera, "verdict": "rejected"})
        elif drawn.chances[i, 7] < 0.1:
            rows[tag_decisions].append(at | {"label": "Journey", "verdict": "added"})
        if drawn.chances[i, 8] < 0.03:
            rows[class_decisions].append(at | {"label": "holiday"})
    rows[hash_bands], rows[near_hashes] = _hash_rows(start, batch)
    return rows


def _spread(labels: Sequence[str]) -> _Spread:
    """A head's labels with relative frequencies: the n-th label has 1/n."""
    return [(label, 1 / (rank + 1)) for rank, label in enumerate(labels)]


def _draw(random: np.random.Generator, spread: _Spread, count: int) -> list[str]:
    weights = np.array([weight for _, weight in spread])
    numbers = random.choice(len(spread), count, p=weights / weights.sum())
    return [spread[n][0] for n in numbers]


def _photo_row(drawn: _Drawn, i: int, row_id: str, number: int, count: int) -> dict[str, Any]:
    upload = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    upload += datetime.timedelta(hours=number // 400)  # 400 photos per upload
    taken = datetime.datetime(2012, 1, 1)  # noqa: DTZ001
    taken += datetime.timedelta(days=_DAYS * number / max(count, 100_000))
    chances = drawn.chances[i].tolist()
    camera = ("Apple iPhone 12", "Canon EOS 6D", "SM-G991B", None)[int(4 * chances[0] ** 2)]
    has_place = camera is not None and chances[1] < 0.4
    name = f"IMG_{number % 10_000:04d}.JPG" if chances[2] < 0.7 else f"Summer {number}.jpg"
    assigned = drawn.classes[i]
    is_sure = assigned in _SCENES
    return {
        "id": row_id,
        "name": name,
        "folded_name": fold_case(name),
        "format": "JPEG",
        "file_bytes": int(drawn.sizes[i]),
        "width": 4000,
        "height": 3000,
        "added_at": upload.isoformat(timespec="milliseconds"),
        "auto_taken_at": None if chances[3] < 0.1 else taken.isoformat(timespec="seconds"),
        "auto_taken_source": "DateTimeOriginal",
        "auto_taken_confidence": 0.95,
        "camera": camera,
        "lens": "iPhone 12 front camera 2.71mm f/2.2" if chances[4] < 0.02 else None,
        "latitude": 38.7 + chances[5] if has_place else None,
        "longitude": -9.1 + chances[6] if has_place else None,
        "bundle": BUNDLE,
        "backbone": BACKBONE,
        "class_head": "scenes",
        "tag_head": "camera",
        "class_head_label": assigned if is_sure else "street",
        "confidence": float(drawn.confidences[i, 0]),
        "class_head_unsure": not is_sure,
        "auto_class": assigned,
        "auto_class_source": "scenes" if is_sure else "camera",
        "auto_class_score": 0.0 if assigned == "unsure" else float(drawn.confidences[i, 1]),
        "fallback_class": "unsure",
        "fallback_class_source": "none",
        "fallback_class_score": 0.0,
        "perceptual_hash": _hash(number),
        "trashed_at": None if chances[9] < 0.99 else "2026-11-01T00:00:00+00:00",
        "embedding_file": EMBEDDING_FILE,
        "embedding_slot": number,
        # No work is left for when the library is opened.
        "folder": f"/photos/{number // 400}",
        "stack_name": stack_name(name).base,
        "clutter_rule": RULE_VERSION,
        "sequence_checked": True,
    }


def _tag_rows(drawn: _Drawn, i: int, row_id: str) -> Iterator[dict[str, Any]]:
    tags = [(head, labels[i]) for head, labels in drawn.labels.items()]
    tags.append(("objects", drawn.extra_objects[i]))
    for column, (head, label) in enumerate(dict.fromkeys(tags), start=10):
        score = float(drawn.chances[i, column])
        yield dict(photo_id=row_id, head=head, label=label, score=score, bundle=BUNDLE)


def _random_bits(number: int) -> int:
    return int.from_bytes(hashlib.blake2b(str(number).encode(), digest_size=8).digest())


def _hash(number: int) -> int:
    """A random hash; every twentieth photo has the same hash as the one before it, or nearly."""
    bits = _random_bits(number - (number % 20 == 1))
    return signed_hash(bits ^ (0b101 if number % 40 == 1 else 0))


def _hash_rows(start: int, count: int) -> tuple[_Rows, _Rows]:
    """Return the rows of bands and near hashes.

    Of the other hashes of a million photos, about two pairs are near each other by chance; they
    are left out.
    """
    bands, pairs = [], []
    for number in range(start, start + count):
        signed = _hash(number)
        if number % 40 == 21:  # the same hash as before
            pairs.append({"hash": signed, "near": signed})
            continue
        bands += [{"band": band, "hash": signed} for band in bands_of(signed)]
        if number % 40 == 1:
            near = _hash(number - 1)
            pairs += [{"hash": signed, "near": near}, {"hash": near, "near": signed}]
    return bands, pairs


def _add_thumbnails(library: Library, count: int) -> None:
    """Create the thumbnail files as hard links to a few shared files."""
    random = np.random.default_rng(0)
    thumbnails = [
        make_thumbnail(random.integers(0, 255, (12, 16, 3), np.uint8).repeat(20, 0).repeat(20, 1))
        for _ in range(64)
    ]
    for number in range(count):
        kind = number % len(thumbnails)
        path = library.files.thumbnail_location(photo_id(number))
        shared = library.folder / f"shared_{kind}_{number // _LINKS}.webp"
        if number % _LINKS < len(thumbnails):
            shared.write_bytes(thumbnails[kind])
        path.parent.mkdir(exist_ok=True)
        os.link(shared, path)
