"""Write a photo's row, embedding and automatic tags, in the caller's transaction."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import HeadPredictions, Prediction, Provenance
from scene_model.classifier.labels import TAUGHT
from scene_model.classifier.vocabulary import fold_case
from scene_model.errors import PhotoNotFound
from scene_model.library.clutter.clutter_rows import judge_photos
from scene_model.library.database.schema import automatic_tags, photos
from scene_model.library.embeddings.embedding_files import EmbeddingFiles, file_name, packed
from scene_model.library.embeddings.embedding_slots import keep_slot, own_search_slot, take_slots
from scene_model.library.records import NewPhoto, WrittenPhoto
from scene_model.photos.content import content_bytes
from scene_model.photos.dates import date_of_photo
from scene_model.photos.decode import DecodedPhoto
from scene_model.photos.hashes import perceptual_hash, signed_hash
from scene_model.photos.metadata import PhotoMetadata
from scene_model.photos.video.kinds import VIDEO_FORMATS

_EXPOSURE_COLUMNS = (
    *("burst_id", "subsecond", "exposure_s", "exposure_bias"),
    *("f_number", "iso", "exposure_mode"),
)
_QUALITY_COLUMNS = ("sharpness", "clipped", "brightness", "white_level", "tonal_range")
SHOT_COLUMNS = (*_EXPOSURE_COLUMNS, *_QUALITY_COLUMNS)

# Built once: to build a statement costs more time than SQLite needs for it.
_EXISTING = select(photos.c.reference, photos.c.remote_url).where(
    photos.c.id == bindparam("photo_id")
)
_INSERT_PHOTO, _INSERT_TAGS = insert(photos), insert(automatic_tags)
_DELETE_TAGS = delete(automatic_tags).where(
    automatic_tags.c.photo_id == bindparam("photo"), automatic_tags.c.head != TAUGHT
)


def write_photo(
    connection: Connection,
    embeddings: EmbeddingFiles,
    photo_id: str,
    photo: NewPhoto,
    prediction: Prediction,
    provenance: Provenance,
    reference: Path | None,
) -> tuple[WrittenPhoto, bool]:
    """Insert or update a photo's row, embedding and tags; the bool is True when it existed.

    An existing photo keeps its name and its copied original, and leaves the trash.
    """
    existing_row = connection.execute(_EXISTING, {"photo_id": photo_id}).first()
    values = _prediction_columns(prediction.head_predictions, provenance)
    values |= _write_embedding(connection, embeddings, photo_id, prediction.embedding, provenance)
    photo_values = _photo_columns(photo_id, photo, prediction)
    if existing_row is None:
        values |= photo_values | {"awaits_rules": True}
        values |= {"reference": reference, "remote_url": photo.remote_url}
        connection.execute(_INSERT_PHOTO, values)
    else:
        values |= {"trashed_at": None, "sequence_checked": None}
        # An earlier version of this program may have added the photo without these.
        values["perceptual_hash"] = photo_values["perceptual_hash"]
        for name in (
            *("imported_rating", "folder", "modified_at"),
            *("content_id", "film_start", "film_bytes"),
            *SHOT_COLUMNS,
        ):
            values[name] = func.coalesce(photos.c[name], photo_values[name])
        if _replaces_original(existing_row, photo.remote_url, reference):
            values |= {"reference": reference, "remote_url": photo.remote_url}
        _update_photo(connection, photo_id, values)
    _replace_tags(connection, photo_id, prediction.head_predictions, provenance)
    judge_photos(connection, [photo_id])
    written = WrittenPhoto(
        photo_id, photo_values["perceptual_hash"], prediction.embedding, provenance.backbone
    )
    return written, existing_row is not None


def _replaces_original(existing: Any, remote_url: str | None, reference: Path | None) -> bool:
    """Whether an original that came again takes the place of the one there is.

    A copy stays, and so does a file of this computer that is there where the new one is remote.
    """
    if reference is None and remote_url is None:
        return True
    if remote_url is not None and existing.reference is not None:
        return not existing.reference.is_file()
    return existing.reference is not None or existing.remote_url is not None


def write_predictions(
    connection: Connection,
    embeddings: EmbeddingFiles,
    photo_id: str,
    head_predictions: HeadPredictions,
    provenance: Provenance,
    embedding: FloatArray | None,
) -> None:
    """Replace a photo's predictions, tags and, unless None, embedding; raises PhotoNotFound."""
    values = _prediction_columns(head_predictions, provenance)
    if embedding is not None:
        values |= _write_embedding(connection, embeddings, photo_id, embedding, provenance)
    if not _update_photo(connection, photo_id, values):
        raise PhotoNotFound(f"The library has no photo {photo_id[:12]!r}.")
    _replace_tags(connection, photo_id, head_predictions, provenance)
    judge_photos(connection, [photo_id])


def _update_photo(connection: Connection, photo_id: str, values: dict[str, Any]) -> int:
    """Update a photo's row; returns the number of rows.

    An embedding by the search model's network stays beside one by another network.
    """
    file, kept = values.get("embedding_file"), None
    if file is not None:
        kept = own_search_slot(connection, photo_id)
    updated = connection.execute(update(photos).where(photos.c.id == photo_id).values(**values))
    if kept is not None and kept[1] != file:
        keep_slot(connection, *kept)
    return updated.rowcount


