"""Between the library's rows and what the rest of the program knows: pure, no SQL is run here."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from scene_model.classifier.classify import HeadPredictions, Prediction, Provenance
from scene_model.classifier.labels import HUMAN
from scene_model.classifier.vocabulary import fold_case
from scene_model.library.records import NewPhoto, PhotoRecord, TagOnPhoto
from scene_model.photos.hashes import perceptual_hash, signed_hash


def photo_columns(photo_id: str, photo: NewPhoto, look: Prediction) -> dict[str, Any]:
    """What is known of a photo whatever model looks at it."""
    return {
        "id": photo_id,
        "name": photo.name,
        "folded_name": fold_case(photo.name),
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
        "perceptual_hash": signed_hash(perceptual_hash(look.photo.pixels)),
    }


def prediction_columns(answers: HeadPredictions, by: Provenance) -> dict[str, Any]:
    """What a model said of a photo, its tags aside."""
    said = answers.class_prediction
    return {
        "bundle": by.bundle,
        "backbone": by.backbone,
        "class_head": said.head,
        "tag_head": None if answers.tag_prediction is None else answers.tag_prediction.head,
        "class_head_label": said.label,
        "confidence": said.confidence,
        "class_head_unsure": said.unsure,
        "auto_class": answers.photo_class.label,
        "auto_class_source": answers.photo_class.source,
        "auto_class_score": answers.class_score,
    }


def tag_rows(photo_id: str, answers: HeadPredictions, bundle_id: str) -> list[dict[str, Any]]:
    """The automatic tags of a photo, each head's labels once."""
    rows = []
    for head, tags in answers.stored_tags.items():
        # Two ImageNet lines read "crane": one row serves both.
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


def tags_by_photo(
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


def record(row: Any, tags: tuple[TagOnPhoto, ...]) -> PhotoRecord:
    """One photo, of its row with a person's class and of the tags that hold."""
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
        class_head=row.class_head,
        tag_head=row.tag_head,
        class_head_label=row.class_head_label,
        confidence=row.confidence,
        unsure=bool(row.class_head_unsure),
        photo_class=row.photo_class,
        class_source=HUMAN if row.human_class else row.auto_class_source,
        class_score=row.class_score,
        trashed_at=row.trashed_at,
        tags=tags,
        reference=row.reference,
    )
