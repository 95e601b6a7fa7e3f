"""The review queue: photos that no person decided on, least certain first."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.classifier.heads import Head
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.tagging import ALONE_ABOVE, BoolArray
from scene_model.library.embedding_scan import scan_embeddings
from scene_model.library.schema import photos
from scene_model.library.store import Library

UNSURE, DISAGREE, CLOSE = "no head is sure", "the heads disagree", "it is a close call"
# Predictions without doubt: a review can only confirm them.
SURE = "all photos in doubt come before it"
_REASONS = (UNSURE, DISAGREE, CLOSE, SURE)
_MOST = 500
# A sure prediction is a close call if its first label leads the second by less than this.
_CLOSE_BELOW = 0.5
_CHOICES = 5


@dataclass(frozen=True)
class ReviewItem:
    """One photo to review.

    choices: its best guess if its class is unsure, then its most probable labels in order.
    """

    photo_id: str
    reason: str
    choices: tuple[str, ...]


def review_queue(library: Library, classifier: Classifier, most: int = _MOST) -> list[ReviewItem]:
    """Return at most ``most`` photos without a person's decision on the class.

    Unsure photos come first, then photos on which two heads surely disagree, then close calls,
    then all others; within each, the least certain first.
    """
    with library.database.reader.begin() as connection:
        decided = set(
            connection.execute(
                select(photos.c.id).where(photos.c.human_class.is_not(None))
            ).scalars()
        )
        guesses: dict[str, str | None] = {
            row.id: row.guess
            for row in connection.execute(
                select(photos.c.id, photos.c.guess).where(photos.c.photo_class == UNSURE_CLASS)
            )
        }
    class_head = classifier.heads[classifier.bundle.class_head]
    tag_head = classifier.heads.get(classifier.bundle.tag_head or "")
    queue: list[tuple[float, ReviewItem]] = []
    size = classifier.bundle.backbone.embedding_size
    for chunk in scan_embeddings(library, classifier.provenance.backbone, size):
        in_doubt = np.array([photo_id in guesses for photo_id in chunk.ids], bool)
        scores = _scores(class_head, tag_head, chunk.embeddings, in_doubt)
        indices = [i for i, photo_id in enumerate(chunk.ids) if photo_id not in decided]
        indices.sort(key=lambda i: (scores.certainty[i], chunk.ids[i]))  # noqa: B023
        for index in indices[:most]:
            certainty = float(scores.certainty[index])
            photo_id = chunk.ids[index]
            choices = scores.choices(index, guesses.get(photo_id))
            item = ReviewItem(photo_id, _REASONS[int(certainty)], choices)
            queue.append((certainty, item))
        queue = sorted(queue, key=lambda entry: (entry[0], entry[1].photo_id))[:most]
    return [item for _, item in queue]


@dataclass(frozen=True)
class _Scores:
    """Predictions of two heads for N photos.

    certainty: shape (N,), in [0, 4): from 0 unsure, from 1 heads disagree, from 2 close, from 3
    sure; the fraction is the lead of the first label over the second.
    class_probabilities, tag_probabilities: shape (N, number of labels).
    """

    certainty: npt.NDArray[np.float64]
    class_head: Head
    tag_head: Head | None
    class_probabilities: FloatArray
    tag_probabilities: FloatArray | None

    def choices(self, index: int, guess: str | None) -> tuple[str, ...]:
        """Return a photo's best guess and the most probable labels of both heads."""
        scores = dict(
            zip(
                self.class_head.labels.ids, map(float, self.class_probabilities[index]), strict=True
            )
        )
        if self.tag_head is not None and self.tag_probabilities is not None:
            tags = zip(self.tag_head.labels.ids, self.tag_probabilities[index], strict=True)
            for label, score in tags:
                scores[label] = max(scores.get(label, 0.0), float(score))
        probable = sorted(scores, key=lambda label: -scores[label])
        return tuple(dict.fromkeys([guess, *probable] if guess else probable))[:_CHOICES]


def _scores(
    class_head: Head, tag_head: Head | None, embeddings: FloatArray, in_doubt: BoolArray
) -> _Scores:
    """Predict N photos. in_doubt: whose stored class is unsure, shape (N,)."""
    prediction = class_head.predict(embeddings)
    first, lead = _first_and_lead(prediction.probabilities)
    is_unsure = class_head.is_unsure(prediction)
    if tag_head is None:
        certainty = np.clip(lead, 0.0, 0.999) + np.where(
            in_doubt, 0, np.where(lead < _CLOSE_BELOW, 2, 3)
        )
        return _Scores(certainty, class_head, None, prediction.probabilities, None)
    tags = tag_head.predict(embeddings).probabilities
    tag_first, tag_lead = _first_and_lead(tags)
    names = np.array(class_head.labels.ids, object)[first]
    tag_names = np.array(tag_head.labels.ids, object)[tag_first]
    shared = np.isin(tag_names.astype(str), np.array(class_head.labels.ids))
    disagree = ~is_unsure & (tags.max(axis=1) > ALONE_ABOVE) & (names != tag_names) & shared
    close = ~is_unsure & (lead < _CLOSE_BELOW)
    within = np.clip(np.where(is_unsure, tag_lead, lead), 0.0, 0.999)
    certainty = within + np.select([in_doubt, disagree, close], [0.0, 1.0, 2.0], 3.0)
    return _Scores(certainty, class_head, tag_head, prediction.probabilities, tags)


def _first_and_lead(
    probabilities: FloatArray,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the indices of the most probable labels, and their leads over the second labels."""
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities), np.intp), np.ones(len(probabilities))
    top = np.partition(probabilities, -2, axis=1)
    return probabilities.argmax(axis=1), (top[:, -1] - top[:, -2]).astype(np.float64)
