"""The library on disk: originals byte for byte, thumbnails, and what is known of each photo.

LIBRARY/library.db                 rows
LIBRARY/originals/ab/abcd….jpg     the bytes that were added, named by their SHA-256
LIBRARY/thumbnails/ab/abcd….webp   made anew when missing
LIBRARY/incoming/                  uploads on their way in
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, select, update

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Answers, Look
from scene_model.classifier.tagging import ClassSource
from scene_model.errors import LibraryUnavailable, OriginalChanged, OriginalMissing, PhotoNotFound
from scene_model.gallery.database import Database, open_database
from scene_model.gallery.records import HUMAN, Added, NewPhoto, PhotoRecord, TagOnPhoto
from scene_model.gallery.schema import automatic_tags, class_decisions, photos, tag_decisions
from scene_model.photos.decode import MinimumSize, PhotoLimits, decode_photo
from scene_model.photos.fingerprint import content_hash, file_content_hash
from scene_model.photos.thumbnail import THUMBNAIL_LONG_SIDE, make_thumbnail

# An object must be this probable to become a searchable tag: below it, search finds noise.
OBJECT_TAG_FLOOR = 0.3
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

    def add(self, photo: NewPhoto, look: Look, bundle_id: str) -> Added:
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
            answers = _answer_columns(look.answers, look.embedding, bundle_id)
            if known is None:
                row = _photo_columns(photo_id, photo, look) | answers
                connection.execute(insert(photos).values(**row))
            else:
                connection.execute(
                    update(photos).where(photos.c.id == photo_id).values(trashed_at=None, **answers)
                )
            connection.execute(delete(automatic_tags).where(automatic_tags.c.photo_id == photo_id))
            tags = _tag_rows(photo_id, look.answers, bundle_id)
            if tags:
                connection.execute(insert(automatic_tags), tags)
        return Added(photo_id, known is not None)

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
                tags = _tags_by_photo(
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
                    yield _record(by_id[photo_id], tags.get(photo_id, ()))

    def find(
        self,
        where: ColumnElement[bool] | None = None,
        limit: int | None = None,
        offset: int = 0,
        trashed: bool = False,
    ) -> list[str]:
        """Ids of the photos a condition holds for, newest addition first."""
        query = (
            select(photos.c.id)
            .select_from(photos_with_class)
            .where(_visible(where, trashed))
            .order_by(photos.c.added_at.desc(), photos.c.name, photos.c.id)
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

    def embedding(self, photo_id: str) -> FloatArray:
        """The kept embedding, float32 (embedding_size,); raises PhotoNotFound."""
        with self.database.reader.begin() as connection:
            row = connection.execute(
                select(photos.c.embedding).where(photos.c.id == photo_id)
            ).first()
        if row is None:
            raise PhotoNotFound(f"The library holds no photo {photo_id[:12]!r}.")
        return np.frombuffer(row[0], np.float16).astype(np.float32)

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
            raise OriginalChanged(
                f"The original of {photo_id[:12]} was changed on disk since it was added. "
                "Put it back from a backup."
            )
        return path

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


def _visible(where: ColumnElement[bool] | None, trashed: bool) -> ColumnElement[bool]:
    in_trash = photos.c.trashed_at.is_not(None) if trashed else photos.c.trashed_at.is_(None)
    return in_trash if where is None else and_(in_trash, where)


def _photo_columns(photo_id: str, photo: NewPhoto, look: Look) -> dict[str, Any]:
    return {
        "id": photo_id,
        "name": photo.name,
        "format": look.photo.format,
        "file_bytes": len(photo.data),
        "width": look.photo.width,
        "height": look.photo.height,
        "added_at": photo.added_at,
        "taken_at": look.metadata.taken_at,
        "taken_source": look.metadata.taken_source,
        "camera": look.metadata.camera,
        "lens": look.metadata.lens,
        "latitude": look.metadata.latitude,
        "longitude": look.metadata.longitude,
    }


def _answer_columns(answers: Answers, embedding: FloatArray, bundle_id: str) -> dict[str, Any]:
    return {
        "bundle": bundle_id,
        "embedding": embedding.astype(np.float16).tobytes(),
        "scenes_label": answers.scenes.label,
        "confidence": answers.scenes.confidence,
        "scenes_unsure": answers.scenes.unsure,
        "auto_class": answers.photo_class.label,
        "auto_class_source": answers.photo_class.source.value,
    }


def _tag_rows(photo_id: str, answers: Answers, bundle_id: str) -> list[dict[str, Any]]:
    """Automatic tags: a head's tags by the rule unless it is unsure; only likely objects."""
    rows = []
    for answer in answers.by_head.values():
        if answer.head == "objects":
            tags = [tag for tag in answers.objects if tag.score >= OBJECT_TAG_FLOOR]
        elif answer.head == "scenes":
            tags = [] if answer.unsure else answer.tags[:1]
        else:
            tags = answer.tags
        # Two ImageNet lines read "crane": one row serves both.
        for label, score in {tag.label: tag.score for tag in reversed(tags)}.items():
            rows.append(
                {
                    "photo_id": photo_id,
                    "head": answer.head,
                    "label": label,
                    "score": score,
                    "bundle": bundle_id,
                }
            )
    return rows


def _tags_by_photo(
    automatic: Iterable[Row[Any]], decisions: Iterable[Row[Any]]
) -> dict[str, tuple[TagOnPhoto, ...]]:
    """Put together the tags that hold: what people added, and what they did not reject."""
    verdicts: dict[tuple[str, str], str] = {}
    tags: dict[str, list[TagOnPhoto]] = {}
    for row in decisions:
        verdicts[row.photo_id, row.label] = row.verdict
        if row.verdict == "added":
            tags.setdefault(row.photo_id, []).append(TagOnPhoto(row.label, HUMAN, None, None))
    for row in automatic:
        if (row.photo_id, row.label) not in verdicts:
            tags.setdefault(row.photo_id, []).append(
                TagOnPhoto(row.label, row.head, row.score, row.bundle)
            )
    return {photo_id: tuple(found) for photo_id, found in tags.items()}


def _record(row: Any, tags: tuple[TagOnPhoto, ...]) -> PhotoRecord:
    source = ClassSource.HUMAN if row.human_class else ClassSource(row.auto_class_source)
    return PhotoRecord(
        id=row.id,
        name=row.name,
        format=row.format,
        file_bytes=row.file_bytes,
        width=row.width,
        height=row.height,
        added_at=row.added_at,
        taken_at=row.taken_at,
        taken_source=row.taken_source,
        camera=row.camera,
        lens=row.lens,
        latitude=row.latitude,
        longitude=row.longitude,
        bundle=row.bundle,
        scenes_label=row.scenes_label,
        confidence=row.confidence,
        unsure=bool(row.scenes_unsure),
        photo_class=row.human_class or row.auto_class,
        class_source=source,
        trashed_at=row.trashed_at,
        tags=tags,
    )


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
