"""The library on disk: originals byte for byte, thumbnails, and what is known of each photo.

LIBRARY/library.db                 rows
LIBRARY/originals/ab/abcd….jpg     the bytes that were added, named by their SHA-256
LIBRARY/thumbnails/ab/abcd….webp   made anew when missing
LIBRARY/embeddings/*.f16           what the networks saw
LIBRARY/incoming/, jobs/           uploads on their way in, and what became of them
LIBRARY/new/                       files that are being written

What a row names is on the disk before the row is: a kill leaves files without a row, which the
next addition of the photo takes for its own, never a row without its files.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import HeadPredictions, Prediction, Provenance
from scene_model.classifier.labels import TAUGHT
from scene_model.errors import EmbeddingMissing, PhotoNotFound
from scene_model.library.database import Database, open_database
from scene_model.library.embeddings import EmbeddingFiles, file_name, packed
from scene_model.library.file_system import FileSystem, library_error
from scene_model.library.photo_files import PhotoFiles
from scene_model.library.photo_query import IdsInOrder, in_batches, of_photos
from scene_model.library.query_cache import QueryCache
from scene_model.library.records import (
    Added,
    NewPhoto,
    PhotoRecord,
    StoredEmbedding,
    WrittenPhoto,
)
from scene_model.library.rows import (
    photo_columns,
    prediction_columns,
    record,
    tag_rows,
    tags_by_photo,
)
from scene_model.library.schema import (
    automatic_tags,
    choices,
    class_decisions,
    free_slots,
    photos,
    tag_decisions,
    taught_tags,
)
from scene_model.library.sort_order import NEWEST_ADDED, Sort, in_order
from scene_model.photos.hashes import content_hash

PhotoWriter = Callable[[Connection, WrittenPhoto], None]
"""Writes what else belongs to a photo, in the transaction that writes its row."""


class Library:
    """One library; safe to share between threads and processes."""

    def __init__(self, folder: Path, file_system: FileSystem | None = None) -> None:
        """Open the library in a folder, or begin one there; raises LibraryUnavailable.

        disk: what takes the steps on the disk; a test's may end the program at one of them.
        """
        self.folder = folder.expanduser().absolute()
        self.file_system = file_system or FileSystem()
        with self._in_words():
            self.files = PhotoFiles(self.folder, self.file_system)
            for path in (self.incoming_dir, self.jobs_dir, self.folder / "embeddings"):
                self.file_system.make_folder(path)
            self.embeddings = EmbeddingFiles(self.folder / "embeddings", self.file_system)
            self.database: Database = open_database(self.folder / "library.db", self.embeddings)
        self._query_cache = QueryCache(self.database.reader)

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
        """Close the database; the object must not be used after."""
        self._query_cache.close()
        self.database.close()

    @property
    def jobs_dir(self) -> Path:
        """Where it is written down what became of uploads."""
        return self.folder / "jobs"

    @property
    def incoming_dir(self) -> Path:
        """Where uploads wait to be classified."""
        return self.folder / "incoming"

    def require_space(self, wanted_bytes: int) -> None:
        """Raise LibraryFull when so much cannot be written any more."""
        with self._in_words():
            self.file_system.require_space(self.folder, wanted_bytes)

    def holds(self, photo_id: str, bundle_id: str) -> bool:
        """Tell whether a photo is there, with its file, outside the trash, answered by a bundle."""
        found = list(self.records([photo_id]))
        return (
            bool(found)
            and found[0].bundle == bundle_id
            and found[0].trashed_at is None
            and self.files.is_there(found[0])
        )

    def add(
        self,
        photo: NewPhoto,
        look: Prediction,
        by: Provenance,
        reference: Path | None = None,
        writers: Sequence[PhotoWriter] = (),
    ) -> Added:
        """Keep a photo: original, thumbnail, then the rows; a kill leaves all or nothing of it.

        A photo that is there already keeps its name and every human decision; its automatic
        answers are replaced, and it leaves the trash. reference: the file that stays the
        original, where it is; the library then makes no copy, unless it has one already.
        writers: called in the same transaction, after the photo's row and tags.
        Raises LibraryUnavailable, and LibraryFull before anything is written.
        """
        photo_id = content_hash(photo.data)
        slot_bytes = packed(photo_id, look.embedding)
        self.require_space((0 if reference else len(photo.data)) + len(slot_bytes))
        with self._in_words():
            self._keep_files(photo_id, photo, look, reference)
            with self.database.writer.begin() as connection:
                # Again, now that nobody else can be removing what they take for left over.
                self._keep_files(photo_id, photo, look, reference)
                known = connection.execute(
                    select(photos.c.reference).where(photos.c.id == photo_id)
                ).first()
                row = prediction_columns(look.head_predictions, by)
                row |= self._keep_embedding(connection, slot_bytes, by, len(look.embedding))
                about = photo_columns(photo_id, photo, look)
                if known is None:
                    row |= about | {"reference": reference}
                    connection.execute(insert(photos).values(**row))
                else:
                    row["trashed_at"] = None
                    # An earlier version of this program may have added it without a hash.
                    row["perceptual_hash"] = about["perceptual_hash"]
                    if reference is None or known.reference is not None:
                        row["reference"] = reference
                    connection.execute(update(photos).where(photos.c.id == photo_id).values(**row))
                _replace_tags(connection, photo_id, look.head_predictions, by)
                written = WrittenPhoto(
                    photo_id, about["perceptual_hash"], look.embedding, by.backbone
                )
                for write in writers:
                    write(connection, written)
        return Added(photo_id, known is not None)

    def replace_predictions(
        self,
        photo_id: str,
        answers: HeadPredictions,
        by: Provenance,
        embedding: FloatArray | None = None,
        writers: Sequence[PhotoWriter] = (),
    ) -> None:
        """Put a model's answers in the place of another's; all of them or none.

        What people decided stays, in the trash or out of it. embedding: a new one, when the
        photo was looked at again; ``writers`` are then called in the same transaction.
        Raises PhotoNotFound.
        """
        new = prediction_columns(answers, by)
        with self._in_words(), self.database.writer.begin() as connection:
            if embedding is not None:
                slot_bytes = packed(photo_id, embedding)
                new |= self._keep_embedding(connection, slot_bytes, by, len(embedding))
            found = connection.execute(update(photos).where(photos.c.id == photo_id).values(**new))
            if not found.rowcount:
                raise PhotoNotFound(f"The library holds no photo {photo_id[:12]!r}.")
            _replace_tags(connection, photo_id, answers, by)
            if embedding is not None:
                written = WrittenPhoto(photo_id, None, embedding, by.backbone)
                for write in writers:
                    write(connection, written)

    def tagged_by_others(self, bundle_id: str) -> list[str]:
        """Ids of the photos outside the trash whose tags another bundle gave, newest first."""
        return self.find(photos.c.bundle != bundle_id)

    def count_tagged_by_others(self, bundle_id: str) -> int:
        """Count the photos of `tagged_by_others`."""
        return self.count(photos.c.bundle != bundle_id)

    def choice(self, name: str) -> str | None:
        """What was chosen for this library under a name; None when nothing was."""
        with self.database.reader.begin() as connection:
            value: str | None = connection.execute(
                select(choices.c.value).where(choices.c.name == name)
            ).scalar()
        return value

    def choose(self, name: str, value: str) -> None:
        """Keep a choice with this library."""
        with self.database.writer.begin() as connection:
            connection.execute(
                upsert(choices)
                .values(name=name, value=value)
                .on_conflict_do_update(["name"], set_={"value": value})
            )

    def photo(self, photo_id: str) -> PhotoRecord:
        """Return one photo; raises PhotoNotFound."""
        found = list(self.records([photo_id]))
        if not found:
            raise PhotoNotFound(f"The library holds no photo {photo_id[:12]!r}.")
        return found[0]

    def records(self, photo_ids: Iterable[str]) -> Iterator[PhotoRecord]:
        """Yield the photos of some ids, in the order given; unknown ids are passed over."""
        for batch in in_batches(photo_ids):
            with self.database.reader.begin() as connection:
                rows = connection.execute(select(photos).where(photos.c.id.in_(batch))).all()
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
                    yield record(by_id[photo_id], tags.get(photo_id, ()))

    def find(
        self,
        where: ColumnElement[bool] | None = None,
        limit: int | None = None,
        offset: int = 0,
        trashed: bool = False,
        sort: Sort = NEWEST_ADDED,
    ) -> list[str]:
        """Ids of the photos a condition holds for, in the order asked for."""
        if limit is not None and where is not None and not trashed:
            return self._ids_of(self._matching(where, sort)[offset : offset + limit].tolist())
        order = in_order(sort)
        query = of_photos(select(photos.c.id), where, trashed, order).order_by(*order)
        return self._ids(query.limit(limit).offset(offset))

    def ids_in_order(self, where: ColumnElement[bool] | None, sort: Sort) -> IdsInOrder:
        """All ids a condition holds for, in an order, for what goes through them one by one."""
        return IdsInOrder(self.database, self._matching(where, sort))

    def count(
        self,
        where: ColumnElement[bool] | None = None,
        trashed: bool = False,
        sort: Sort = NEWEST_ADDED,
    ) -> int:
        """Count the photos a condition holds for; pages in that order then cost little."""
        if where is not None and not trashed:
            return len(self._matching(where, sort))
        query = of_photos(select(func.count()), where, trashed)
        return self._query_cache.ask(query, self._number)

    def count_by_class(self, where: ColumnElement[bool] | None = None) -> dict[str, int]:
        """Count photos by what they are filed under, most first."""
        query = of_photos(select(photos.c.photo_class, func.count()), where, trashed=False)
        query = query.group_by(photos.c.photo_class).order_by(
            func.count().desc(), photos.c.photo_class
        )
        return dict(self.pairs(query))

    def pairs(self, query: Select[Any]) -> list[tuple[str, int]]:
        """Words and their numbers, asked for in SQL; remembered until the library changes."""
        return self._query_cache.ask(query, self._pairs)

    def version(self) -> int:
        """A number that is another one after anybody, in any process, changed the library."""
        return self._query_cache.version()

    def forget(self) -> None:
        """Forget remembered answers, which nobody needs to but those who measure."""
        self._query_cache.forget()

    def human_labels(self) -> list[str]:
        """All labels people have added, taught, or filed photos under, sorted."""
        with self.database.reader.begin() as connection:
            added = connection.execute(
                select(tag_decisions.c.label).where(tag_decisions.c.verdict == "added").distinct()
            ).scalars()
            classes = connection.execute(select(class_decisions.c.label).distinct()).scalars()
            taught = connection.execute(select(taught_tags.c.label)).scalars()
            return sorted({*added, *classes, *taught})

    def taught_labels(self) -> list[str]:
        """Labels of tags that people taught by examples."""
        with self.database.reader.begin() as connection:
            return list(connection.execute(select(taught_tags.c.label).distinct()).scalars())

    def embedding(self, photo_id: str) -> StoredEmbedding:
        """The kept embedding, and which model's it is; raises PhotoNotFound or EmbeddingMissing."""
        wanted = select(
            photos.c.embedding_file, photos.c.embedding_slot, photos.c.bundle, photos.c.backbone
        ).where(photos.c.id == photo_id)
        before = None
        while True:
            with self.database.reader.begin() as connection:
                row = connection.execute(wanted).first()
            if row is None:
                raise PhotoNotFound(f"The library holds no photo {photo_id[:12]!r}.")
            try:
                values = self.embeddings.read(row.embedding_file, row.embedding_slot, photo_id)
            except EmbeddingMissing:
                if row == before:
                    raise
                before = row  # it may have moved between the two reads
            else:
                return StoredEmbedding(values, Provenance(row.bundle, row.backbone))

    def original_path(self, photo_id: str) -> Path:
        """Where the original lies; raises PhotoNotFound or OriginalMissing."""
        return self.files.original(self.photo(photo_id))

    def verified_original(self, photo_id: str) -> Path:
        """Where the original lies, after checking that it is still what was added.

        Raises PhotoNotFound, OriginalMissing or OriginalChanged.
        """
        return self.files.verified_original(self.photo(photo_id))

    def original_bytes(self, photo_id: str) -> bytes:
        """The original, checked to be what was added; raises as `verified_original` does."""
        return self.files.original_bytes(self.photo(photo_id))

    def thumbnail(self, photo_id: str) -> bytes:
        """A thumbnail's WebP bytes, made anew from the original when it is missing."""
        try:
            return self.files.thumbnail_location(photo_id).read_bytes()
        except FileNotFoundError:
            with self._in_words():
                return self.files.new_thumbnail(self.photo(photo_id))

    def preview(self, photo_id: str) -> bytes:
        """A picture large enough for a screen, as WebP: browsers cannot show every original."""
        return self.files.preview(self.photo(photo_id))

    def original_location(self, photo: PhotoRecord) -> Path:
        """Where the original of a photo should be, whether or not it is there."""
        return self.files.location(photo)

    def _matching(self, where: ColumnElement[bool] | None, sort: Sort) -> npt.NDArray[np.int64]:
        """Numbers of all photos a condition holds for, in order.

        A page asks how many there are, and then for some of them: this way the library is looked
        through once. 100,000 numbers are 0.8 MB.
        """
        order = in_order(sort)
        query = of_photos(select(photos.c.number), where, trashed=False, order=order)
        found = query.order_by(*order).subquery()
        # As one text: 100,000 rows fetched one by one would take longer than finding them. What
        # goes into group_concat comes in the order of the query below it; a test holds that.
        return self._query_cache.ask(select(func.group_concat(found.c.number)), self._numbers)

    def _numbers(self, query: Select[Any]) -> npt.NDArray[np.int64]:
        with self.database.reader.begin() as connection:
            text = connection.execute(query).scalar_one()
        return np.fromstring(text or "", np.int64, sep=",")

    def _ids_of(self, numbers: Sequence[int]) -> list[str]:
        """Ids of photos by their numbers, in the order given."""
        return list(IdsInOrder(self.database, np.array(numbers, np.int64)))

    def _ids(self, query: Select[Any]) -> list[str]:
        with self.database.reader.begin() as connection:
            return list(connection.execute(query).scalars())

    def _number(self, query: Select[Any]) -> int:
        with self.database.reader.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def _pairs(self, query: Select[Any]) -> list[tuple[str, int]]:
        with self.database.reader.begin() as connection:
            return [(row[0], int(row[1])) for row in connection.execute(query)]

    def _keep_files(
        self, photo_id: str, photo: NewPhoto, look: Prediction, reference: Path | None
    ) -> None:
        if reference is None:
            self.files.keep_copy(photo_id, look.photo.format, photo.data)
        self.files.keep_thumbnail(photo_id, look.photo.pixels)

    def _keep_embedding(
        self, connection: Connection, slot_bytes: bytes, by: Provenance, size: int
    ) -> dict[str, Any]:
        """Write an embedding to a slot nobody has, and return the columns that name it.

        Never over the one the photo has: until the transaction ends, that one holds.
        """
        file = file_name(by.backbone, size)
        free = select(func.min(free_slots.c.slot)).where(free_slots.c.file == file)
        slot = connection.execute(free).scalar()
        if slot is None:
            taken = select(func.max(photos.c.embedding_slot)).where(photos.c.embedding_file == file)
            last = connection.execute(taken).scalar()
            slot = 0 if last is None else last + 1
        else:
            connection.execute(
                delete(free_slots).where(free_slots.c.file == file, free_slots.c.slot == slot)
            )
        self.embeddings.write(file, slot, slot_bytes)
        return {"embedding_file": file, "embedding_slot": slot}

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise library_error(error, self.folder) from error


def _replace_tags(
    connection: Connection, photo_id: str, answers: HeadPredictions, by: Provenance
) -> None:
    """Replace the tags of the bundle's heads; taught tags depend on the embedding alone."""
    connection.execute(
        delete(automatic_tags).where(
            automatic_tags.c.photo_id == photo_id, automatic_tags.c.head != TAUGHT
        )
    )
    rows = tag_rows(photo_id, answers, by.bundle)
    if rows:
        connection.execute(insert(automatic_tags), rows)
