"""Similar photos: nearest neighbours by the cosine of embeddings."""

import logging
from dataclasses import dataclass

import numpy as np

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.errors import EmbeddingMissing, LibraryError
from scene_model.library.embeddings.embedding_files import file_name
from scene_model.library.embeddings.embedding_projection import DIMENSIONS, open_projection
from scene_model.library.embeddings.embedding_scan import (
    EmbeddingChunk,
    embeddings_at,
    scan_embeddings,
)
from scene_model.library.predictions import predict_stored
from scene_model.library.store import Library

# The embeddings of fewer photos are all compared, which takes 0.1 s.
MOST_SCANNED = 20_000
_CANDIDATES, _CANDIDATES_PER_RESULT = 1_000, 10

logger = logging.getLogger(__name__)


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
    neighbours = similar_to(library, classifier.provenance.backbone, embedding, limit + 1)
    return [similar for similar in neighbours if similar.photo_id != photo_id][:limit]


def similar_to_picture(
    library: Library, classifier: Classifier, data: bytes, limit: int
) -> list[Similar]:
    """Return the photos most similar to an image file's bytes; raises PhotoError."""
    embedding = classifier.predict(data).embedding
    return similar_to(library, classifier.provenance.backbone, embedding, limit)


def similar_to(
    library: Library, backbone: str | None, embedding: FloatArray, limit: int
) -> list[Similar]:
    """Return the photos outside the trash most similar to an embedding, most similar first.

    embedding: float32 (embedding_size,), of the network ``backbone``. Photos without an embedding
    by this network are left out. In large libraries the candidates come from short vectors, which
    leave out a few of the most similar photos.
    """
    file = file_name(backbone, len(embedding))
    unit_vector = embedding / max(float(np.linalg.norm(embedding)), 1e-6)
    is_small = library.embeddings.slot_count(file) < MOST_SCANNED
    if is_small or len(embedding) <= DIMENSIONS:
        return scan_all(library, backbone, unit_vector, limit)
    try:
        projection = open_projection(library, file)
    except (OSError, ValueError, LibraryError) as error:  # such as a full or read-only disk
        logger.warning("all embeddings are compared, without short vectors: %s", error)
        return scan_all(library, backbone, unit_vector, limit)
    count = _CANDIDATES + _CANDIDATES_PER_RESULT * limit
    while True:
        slots = projection.nearest(unit_vector, count)
        nearest: list[Similar] = []
        for chunk in embeddings_at(library, file, slots, projection.changed):
            nearest = _nearest(nearest, chunk, unit_vector, limit)
        # Many of the candidates may be in the trash.
        if len(nearest) >= limit or len(slots) < count:
            return nearest
        count *= 4


def scan_all(
    library: Library, backbone: str | None, unit_vector: FloatArray, limit: int
) -> list[Similar]:
    """Return the most similar photos by comparing all embeddings, read in chunks.

    unit_vector: an embedding of length 1.
    """
    nearest: list[Similar] = []
    for chunk in scan_embeddings(library, backbone, len(unit_vector)):
        nearest = _nearest(nearest, chunk, unit_vector, limit)
    return nearest


def _nearest(
    before: list[Similar], chunk: EmbeddingChunk, unit_vector: FloatArray, limit: int
) -> list[Similar]:
    lengths = np.maximum(np.linalg.norm(chunk.embeddings, axis=1), 1e-6)
    cosines = chunk.embeddings @ unit_vector / lengths
    best = np.argsort(-cosines, kind="stable")[:limit]
    matches = [Similar(chunk.ids[int(i)], float(min(1.0, cosines[i]))) for i in best]
    return sorted([*before, *matches], key=lambda similar: -similar.similarity)[:limit]


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