def _photo_columns(photo_id: str, photo: NewPhoto, prediction: Prediction) -> dict[str, Any]:
    """Return the columns that do not depend on the model."""
    # The sidecar is what other programs changed last.
    rating = prediction.metadata.rating if photo.rating is None else photo.rating
    date = date_of_photo(
        prediction.metadata,
        photo.name,
        photo.added_at,
        photo.sidecar_date,
        prediction.photo.duration_s,
    )
    return {
        "id": photo_id,
        "name": photo.name,
        "folded_name": fold_case(photo.name),
        "format": prediction.photo.format,
        "file_bytes": content_bytes(photo.data),
        "width": prediction.photo.width,
        "height": prediction.photo.height,
        "added_at": photo.added_at,
        "auto_taken_at": date and date.taken_at,
        "auto_taken_source": date and date.source,
        "auto_taken_confidence": date and date.confidence,
        "camera": prediction.metadata.camera,
        "lens": prediction.metadata.lens,
        "latitude": prediction.metadata.latitude,
        "longitude": prediction.metadata.longitude,
        "altitude_m": prediction.metadata.altitude_m,
        "perceptual_hash": _hash_of(prediction.photo),
        "imported_rating": rating or None,
        "folder": photo.folder,
        "modified_at": photo.modified_at,
        "duration": prediction.photo.duration_s,
        "content_id": prediction.metadata.content_id,
        "film_start": prediction.metadata.film_start,
        "film_bytes": prediction.metadata.film_bytes,
    } | shot_columns(prediction.photo, prediction.metadata)


def shot_columns(photo: DecodedPhoto, metadata: PhotoMetadata) -> dict[str, Any]:
    """Return the columns by which photos of one burst are joined and compared: SHOT_COLUMNS."""
    quality = None if photo.quality is None else vars(photo.quality)
    return {name: getattr(metadata, name) for name in _EXPOSURE_COLUMNS} | {
        name: quality and quality[name] for name in _QUALITY_COLUMNS
    }


def _hash_of(photo: DecodedPhoto) -> int | None:
    """Return the perceptual hash; None for a video, which is no copy of a picture like its poster.

    The picture of a Live Photo shows what its video does.
    """
    is_video = photo.format in VIDEO_FORMATS
    return None if is_video else signed_hash(perceptual_hash(photo.pixels))


def _prediction_columns(
    head_predictions: HeadPredictions, provenance: Provenance
) -> dict[str, Any]:
    """Return the columns that depend on the model."""
    class_prediction = head_predictions.class_prediction
    tag_prediction, group = head_predictions.tag_prediction, head_predictions.group
    return {
        "bundle": provenance.bundle,
        "backbone": provenance.backbone,
        "class_head": class_prediction.head,
        "tag_head": None if tag_prediction is None else tag_prediction.head,
        "class_head_label": class_prediction.label,
        "confidence": class_prediction.confidence,
        "class_head_unsure": class_prediction.unsure,
        "auto_class": head_predictions.photo_class.label,
        "auto_class_source": head_predictions.photo_class.source,
        "auto_class_score": head_predictions.photo_class.score,
        "fallback_class": head_predictions.fallback_class.label,
        "fallback_class_source": head_predictions.fallback_class.source,
        "fallback_class_score": head_predictions.fallback_class.score,
        "auto_group": group and group.believed_label,
        "auto_group_score": group and group.score,
        "guess": head_predictions.guess.label,
        "guess_score": head_predictions.guess.score,
    }


def _write_embedding(
    connection: Connection,
    embeddings: EmbeddingFiles,
    photo_id: str,
    embedding: FloatArray,
    provenance: Provenance,
) -> dict[str, Any]:
    """Write an embedding to an unused slot and return the columns that refer to it.

    It never overwrites the photo's current slot, which is valid until the transaction ends.
    """
    file = file_name(provenance.backbone, len(embedding))
    (slot,) = take_slots(connection, file, 1)
    embeddings.write(file, slot, packed(photo_id, embedding))
    return {"embedding_file": file, "embedding_slot": slot}


def _replace_tags(
    connection: Connection,
    photo_id: str,
    head_predictions: HeadPredictions,
    provenance: Provenance,
) -> None:
    """Replace the tags of the bundle's heads; taught tags depend on the embedding alone."""
    connection.execute(_DELETE_TAGS, {"photo": photo_id})
    rows = _tag_rows(photo_id, head_predictions, provenance.bundle)
    if rows:
        connection.execute(_INSERT_TAGS, rows)


def _tag_rows(
    photo_id: str, head_predictions: HeadPredictions, bundle_id: str
) -> list[dict[str, Any]]:
    """Return one row per head and label."""
    rows = []
    for head, tags in head_predictions.stored_tags.items():
        # ImageNet has the label "crane" twice; the first, with the higher score, is stored.
        for label, score in {tag.label: tag.score for tag in reversed(tags)}.items():
            rows.append(
                {
                    "photo_id": photo_id,
                    "head": head,
                    "label": label,
                    "score": score,
                    "bundle": bundle_id,
                }
            )
    return rows
