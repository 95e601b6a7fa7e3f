"""Which photos are worth a person's look: the least certain first."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.classifier.heads import Head
from scene_model.classifier.tagging import ALONE_ABOVE
from scene_model.library.embedding_scan import scan_embeddings
from scene_model.library.schema import photos
from scene_model.library.store import Library

UNSURE, DISAGREE, CLOSE = "no head is sure", "the heads disagree", "it is a close call"
# When nothing is in doubt any more: a look at the rest can only confirm it.
SURE = "the others were in more doubt"
_REASONS = (UNSURE, DISAGREE, CLOSE, SURE)
_MOST = 500
# A lead of the first label over the second below which a sure answer is a close call.
_CLOSE_BELOW = 0.5
_CHOICES = 5


@dataclass(frozen=True)
class ReviewItem:
    """One photo to look at: why, and the labels it may be, likeliest first."""

    photo_id: str
    reason: str
    choices: tuple[str, ...]


def review_queue(library: Library, classifier: Classifier, most: int = _MOST) -> list[ReviewItem]:
    """Photos nobody has decided about, least certain first; at most so many.

    Unsure ones come first, then those of which one head is sure of what another head denies, then
    close calls, then all others.
    """
    with library.database.reader.begin() as connection:
        decided = set(
            connection.execute(
                select(photos.c.id).where(photos.c.human_class.is_not(None))
            ).scalars()
        )
    class_head = classifier.heads[classifier.bundle.class_head]
    tag_head = classifier.heads.get(classifier.bundle.tag_head or "")
    found: list[tuple[float, ReviewItem]] = []
    size = classifier.bundle.backbone.embedding_size
    for piece in scan_embeddings(library, classifier.provenance.backbone, size):
        said = _said(class_head, tag_head, piece.embeddings)
        places = [i for i, photo_id in enumerate(piece.ids) if photo_id not in decided]
        places.sort(key=lambda i: (said.certainty[i], piece.ids[i]))  # noqa: B023
        for place in places[:most]:
            certainty = float(said.certainty[place])
            item = ReviewItem(piece.ids[place], _REASONS[int(certainty)], said.choices(place))
            found.append((certainty, item))
        found = sorted(found, key=lambda one: (one[0], one[1].photo_id))[:most]
    return [item for _, item in found]


@dataclass(frozen=True)
class _Said:
    """What two heads say of N photos.

    certainty: shape (N,), in [0, 4): from 0 unsure, from 1 in dispute, from 2 close, from 3 sure;
    within each, by the lead of the first label.
    """

    certainty: npt.NDArray[np.float64]
    class_head: Head
    tag_head: Head | None
    of_class: FloatArray
    of_tags: FloatArray | None

    def choices(self, place: int) -> tuple[str, ...]:
        scores = dict(
            zip(self.class_head.labels.ids, map(float, self.of_class[place]), strict=True)
        )
        if self.tag_head is not None and self.of_tags is not None:
            for label, score in zip(self.tag_head.labels.ids, self.of_tags[place], strict=True):
                scores[label] = max(scores.get(label, 0.0), float(score))
        return tuple(sorted(scores, key=lambda label: -scores[label])[:_CHOICES])


def _said(class_head: Head, tag_head: Head | None, embeddings: FloatArray) -> _Said:
    answer = class_head.predict(embeddings)
    first, lead = _first_and_lead(answer.probabilities)
    is_unsure = class_head.is_unsure(answer)
    if tag_head is None:
        certainty = np.clip(lead, 0.0, 0.999) + np.where(
            is_unsure, 0, np.where(lead < _CLOSE_BELOW, 2, 3)
        )
        return _Said(certainty, class_head, None, answer.probabilities, None)
    tags = tag_head.predict(embeddings).probabilities
    tag_first, tag_lead = _first_and_lead(tags)
    # Unsure of the class is no doubt where the tag head is sure of something else: a cat.
    in_doubt = is_unsure & (tag_lead < _CLOSE_BELOW)
    names = np.array(class_head.labels.ids, object)[first]
    tag_names = np.array(tag_head.labels.ids, object)[tag_first]
    shared = np.isin(tag_names.astype(str), np.array(class_head.labels.ids))
    dispute = ~is_unsure & (tags.max(axis=1) > ALONE_ABOVE) & (names != tag_names) & shared
    close = ~is_unsure & (lead < _CLOSE_BELOW)
    within = np.clip(np.where(is_unsure, tag_lead, lead), 0.0, 0.999)
    certainty = within + np.select([in_doubt, dispute, close], [0.0, 1.0, 2.0], 3.0)
    return _Said(certainty, class_head, tag_head, answer.probabilities, tags)


def _first_and_lead(
    probabilities: FloatArray,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Places of the most probable labels, and how far each is ahead of the second."""
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities), np.intp), np.ones(len(probabilities))
    top = np.partition(probabilities, -2, axis=1)
    return probabilities.argmax(axis=1), (top[:, -1] - top[:, -2]).astype(np.float64)
