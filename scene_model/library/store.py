"""The library on disk: rows, originals, thumbnails and embeddings.

LIBRARY/library.db                 rows
LIBRARY/originals/ab/abcd….jpg     unchanged originals, named by their SHA-256
LIBRARY/thumbnails/ab/abcd….webp   recreated when missing; of a video also abcd….frames.webp
LIBRARY/embeddings/*.f16           embeddings
LIBRARY/embeddings/*.near          short vectors of them, recreated when missing
LIBRARY/copies/                    automatic copies of the database
LIBRARY/incoming/, jobs/           pending uploads, and results of finished ones
LIBRARY/inbox/                     files that an app put in by WebDAV, until they are added
LIBRARY/phone.json                 codes for phones, as hashes
LIBRARY/archives/                  uploaded archives, until their photos are added
LIBRARY/fetched/                   originals of URLs that were opened, until others need the room
LIBRARY/new/                       files being written

Files are written before the row that refers to them. A kill can leave files without a row, which
the next addition of the same photo reuses, but never a row without its files.
"""

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import HeadPredictions, Prediction, Provenance
from scene_model.errors import DatabaseMissing, EmbeddingMissing, PhotoNotFound
from scene_model.library.database.connections import Database, open_database
from scene_model.library.database.database_file import (
    DATABASE_NAME,
    WHAT_TO_DO,
    require_database,
    require_database_file,
)
from scene_model.library.database.schema import (
    automatic_tags,
    choices,
    class_decisions,
    photos,
    places,
    tag_decisions,
    taught_tags,
)
from scene_model.library.embeddings.embedding_files import EmbeddingFiles, packed
from scene_model.library.embeddings.unit_vectors import UnitVectors
from scene_model.library.files.file_system import (
    PRIVATE_FOLDER_MODE,
    PRIVATE_MODE,
    FileSystem,
    library_error,
)
from scene_model.library.files.photo_files import PhotoFiles
from scene_model.library.files.remote_originals import FetchOriginal
from scene_model.library.in_memory.changes import Numbers, parsed_numbers, run_numbers
from scene_model.library.in_memory.columns import PhotoColumns
from scene_model.library.photo_query import IdsInOrder, filter_photos, in_batches
from scene_model.library.photo_writes import write_photo, write_predictions
from scene_model.library.query_cache import QueryCache
from scene_model.library.records import (
    Added,
    NewPhoto,
    PhotoRecord,
    StoredEmbedding,
    WrittenPhoto,
    photo_record,
    tags_by_photo,
)
from scene_model.library.sort_order import (
    NEWEST_ADDED,
    Sort,
    SortKey,
    order_by,
)
from scene_model.library.stacks.tiles import HIDDEN_AND_TILES, is_tile, without_hidden
from scene_model.photos.content import Content
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.places.gazetteer import Gazetteer

_OWN_FILE = re.compile(
    r"originals|thumbnails|embeddings|new|incoming|jobs|trash|batches|copies|rebuilding|watch|"
    r"inbox|archives|fetched|phone\.json|library\.db.*"
)

# Built once: to build a statement costs more time than SQLite needs for it.
_HELD_PHOTO = select(
    *(photos.c.id, photos.c.bundle, photos.c.format, photos.c.file_bytes, photos.c.reference),
    photos.c.remote_url,
).where(photos.c.id == bindparam("photo_id"), photos.c.trashed_at.is_(None))

# The first photos of an order come from its index sooner than all its photos are in memory.
_NEAR_START = 2_000

PhotoWriter = Callable[[Connection, WrittenPhoto], None]
"""Writes additional rows of a photo in the transaction that writes its main row."""


