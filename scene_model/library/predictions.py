"""Predictions of the current model for photos in the library."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier, HeadPredictions, Provenance
from scene_model.classifier.tagging import Tag
from scene_model.errors import EmbeddingMissing
from scene_model.library.database.schema import photos
from scene_model.library.embeddings.backbone_embeddings import Network, embedding_beside
from scene_model.library.store import Library


@dataclass(frozen=True)
class StoredPhotoPrediction:
    """All heads' predictions for a stored photo.

    new_embedding: float32 (size,); None when the photo's own embedding was used.
    """

    head_predictions: HeadPredictions
    new_embedding: FloatArray | None


def predict_stored(
    library: Library, classifier: Classifier, photo_id: str, may_fetch: bool = False
) -> StoredPhotoPrediction:
    """Predict from the stored embedding if this network made it, else from the original.

    may_fetch: a person asked for what an original at a URL is fetched for. Raises PhotoNotFound;
    when the original is needed, also OriginalMissing, OriginalUnreachable, OriginalChanged or
    PhotoError.
    """
    try:
        stored = library.embedding(photo_id)
    except EmbeddingMissing:
        stored = None
    if stored is not None and classifier.can_read(stored.provenance):
        return StoredPhotoPrediction(classifier.predict_embedding(stored.values), None)
    beside = _embedding_beside(library, classifier, photo_id)
    if beside is not None:
        return StoredPhotoPrediction(classifier.predict_embedding(beside), beside)
    if may_fetch:
        library.fetch_original(photo_id)
    prediction = classifier.predict(library.original_content(photo_id))
    return StoredPhotoPrediction(prediction.head_predictions, prediction.embedding)


def _embedding_beside(library: Library, classifier: Classifier, photo_id: str) -> FloatArray | None:
    """Return the embedding that this network made for searches; None without one."""
    backbone = classifier.provenance.backbone
    if backbone is None:
        return None
    try:
        size = classifier.bundle.backbone.embedding_size
        return embedding_beside(library, Network(backbone, size), photo_id)
    except EmbeddingMissing:
        return None


def objects_of_stored(
    library: Library, classifier: Classifier, photo_ids: Sequence[str]
) -> dict[str, list[Tag]]:
    """Return the most probable objects of a batch of photos with one query and one matrix product.

    Photos whose embedding is missing or made by another network are left out.
    """
    query = select(
        photos.c.id,
        photos.c.embedding_file,
        photos.c.embedding_slot,
        photos.c.bundle,
        photos.c.backbone,
    ).where(photos.c.id.in_(photo_ids))
    with library.database.reader.begin() as connection:
        rows = connection.execute(query).all()
    embeddings: dict[str, FloatArray] = {}
    for row in rows:
        if classifier.can_read(Provenance(row.bundle, row.backbone)):
            try:
                embeddings[row.id] = library.embeddings.read(
                    row.embedding_file, row.embedding_slot, row.id
                )
            except EmbeddingMissing:
                continue
    if not embeddings:
        return {}
    objects = classifier.objects(np.stack(list(embeddings.values())))
    return dict(zip(embeddings, objects, strict=True))
