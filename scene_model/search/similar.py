"""Photos that look alike to the network: the nearest by the angle between embeddings."""

from dataclasses import dataclass

import numpy as np

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.errors import EmbeddingMissing
from scene_model.library.embedding_scan import scan_embeddings
from scene_model.library.predictions import predict_stored
from scene_model.library.store import Library


@dataclass(frozen=True)
class Similar:
    """A photo, and its likeness to what was asked for: the cosine, 1.0 for the same."""

    photo_id: str
    likeness: float


def similar_to_photo(
    library: Library, classifier: Classifier, photo_id: str, limit: int
) -> list[Similar]:
    """The photos most like one of the library, which is not among them; most alike first.

    Raises PhotoNotFound; and, where this network never saw the photo, as looking at it does.
    """
    embedding = embedding_of(library, classifier, photo_id)
    found = similar_to(library, classifier, embedding, limit + 1)
    return [one for one in found if one.photo_id != photo_id][:limit]


def similar_to_picture(
    library: Library, classifier: Classifier, data: bytes, limit: int
) -> list[Similar]:
    """The photos most like a picture that need not be in the library; raises PhotoError."""
    return similar_to(library, classifier, classifier.predict(data).embedding, limit)


def similar_to(
    library: Library, classifier: Classifier, embedding: FloatArray, limit: int
) -> list[Similar]:
    """The photos outside the trash most like an embedding, float32 (size,); most alike first.

    Goes through the file a piece at a time. Photos that only another network saw are left out.
    """
    probe = embedding / max(float(np.linalg.norm(embedding)), 1e-6)
    best: list[Similar] = []
    for piece in scan_embeddings(library, classifier.provenance.backbone, len(embedding)):
        lengths = np.maximum(np.linalg.norm(piece.embeddings, axis=1), 1e-6)
        likeness = piece.embeddings @ probe / lengths
        nearest = np.argsort(-likeness, kind="stable")[:limit]
        best += [Similar(piece.ids[int(i)], float(min(1.0, likeness[i]))) for i in nearest]
        best = sorted(best, key=lambda one: -one.likeness)[:limit]
    return best


def embedding_of(library: Library, classifier: Classifier, photo_id: str) -> FloatArray:
    """What the network in use sees of a photo: as kept, or by looking again."""
    try:
        kept = library.embedding(photo_id)
    except EmbeddingMissing:
        kept = None
    if kept is not None and classifier.can_read(kept.provenance):
        return kept.values
    again = predict_stored(library, classifier, photo_id).new_embedding
    return library.embedding(photo_id).values if again is None else again
