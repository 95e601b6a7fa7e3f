"""The review queue: photos that no person decided on, least certain first."""

import heapq
import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, select

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.classifier.heads import Head
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.tagging import ALONE_ABOVE, BoolArray
from scene_model.library.database.schema import photos
from scene_model.library.embeddings.embedding_scan import scan_embeddings
from scene_model.library.store import Library

UNSURE = "the model is unsure"
DISAGREE = "two label sets disagree"
CLOSE = "two labels have similar scores"
# A review can only confirm these.
SURE = "the model is sure"
_REASONS = (UNSURE, DISAGREE, CLOSE, SURE)
_MOST = 500
# A sure prediction is a close call if its first label leads the second by less than this.
_CLOSE_BELOW = 0.5


@dataclass(frozen=True)
class ReviewItem:
    """One photo to review, and why it is where it is in the queue."""

    photo_id: str
    reason: str


def review_queue(
    library: Library,
    classifier: Classifier,
    most: int = _MOST,
    where: ColumnElement[bool] | None = None,
) -> list[ReviewItem]:
    """Return at most ``most`` photos without a person's decision on the class.

    where: only photos of this condition; None for all.

    Unsure photos come first, then photos on which two heads surely disagree, then close calls,
    then all others; within each, the least certain first.
    """
    with library.database.reader.begin() as connection:
        decided = set(
            connection.execute(
                select(photos.c.id).where(photos.c.human_class.is_not(None))
            ).scalars()
        )
        unsure = set(
            connection.execute(
                select(photos.c.id).where(photos.c.photo_class == UNSURE_CLASS)
            ).scalars()
        )
        chosen = (
            None
            if where is None
            else set(connection.execute(select(photos.c.id).where(where)).scalars())
        )
    class_head = classifier.class_head
    tag_head = classifier.heads.get(classifier.bundle.tag_head or "")
    first: list[tuple[float, str]] = []
    size = classifier.bundle.backbone.embedding_size
    for chunk in scan_embeddings(library, classifier.provenance.backbone, size):
        in_doubt = np.array([photo_id in unsure for photo_id in chunk.ids], bool)
        certainties = _certainties(class_head, tag_head, chunk.embeddings, in_doubt)
        undecided = (
            (certainty, photo_id)
            for photo_id, certainty in zip(chunk.ids, certainties.tolist(), strict=True)
            if photo_id not in decided and (chosen is None or photo_id in chosen)
        )
        first = heapq.nsmallest(most, itertools.chain(first, undecided))
    return [ReviewItem(photo_id, _REASONS[int(certainty)]) for certainty, photo_id in first]


def _certainties(
    class_head: Head, tag_head: Head | None, embeddings: FloatArray, in_doubt: BoolArray
) -> npt.NDArray[np.float64]:
    """Return how certain the predictions for N photos are, shape (N,), in [0, 4).

    From 0 unsure, from 1 heads disagree, from 2 close, from 3 sure; the fraction is the lead of the
    first label over the second. in_doubt: whose stored class is unsure, shape (N,).
    """
    prediction = class_head.predict(embeddings)
    first, lead = _first_and_lead(prediction.probabilities)
    is_unsure = class_head.is_unsure(prediction)
    if tag_head is None:
        return np.clip(lead, 0.0, 0.999) + np.where(
            in_doubt, 0, np.where(lead < _CLOSE_BELOW, 2, 3)
        )
    tags = tag_head.predict(embeddings).probabilities
    tag_first, tag_lead = _first_and_lead(tags)
    names = np.array(class_head.labels.ids, object)[first]
    tag_names = np.array(tag_head.labels.ids, object)[tag_first]
    shared = np.isin(tag_names.astype(str), np.array(class_head.labels.ids))
    disagree = ~is_unsure & (tags.max(axis=1) > ALONE_ABOVE) & (names != tag_names) & shared
    close = ~is_unsure & (lead < _CLOSE_BELOW)
    within = np.clip(np.where(is_unsure, tag_lead, lead), 0.0, 0.999)
    certainties: npt.NDArray[np.float64] = within + np.select(
        [in_doubt, disagree, close], [0.0, 1.0, 2.0], 3.0
    )
    return certainties


def _first_and_lead(
    probabilities: FloatArray,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the indices of the most probable labels, and their leads over the second labels."""
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities), np.intp), np.ones(len(probabilities))
    top = np.partition(probabilities, -2, axis=1)
    return probabilities.argmax(axis=1), (top[:, -1] - top[:, -2]).astype(np.float64)
