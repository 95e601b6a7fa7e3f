"""Similar photos: nearest neighbours by the cosine of embeddings."""

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
    """A photo and its cosine similarity to the query embedding: at most 1.0."""

    photo_id: str
    similarity: float


def similar_to_photo(
    library: Library, classifier: Classifier, photo_id: str, limit: int
) -> list[Similar]:
    """Return the photos most similar to one of the library, without itself; most similar first.

    Raises PhotoNotFound; and the errors of a prediction, if there is no embedding by this network.
    """
    embedding = embedding_of(library, classifier, photo_id)
    neighbours = similar_to(library, classifier, embedding, limit + 1)
    return [similar for similar in neighbours if similar.photo_id != photo_id][:limit]


def similar_to_picture(
    library: Library, classifier: Classifier, data: bytes, limit: int
) -> list[Similar]:
    """Return the photos most similar to an image file's bytes; raises PhotoError."""
    return similar_to(library, classifier, classifier.predict(data).embedding, limit)


def similar_to(
    library: Library, classifier: Classifier, embedding: FloatArray, limit: int
) -> list[Similar]:
    """Return the photos outside the trash most similar to an embedding, most similar first.

    embedding: float32 (embedding_size,). Reads the stored embeddings in chunks. Photos without an
    embedding by this network are left out.
    """
    unit_vector = embedding / max(float(np.linalg.norm(embedding)), 1e-6)
    best: list[Similar] = []
    for chunk in scan_embeddings(library, classifier.provenance.backbone, len(embedding)):
        lengths = np.maximum(np.linalg.norm(chunk.embeddings, axis=1), 1e-6)
        cosines = chunk.embeddings @ unit_vector / lengths
        nearest = np.argsort(-cosines, kind="stable")[:limit]
        best += [Similar(chunk.ids[int(i)], float(min(1.0, cosines[i]))) for i in nearest]
        best = sorted(best, key=lambda similar: -similar.similarity)[:limit]
    return best


def embedding_of(library: Library, classifier: Classifier, photo_id: str) -> FloatArray:
    """Return a photo's embedding by the network in use: the stored one, or a new prediction's."""
    try:
        stored = library.embedding(photo_id)
    except EmbeddingMissing:
        stored = None
    if stored is not None and classifier.can_read(stored.provenance):
        return stored.values
    new_embedding = predict_stored(library, classifier, photo_id).new_embedding
    return library.embedding(photo_id).values if new_embedding is None else new_embedding