class Library:
    """One library; safe to share between threads and processes."""

    def __init__(
        self,
        folder: Path,
        file_system: FileSystem | None = None,
        decoders: Decoders | None = None,
        is_rebuilding: bool = False,
        gazetteer: Gazetteer | None = None,
        fetch: FetchOriginal | None = None,
    ) -> None:
        """Open or create the library in a folder.

        file_system: tests pass one that injects faults. decoders: make previews and missing
        thumbnails; None for one of its own. is_rebuilding: open it although rows of its photos are
        missing. gazetteer: names the positions of photos; None for one of its own. fetch: fetches
        originals from URLs; without it, none is fetched. Raises LibraryUnavailable; DatabaseMissing
        for a folder that has photos, but no database.
        """
        self._owns_decoders = decoders is None
        self.decoders = decoders or Decoders(PhotoLimits(), processes=1)
        self.gazetteer = gazetteer or Gazetteer.open()
        self.folder = folder.expanduser().absolute()
        require_database(self.folder, is_rebuilding)
        self.file_system = file_system or FileSystem()
        with self._translated_errors():
            self.files = PhotoFiles(self.folder, self.file_system, self.decoders, fetch)
            for path in (self.incoming_dir, self.jobs_dir, self.folder / "embeddings"):
                self.file_system.make_folder(path, PRIVATE_FOLDER_MODE)
            # Others cannot reach what lies deeper, once they cannot enter these folders. What else
            # a person keeps here stays as it is.
            own = [path for path in self.folder.iterdir() if _OWN_FILE.fullmatch(path.name)]
            self.file_system.make_private([self.folder.resolve(), *own])
            self.embeddings = EmbeddingFiles(self.folder / "embeddings", self.file_system)
            self.database_file = self.folder / DATABASE_NAME
            with contextlib.suppress(FileExistsError):  # SQLite's own files get its permissions
                self.database_file.touch(PRIVATE_MODE, exist_ok=False)
            self.database: Database = open_database(self.database_file, self.embeddings)
            self._identity = self.database_file.stat()
        self._query_cache = QueryCache(self.database.reader)
        self.columns = PhotoColumns(self.database.reader, self._query_cache.version)
        self._vectors: tuple[str, UnitVectors] | None = None
        # For `embedding_projection`: one thread makes the short vectors of this library.
        self.projection_lock = threading.Lock()

    def __enter__(self) -> "Library":
        """Return the open library."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the library."""
        self.close()

    def close(self) -> None:
        """Close the database; the object must not be used afterwards."""
        self._query_cache.close()
        self.database.close()
        if self._owns_decoders:
            self.decoders.close()

    @property
    def jobs_dir(self) -> Path:
        """Folder of the results of finished uploads."""
        return self.folder / "jobs"

    @property
    def incoming_dir(self) -> Path:
        """Folder of pending uploads."""
        return self.folder / "incoming"

    def require_ready(self) -> None:
        """Raise LibraryUnavailable when the database was removed, replaced or cannot be read."""
        require_database(self.folder)
        try:
            is_same = os.path.samestat(self.database_file.stat(), self._identity)
        except OSError:
            is_same = False
        if not is_same:
            raise DatabaseMissing(
                f"The library's database {self.database_file} was removed or replaced while it "
                f"was open. Restart the server. {WHAT_TO_DO}"
            )
        require_database_file(self.database_file)
        with self.database.reader.begin() as connection:
            connection.execute(select(photos.c.id).limit(1)).first()

    def require_space(self, needed_bytes: int) -> None:
        """Raise LibraryFull when the disk lacks space for so many bytes."""
        with self._translated_errors():
            self.file_system.require_space(self.folder, needed_bytes)

    def holds(self, photo_id: str, bundle_id: str, is_remote: bool = False) -> bool:
        """Whether a photo is outside the trash, has its original, and was tagged by a bundle.

        is_remote: an original at a URL counts, too.
        """
        with self.database.reader.begin() as connection:
            row: Any = connection.execute(_HELD_PHOTO, {"photo_id": photo_id}).first()
        if row is None or row.bundle != bundle_id:
            return False
        return self.files.has_original(row) if row.remote_url is None else is_remote

    def add(
        self,
        photo: NewPhoto,
        prediction: Prediction,
        provenance: Provenance,
        reference: Path | None = None,
        writers: Sequence[PhotoWriter] = (),
    ) -> Added:
        """Add a photo: original and thumbnail, then the rows; a kill leaves all of it or nothing.

        An existing photo keeps its name and all human decisions; its predictions are replaced,
        and it leaves the trash. reference: path of an original to leave where it is. With it, or a
        ``remote_url`` of the photo, the library makes no copy, unless it has one already. writers:
        called in the same transaction, after the photo's row and tags. Raises LibraryUnavailable,
        and LibraryFull before anything is written; UnreadableFile for a video that changes while it
        is copied.
        """
        photo_id = photo.id
        embedding_bytes = len(packed(photo_id, prediction.embedding))
        is_copied = reference is None and photo.remote_url is None
        copied_bytes = self.files.copied_bytes(photo.data) if is_copied else 0
        self.require_space(copied_bytes + embedding_bytes)
        with self._translated_errors():
            self._write_files(photo_id, photo, prediction, reference)
            with self.database.writer.begin() as connection:
                # Again with the write lock: before it, another process could remove the files as
                # orphans.
                self._write_files(photo_id, photo, prediction, reference)
                written, existed = write_photo(
                    connection, self.embeddings, photo_id, photo, prediction, provenance, reference
                )
                for write in writers:
                    write(connection, written)
        return Added(photo_id, existed)

    def replace_predictions(
        self,
        photo_id: str,
        head_predictions: HeadPredictions,
        provenance: Provenance,
        embedding: FloatArray | None = None,
        writers: Sequence[PhotoWriter] = (),
    ) -> None:
        """Replace a photo's predictions in one transaction; human decisions and trash stay.

        embedding: the new one, when the photo was classified from its original; ``writers`` are
        then called in the same transaction. Raises PhotoNotFound.
        """
        with self._translated_errors(), self.database.writer.begin() as connection:
            write_predictions(
                connection, self.embeddings, photo_id, head_predictions, provenance, embedding
            )
            if embedding is not None:
                written = WrittenPhoto(photo_id, None, embedding, provenance.backbone)
                for write in writers:
                    write(connection, written)

    def tagged_by_other_bundles(self, bundle_id: str) -> list[str]:
        """Return ids of photos outside the trash tagged by another bundle, newest first."""
        return self.find(photos.c.bundle != bundle_id)

    def count_tagged_by_other_bundles(self, bundle_id: str) -> int:
        """Count the photos of `tagged_by_other_bundles`."""
        return self.count(photos.c.bundle != bundle_id)

    def choice(self, name: str) -> str | None:
        """Return a setting of this library; None when it is not set."""
        with self.database.reader.begin() as connection:
            value: str | None = connection.execute(
                select(choices.c.value).where(choices.c.name == name)
            ).scalar()
        return value

    def choose(self, name: str, value: str) -> None:
        """Store a setting of this library."""
        with self.database.writer.begin() as connection:
            connection.execute(
                upsert(choices)
                .values(name=name, value=value)
                .on_conflict_do_update(["name"], set_={"value": value})
            )

    def photo(self, photo_id: str) -> PhotoRecord:
        """Return one photo; raises PhotoNotFound."""
        records = list(self.records([photo_id]))
        if not records:
            raise PhotoNotFound(f"The library has no photo {photo_id[:12]!r}.")
        return records[0]

    def records(self, photo_ids: Iterable[str]) -> Iterator[PhotoRecord]:
        """Yield photos in the order of their ids; unknown ids are skipped."""
        for batch in in_batches(photo_ids):
            with self.database.reader.begin() as connection:
                rows = connection.execute(select(photos).where(photos.c.id.in_(batch))).all()
                place_rows = _rows_of_places(connection, rows)
                tags = tags_by_photo(
                    connection.execute(
                        select(automatic_tags)
                        .where(automatic_tags.c.photo_id.in_(batch))
                        .order_by(automatic_tags.c.score.desc(), automatic_tags.c.label)
                    ).all(),
                    connection.execute(
                        select(tag_decisions)
                        .where(tag_decisions.c.photo_id.in_(batch))
                        .order_by(tag_decisions.c.label)
                    ).all(),
                )
            by_id = {row.id: row for row in rows}
            for photo_id in batch:
                if photo_id in by_id:
                    row = by_id[photo_id]
                    place = place_rows.get(row.place_id)
                    yield photo_record(row, tags.get(photo_id, ()), place)

    def find(
        self,
        where: ColumnElement[bool] | None = None,
        limit: int | None = None,
        offset: int = 0,
        trashed: bool = False,
        sort: Sort = NEWEST_ADDED,
    ) -> list[str]:
        """Return the ids of the photos that match a condition, sorted."""
        is_cached = limit is not None or sort.key is SortKey.MATCH
        if is_cached and where is not None and not trashed:
            end = None if limit is None else offset + limit
            page = self._matching(where, sort)[offset:end]
            return list(IdsInOrder(self.database, page))
        return self._page(where, limit, offset, sort, trashed)

    def ids_in_order(self, where: ColumnElement[bool] | None, sort: Sort) -> IdsInOrder:
        """Return all ids that match a condition, sorted, with 4 bytes per id in memory."""
        return IdsInOrder(self.database, self._matching(where, sort))

    def numbers_in_order(
        self, where: ColumnElement[bool] | None, sort: Sort
    ) -> tuple[Numbers, npt.NDArray[np.float64]]:
        """Return the numbers of all photos that match a condition in a sort's `scores`, with these.

        Photos without a score come last, with minus infinity.
        """
        numbers = self._matching(where, sort)
        if sort.scores is None:
            return numbers, np.zeros(len(numbers))
        return numbers, _scores_by_number(numbers, sort.scores.numbers, sort.scores.scores, -np.inf)

    def tiles_in_order(self, where: ColumnElement[bool] | None, sort: Sort) -> IdsInOrder:
        """Return the ids of the tiles of a condition, sorted: a stack shows as its pick."""
        return IdsInOrder(self.database, self._tiles(where, sort))

    def find_tiles(
        self, where: ColumnElement[bool] | None, limit: int, offset: int, sort: Sort
    ) -> list[str]:
        """Return ids of the tiles of a condition, sorted; see `stacks.tiles`."""
        is_near_start = offset + limit <= _NEAR_START
        if where is None and sort.key is not SortKey.MATCH and is_near_start:
            # Read from the index of the order, which the first page needs no other data for.
            has_hidden = bool(len(self._hidden_and_tiles()[0]))
            return self._page(is_tile() if has_hidden else None, limit, offset, sort)
        return list(IdsInOrder(self.database, self._tiles(where, sort)[offset : offset + limit]))

    def count_tiles(self, where: ColumnElement[bool] | None, sort: Sort = NEWEST_ADDED) -> int:
        """Count the tiles of a condition; caches the ids for `find_tiles` with that order."""
        if where is None:
            condition = is_tile() if len(self._hidden_and_tiles()[0]) else None
            query = filter_photos(select(func.count()), condition, trashed=False)
            return self._query_cache.get(query, self._run_count)
        return len(self._tiles(where, NEWEST_ADDED if sort.key is SortKey.MATCH else sort))

    def numbers(self, where: ColumnElement[bool] | None) -> Numbers:
        """Return the numbers of the photos that match a condition, to count them in `columns`."""
        return self._matching(where, NEWEST_ADDED)

    def tile_numbers(self, where: ColumnElement[bool] | None) -> Numbers:
        """Return the numbers of the tiles of a condition; see `stacks.tiles`."""
        return self._tiles(where, NEWEST_ADDED)

    def has_hidden(self) -> bool:
        """Whether some photo is no tile of its own."""
        return bool(len(self._hidden_and_tiles()[0]))

    def count(
        self,
        where: ColumnElement[bool] | None = None,
        trashed: bool = False,
        sort: Sort = NEWEST_ADDED,
    ) -> int:
        """Count the photos that match a condition; caches the ids for `find` with that order."""
        if where is not None and not trashed:
            return len(self._matching(where, NEWEST_ADDED if sort.key is SortKey.MATCH else sort))
        query = filter_photos(select(func.count()), where, trashed)
        return self._query_cache.get(query, self._run_count)

    def count_by_class(self, where: ColumnElement[bool] | None = None) -> dict[str, int]:
        """Count photos by effective class, most frequent first."""
        counts: dict[str, int] = {}
        for (*_, label), count in self.columns.classes.get().counts(self.numbers(where)):
            counts[label] = counts.get(label, 0) + count
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    def pairs(self, query: Select[Any]) -> list[tuple[str, int]]:
        """Run a query for (text, count) rows; the result is cached until the library changes."""
        return self._query_cache.get(query, self._run_pairs)

    def number_pairs(
        self, query: Select[Any]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Run a query for one row of two lists of numbers; the result is cached as in `pairs`."""
        first, second = self._query_cache.get(query, self._run_number_pairs)
        return first.astype(np.int64), second.astype(np.int64)

    def unit_vectors(self, key: str, make: Callable[[], UnitVectors]) -> UnitVectors:
        """Return the unit vectors in memory; only the latest key's are kept."""
        cached = self._vectors
        if cached is None or cached[0] != key:
            cached = self._vectors = (key, make())
        return cached[1]

    def version(self) -> int:
        """Return a number that changes whenever any process writes to the library."""
        return self._query_cache.version()

    def clear_query_cache(self) -> None:
        """Remove cached query results; for benchmarks and tests."""
        self._query_cache.clear()

    def human_labels(self) -> list[str]:
        """Return all labels that people added, taught or chose as a class, sorted."""
        with self.database.reader.begin() as connection:
            added = connection.execute(
                select(tag_decisions.c.label).where(tag_decisions.c.verdict == "added").distinct()
            ).scalars()
            classes = connection.execute(select(class_decisions.c.label).distinct()).scalars()
            taught = connection.execute(select(taught_tags.c.label)).scalars()
            return sorted({*added, *classes, *taught})

    def taught_labels(self) -> list[str]:
        """Return the labels of taught tags."""
        with self.database.reader.begin() as connection:
            return list(connection.execute(select(taught_tags.c.label).distinct()).scalars())

    def embedding(self, photo_id: str) -> StoredEmbedding:
        """Return a photo's embedding; raises PhotoNotFound or EmbeddingMissing."""
        query = select(
            photos.c.embedding_file, photos.c.embedding_slot, photos.c.bundle, photos.c.backbone
        ).where(photos.c.id == photo_id)
        previous_row = None
        while True:
            with self.database.reader.begin() as connection:
                row = connection.execute(query).first()
            if row is None:
                raise PhotoNotFound(f"The library has no photo {photo_id[:12]!r}.")
            try:
                values = self.embeddings.read(row.embedding_file, row.embedding_slot, photo_id)
            except EmbeddingMissing:
                if row == previous_row:
                    raise
                previous_row = row  # retry: it may have moved between the two reads
            else:
                return StoredEmbedding(values, Provenance(row.bundle, row.backbone))

    def original_path(self, photo_id: str) -> Path:
        """Return the path of the original; raises PhotoNotFound or OriginalMissing."""
        return self.files.original(self.photo(photo_id))

    def verified_original(self, photo_id: str) -> Path:
        """Return the path of the original after checking its content hash.

        Raises PhotoNotFound, OriginalMissing or OriginalChanged.
        """
        return self.files.verified_original(self.photo(photo_id))

    def original_bytes(self, photo_id: str) -> bytes:
        """Return the original's bytes; checks and raises as `verified_original` does."""
        return self.files.original_bytes(self.photo(photo_id))

    def original_content(self, photo_id: str) -> Content:
        """Return what can be classified again; raises as `PhotoFiles.content` does."""
        return self.files.content(self.photo(photo_id))

    def fetch_original(self, photo_id: str, may_wait: bool = True) -> None:
        """Fetch an original from its URL, for a person who opens or exports the photo.

        Does nothing where it is on this computer. may_wait: see `FetchedOriginals.fetch`. Raises
        PhotoNotFound; OriginalUnreachable or OriginalChanged where it cannot be had.
        """
        photo = self.photo(photo_id)
        with self._translated_errors():
            self.files.fetch(photo, may_wait)

    def video_path(self, photo_id: str) -> Path:
        """Return the path of a video after checking its size.

        Raises PhotoNotFound, NoFrames for a picture, OriginalMissing or OriginalChanged.
        """
        return self.files.video(self.photo(photo_id)).path

    def frames(self, photo_id: str) -> bytes:
        """Return a video's frames, side by side as WebP; missing ones are decoded again.

        Raises NoFrames for a picture.
        """
        try:
            return self.files.frames_location(photo_id).read_bytes()
        except FileNotFoundError:
            with self._translated_errors():
                return self.files.recreate_frames(self.photo(photo_id))

    def thumbnail(self, photo_id: str) -> bytes:
        """Return a thumbnail's WebP bytes; a missing one is recreated from the original."""
        try:
            return self.files.thumbnail_location(photo_id).read_bytes()
        except FileNotFoundError:
            with self._translated_errors():
                return self.files.recreate_thumbnail(self.photo(photo_id))

    def full_size(self, photo_id: str) -> bytes:
        """Return the whole photo as a JPEG; raises as `preview` does."""
        return self.files.full_size(self.photo(photo_id))

    def preview(self, photo_id: str) -> bytes:
        """Return a screen-sized WebP; browsers cannot show every original format."""
        return self.files.preview(self.photo(photo_id))

    def original_location(self, photo: PhotoRecord) -> Path:
        """Return the path of a photo's original, whether or not it exists."""
        return self.files.location(photo)

    def _page(
        self,
        where: ColumnElement[bool] | None,
        limit: int | None,
        offset: int,
        sort: Sort,
        trashed: bool = False,
    ) -> list[str]:
        query = filter_photos(select(photos.c.id), where, trashed, sort).order_by(*order_by(sort))
        query = query.limit(limit).offset(offset)
        with self.database.reader.begin() as connection:
            return list(connection.execute(query).scalars())

    def _tiles(self, where: ColumnElement[bool] | None, sort: Sort) -> Numbers:
        """Return the sorted numbers of the tiles among all matching photos."""
        return without_hidden(self._matching(where, sort), *self._hidden_and_tiles())

    def _hidden_and_tiles(self) -> tuple[Numbers, Numbers]:
        return self._query_cache.get(HIDDEN_AND_TILES, self._run_number_pairs)

    def _matching(self, where: ColumnElement[bool] | None, sort: Sort) -> Numbers:
        """Return the sorted numbers of all matching photos; the result is cached.

        A page needs the count and then some of the ids; with this, the library is searched once
        for both. A million numbers take 4 MB.
        """
        if sort.key is SortKey.MATCH:
            return self._best_first(self._matching(where, NEWEST_ADDED), sort)
        if where is None and sort.key is not SortKey.ALBUM:
            return self.columns.orders[sort].get()
        query = filter_photos(select(photos.c.number), where, trashed=False, sort=sort)
        query = query.order_by(*order_by(sort))
        if where is None or sort.key is SortKey.ALBUM:
            return self._query_cache.get(query, self._run_numbers)
        # The order is taken after the cache has read the version: it is never older than that.
        order = self.columns.orders[sort]
        return self._query_cache.get(query, lambda _: self._filtered(order.get(), where))

    def _filtered(self, numbers: Numbers, where: ColumnElement[bool]) -> Numbers:
        size = int(numbers.max(initial=-1)) + 1
        is_matching = self.columns.conditions.matching(where, size)
        result: Numbers = numbers[is_matching[numbers]]
        return result

    def _best_first(self, numbers: Numbers, sort: Sort) -> Numbers:
        """Order photos by their scores; equal ones keep their order.

        Of labels the highest counts: the order of `order_by`, which sorts in SQL, at half the time
        for many photos.
        """
        if sort.scores is not None:  # those without a score come last
            scored, values = sort.scores.numbers, sort.scores.scores
            highest = _scores_by_number(numbers, scored, values, -np.inf)
        else:
            scores = self.columns.scores(sort)
            by_number = np.zeros(max(len(scores), int(numbers.max(initial=-1)) + 1))
            by_number[: len(scores)] = scores
            highest = by_number[numbers]
        ordered: Numbers = numbers[np.argsort(-highest, kind="stable")]
        return ordered

    def _run_number_pairs(self, query: Select[Any]) -> tuple[Numbers, Numbers]:
        with self.database.reader.begin() as connection:
            first, second = connection.execute(query).one()
        return parsed_numbers(first), parsed_numbers(second)

    def _run_numbers(self, query: Select[Any]) -> Numbers:
        with self.database.reader.begin() as connection:
            return run_numbers(connection, query)

    def _run_count(self, query: Select[Any]) -> int:
        with self.database.reader.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def _run_pairs(self, query: Select[Any]) -> list[tuple[str, int]]:
        with self.database.reader.begin() as connection:
            return [(row[0], int(row[1])) for row in connection.execute(query)]

    def _write_files(
        self, photo_id: str, photo: NewPhoto, prediction: Prediction, reference: Path | None
    ) -> None:
        if reference is None and photo.remote_url is None:
            self.files.store_copy(photo_id, prediction.photo.format, photo.data)
        self.files.store_thumbnail(photo_id, prediction.photo.pixels)
        self.files.store_frames(photo_id, prediction.photo.frames)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise library_error(error, self.folder) from error


def _scores_by_number(
    numbers: Numbers,
    scored: npt.NDArray[np.int64],
    values: npt.NDArray[np.floating],
    lowest: float,
) -> npt.NDArray[np.float64]:
    """Return the highest score of each photo; lowest: of those without one."""
    highest = np.full(int(numbers.max(initial=0)) + 1, lowest)
    is_listed = scored < len(highest)
    np.maximum.at(highest, scored[is_listed], values[is_listed])
    result: npt.NDArray[np.float64] = highest[numbers]
    return result


def _rows_of_places(connection: Connection, rows: Iterable[Any]) -> dict[int, Any]:
    """Return the rows of the places of photos, by their ids."""
    ids = {row.place_id for row in rows} - {None}
    if not ids:
        return {}
    place_rows = connection.execute(select(places).where(places.c.id.in_(sorted(ids))))
    return {row.id: row for row in place_rows}
