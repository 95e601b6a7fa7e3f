"""The library on disk: originals byte for byte, thumbnails, and what is known of each photo.

LIBRARY/library.db                 rows
LIBRARY/originals/ab/abcd….jpg     the bytes that were added, named by their SHA-256
LIBRARY/thumbnails/ab/abcd….webp   made anew when missing
LIBRARY/incoming/                  uploads on their way in
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Answers, Look, Provenance
from scene_model.errors import LibraryUnavailable, OriginalChanged, OriginalMissing, PhotoNotFound
from scene_model.gallery.class_scores import keep_class_score
from scene_model.gallery.database import Database, open_database
from scene_model.gallery.lookalikes import keep_hash
from scene_model.gallery.records import (
    Added,
    KeptEmbedding,
    NewPhoto,
    PhotoRecord,
)
from scene_model.gallery.rows import (
    answer_columns,
    embedding_columns,
    photo_columns,
    record,
    tag_rows,
    tags_by_photo,
)
from scene_model.gallery.schema import (
    automatic_tags,
    choices,
    class_decisions,
    photos,
    tag_decisions,
)
from scene_model.gallery.sorting import NEWEST_ADDED, Sort, in_order
from scene_model.photos.decode import MinimumSize, PhotoLimits, decode_photo
from scene_model.photos.fingerprint import content_hash, file_content_hash
from scene_model.photos.thumbnail import THUMBNAIL_LONG_SIDE, make_thumbnail

_SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "AVIF": ".avif",
    "GIF": ".gif",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "HEIF": ".heic",
}
_ID_BATCH = 500
PREVIEW_LONG_SIDE = 1280

effective_class = func.coalesce(class_decisions.c.label, photos.c.auto_class)
photos_with_class = photos.outerjoin(class_decisions, class_decisions.c.photo_id == photos.c.id)


class Library:
    """One library; safe to share between threads and processes."""

    def __init__(self, folder: Path) -> None:
        """Open the library in a folder, or begin one there; raises LibraryUnavailable."""
        self.folder = folder.expanduser().absolute()
        try:
            for name in ("originals", "thumbnails", "incoming"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryUnavailable(
                f"The library folder {self.folder} cannot be written: {error.strerror}. "
                "Choose another by SCENE_LIBRARY."
            ) from error
        self.database: Database = open_database(self.folder / "library.db")

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
        self.database.close()

    @property
    def incoming_dir(self) -> Path:
        """Where uploads wait to be classified."""
        return self.folder / "incoming"

    def holds(self, photo_id: str, bundle_id: str) -> bool:
        """Tell whether a photo is there, outside the trash, classified by this bundle."""
        wanted = select(photos.c.id).where(
            photos.c.id == photo_id, photos.c.bundle == bundle_id, photos.c.trashed_at.is_(None)
        )
        with self.database.reader.begin() as connection:
            return connection.execute(wanted).first() is not None

    def add(self, photo: NewPhoto, look: Look, by: Provenance) -> Added:
        """Keep a photo: original, thumbnail, then the rows; a kill leaves all or nothing of it.

        A photo that is there already keeps its name and every human decision; its automatic
        answers are replaced, and it leaves the trash.
        """
        photo_id = content_hash(photo.data)
        original = self.original_location(photo_id, look.photo.format)
        if not original.exists():
            _write_durably(original, photo.data)
        thumbnail = self._thumbnail_path(photo_id)
        if not thumbnail.exists():
            _write_durably(thumbnail, make_thumbnail(look.photo.pixels))
        with self.database.writer.begin() as connection:
            known = connection.execute(select(photos.c.id).where(photos.c.id == photo_id)).first()
            answers = answer_columns(look.answers, by) | embedding_columns(look.embedding)
            row = photo_columns(photo_id, photo, look) | answers
            if known is None:
                connection.execute(insert(photos).values(**row))
            else:
                # An earlier version of this program may have added it without a hash.
                answers |= {"perceptual_hash": row["perceptual_hash"]}
                connection.execute(
                    update(photos).where(photos.c.id == photo_id).values(trashed_at=None, **answers)
                )
            keep_hash(connection, row["perceptual_hash"])
            _replace_tags(connection, photo_id, look.answers, by)
        return Added(photo_id, known is not None)

    def replace_answers(
        self, photo_id: str, answers: Answers, by: Provenance, embedding: FloatArray | None = None
    ) -> None:
        """Put a model's answers in the place of another's; all of them or none.

        What people decided stays, in the trash or out of it. embedding: a new one, when the
        photo was looked at again. Raises PhotoNotFound.
        """
        new = answer_columns(answers, by)
        if embedding is not None:
            new |= embedding_columns(embedding)
        with self.database.writer.begin() as connection:
            found = connection.execute(update(photos).where(photos.c.id == photo_id).values(**new))
            if not found.rowcount:
                raise PhotoNotFound(f"The library holds no photo {photo_id[:12]!r}.")
            _replace_tags(connection, photo_id, answers, by)

    def answered_by_others(self, bundle_id: str) -> list[str]:
        """Ids of the photos outside the trash whose tags another bundle gave, newest first."""
        return self.find(photos.c.bundle != bundle_id)

    def count_answered_by_others(self, bundle_id: str) -> int:
        """Count the photos of `answered_by_others`."""
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

    def records(self, photo_ids: Sequence[str]) -> Iterator[PhotoRecord]:
        """Yield the photos of some ids, in the order given; unknown ids are passed over."""
        for start in range(0, len(photo_ids), _ID_BATCH):
            batch = photo_ids[start : start + _ID_BATCH]
            with self.database.reader.begin() as connection:
                rows = connection.execute(
                    select(
                        *(c for c in photos.c if c.name != "embedding"),
                        class_decisions.c.label.label("human_class"),
                    )
                    .select_from(photos_with_class)
                    .where(photos.c.id.in_(batch))
                ).all()
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
        query = (
            select(photos.c.id)
            .select_from(photos_with_class)
            .where(_visible(where, trashed))
            .order_by(*in_order(sort))
            .limit(limit)
            .offset(offset)
        )
        with self.database.reader.begin() as connection:
            return list(connection.execute(query).scalars())

    def count(self, where: ColumnElement[bool] | None = None, trashed: bool = False) -> int:
        """Count the photos a condition holds for."""
        query = select(func.count()).select_from(photos_with_class).where(_visible(where, trashed))
        with self.database.reader.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def count_by_class(self, where: ColumnElement[bool] | None = None) -> dict[str, int]:
        """Count photos by what they are filed under, most first."""
        query = (
            select(effective_class, func.count())
            .select_from(photos_with_class)
            .where(_visible(where, trashed=False))
            .group_by(effective_class)
            .order_by(func.count().desc(), effective_class)
        )
        with self.database.reader.begin() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(query)}

    def human_labels(self) -> list[str]:
        """All labels people have added or filed photos under, sorted."""
        with self.database.reader.begin() as connection:
            added = connection.execute(
                select(tag_decisions.c.label).where(tag_decisions.c.verdict == "added").distinct()
            ).scalars()
            classes = connection.execute(select(class_decisions.c.label).distinct()).scalars()
            return sorted({*added, *classes})

    def embedding(self, photo_id: str) -> KeptEmbedding:
        """The kept embedding, and which model's it is; raises PhotoNotFound."""
        with self.database.reader.begin() as connection:
            row = connection.execute(
                select(photos.c.embedding, photos.c.bundle, photos.c.backbone).where(
                    photos.c.id == photo_id
                )
            ).first()
        if row is None:
            raise PhotoNotFound(f"The library holds no photo {photo_id[:12]!r}.")
        values = np.frombuffer(row.embedding, np.float16).astype(np.float32)
        return KeptEmbedding(values, Provenance(row.bundle, row.backbone))

    def original_path(self, photo_id: str) -> Path:
        """Where the original lies; raises PhotoNotFound or OriginalMissing."""
        path = self.original_location(photo_id, self.photo(photo_id).format)
        if not path.is_file():
            raise OriginalMissing(
                f"The original of {photo_id[:12]} is not in the library folder any more. "
                "Put it back from a backup, or add the photo again."
            )
        return path

    def verified_original(self, photo_id: str) -> Path:
        """Where the original lies, after checking that it is still what was added.

        Raises PhotoNotFound, OriginalMissing or OriginalChanged.
        """
        path = self.original_path(photo_id)
        if file_content_hash(path) != photo_id:
            raise _changed(photo_id)
        return path

    def original_bytes(self, photo_id: str) -> bytes:
        """The original, checked to be what was added; raises as `verified_original` does."""
        path = self.original_path(photo_id)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise OriginalMissing(
                f"The original of {photo_id[:12]} cannot be read: {error.strerror}. "
                "Check the permissions of the library folder."
            ) from error
        if content_hash(data) != photo_id:
            raise _changed(photo_id)
        return data

    def thumbnail(self, photo_id: str) -> bytes:
        """A thumbnail's WebP bytes, made anew from the original when it is missing."""
        path = self._thumbnail_path(photo_id)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            thumbnail = self._smaller(photo_id, MinimumSize(), THUMBNAIL_LONG_SIDE)
            _write_durably(path, thumbnail)
            return thumbnail

    def preview(self, photo_id: str) -> bytes:
        """A picture large enough for a screen, as WebP: browsers cannot show every original."""
        size = MinimumSize(short_side=1, long_side=PREVIEW_LONG_SIDE)
        return self._smaller(photo_id, size, PREVIEW_LONG_SIDE)

    def _smaller(self, photo_id: str, minimum: MinimumSize, long_side: int) -> bytes:
        data = self.original_path(photo_id).read_bytes()
        # It was decoded when it was added; a lower limit set since must not hide it.
        limits = PhotoLimits(max_file_bytes=len(data), max_pixels=2**40)
        return make_thumbnail(decode_photo(data, limits, minimum).pixels, long_side)

    def original_location(self, photo_id: str, format_name: str) -> Path:
        """Where the original of a photo belongs, whether or not it is there."""
        suffix = _SUFFIXES.get(format_name, ".bin")
        return self.folder / "originals" / photo_id[:2] / f"{photo_id}{suffix}"

    def _thumbnail_path(self, photo_id: str) -> Path:
        return self.folder / "thumbnails" / photo_id[:2] / f"{photo_id}.webp"


def _changed(photo_id: str) -> OriginalChanged:
    return OriginalChanged(
        f"The original of {photo_id[:12]} was changed on disk since it was added. "
        "Put it back from a backup."
    )


def _visible(where: ColumnElement[bool] | None, trashed: bool) -> ColumnElement[bool]:
    in_trash = photos.c.trashed_at.is_not(None) if trashed else photos.c.trashed_at.is_(None)
    return in_trash if where is None else and_(in_trash, where)


def _replace_tags(connection: Connection, photo_id: str, answers: Answers, by: Provenance) -> None:
    connection.execute(delete(automatic_tags).where(automatic_tags.c.photo_id == photo_id))
    rows = tag_rows(photo_id, answers, by.bundle)
    if rows:
        connection.execute(insert(automatic_tags), rows)
    keep_class_score(connection, photo_id)


def _write_durably(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: temporary file, fsync, rename."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
            temporary = Path(file.name)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                file.close()
                temporary.unlink(missing_ok=True)
                raise
        temporary.replace(path)
    except OSError as error:
        raise LibraryUnavailable(
            f"The library folder cannot be written: {error.strerror} ({path.parent}). "
            "Free some space or check the folder's permissions."
        ) from error
