"""What the model in use says of a photo the library keeps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier, HeadPredictions, Provenance
from scene_model.classifier.tagging import Tag
from scene_model.errors import EmbeddingMissing
from scene_model.library.schema import photos
from scene_model.library.store import Library


@dataclass(frozen=True)
class StoredPhotoPrediction:
    """All heads' answers for a kept photo.

    new_embedding: what the network saw, when it had to look again; None when the kept embedding
    was its own, and whole.
    """

    head_predictions: HeadPredictions
    new_embedding: FloatArray | None


def predict_stored(
    library: Library, classifier: Classifier, photo_id: str
) -> StoredPhotoPrediction:
    """Answer from the kept embedding if this network made it, else look at the original again.

    Raises PhotoNotFound; and, looking again, OriginalMissing, OriginalChanged or PhotoError.
    """
    try:
        kept = library.embedding(photo_id)
    except EmbeddingMissing:
        kept = None
    if kept is not None and classifier.can_read(kept.provenance):
        return StoredPhotoPrediction(classifier.predict_embedding(kept.values), None)
    look = classifier.predict(library.original_bytes(photo_id))
    return StoredPhotoPrediction(look.head_predictions, look.embedding)


def objects_of_stored(
    library: Library, classifier: Classifier, photo_ids: Sequence[str]
) -> dict[str, list[Tag]]:
    """The most probable objects of a batch of photos: a matrix product, and one question in SQL.

    Left out are those whose kept embedding is missing, or another network's.
    """
    wanted = select(
        photos.c.id,
        photos.c.embedding_file,
        photos.c.embedding_slot,
        photos.c.bundle,
        photos.c.backbone,
    ).where(photos.c.id.in_(photo_ids))
    with library.database.reader.begin() as connection:
        rows = connection.execute(wanted).all()
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
