"""Which photos are worth a person's look: the least certain first."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.classifier.heads import Head
from scene_model.classifier.tagging import ALONE_ABOVE
from scene_model.gallery.schema import photos
from scene_model.gallery.seen import seen_photos
from scene_model.gallery.store import Library

UNSURE, DISAGREE, CLOSE = "no head is sure", "the heads disagree", "a close call"
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
    close calls.
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
    for piece in seen_photos(library, classifier.provenance.backbone, size):
        said = _said(class_head, tag_head, piece.embeddings)
        for place in np.flatnonzero(said.certainty < 3.0):
            if piece.ids[place] not in decided:
                item = ReviewItem(
                    piece.ids[place],
                    (UNSURE, DISAGREE, CLOSE)[int(said.certainty[place])],
                    said.choices(int(place)),
                )
                found.append((float(said.certainty[place]), item))
        found = sorted(found, key=lambda one: (one[0], one[1].photo_id))[:most]
    return [item for _, item in found]


@dataclass(frozen=True)
class _Said:
    """What two heads say of N photos.

    certainty: shape (N,): from 0 unsure, from 1 in dispute, from 2 close, 3 certain; within each,
    by the lead of the first label.
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
    answer = class_head.answer(embeddings)
    first, lead = _first_and_lead(answer.probabilities)
    best = answer.probabilities.max(axis=1)
    is_unsure = best < class_head.confidence_threshold
    if class_head.outside_threshold is not None:
        is_unsure |= answer.outside > class_head.outside_threshold
    if tag_head is None:
        certainty = np.where(is_unsure, lead, np.where(lead < _CLOSE_BELOW, 2 + lead, 3.0))
        return _Said(certainty, class_head, None, answer.probabilities, None)
    tags = tag_head.answer(embeddings).probabilities
    tag_first, tag_lead = _first_and_lead(tags)
    # Unsure of the class is no doubt where the tag head is sure of something else: a cat.
    in_doubt = is_unsure & (tag_lead < _CLOSE_BELOW)
    names = np.array(class_head.labels.ids, object)[first]
    tag_names = np.array(tag_head.labels.ids, object)[tag_first]
    shared = np.isin(tag_names.astype(str), np.array(class_head.labels.ids))
    dispute = ~is_unsure & (tags.max(axis=1) > ALONE_ABOVE) & (names != tag_names) & shared
    close = ~is_unsure & (lead < _CLOSE_BELOW)
    within = np.clip(np.where(is_unsure, tag_lead, lead), 0.0, 0.999)
    certainty = np.select([in_doubt, dispute, close], [within, 1 + within, 2 + within], 3.0)
    return _Said(certainty, class_head, tag_head, answer.probabilities, tags)


def _first_and_lead(
    probabilities: FloatArray,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Places of the most probable labels, and how far each is ahead of the second."""
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities), np.intp), np.ones(len(probabilities))
    top = np.partition(probabilities, -2, axis=1)
    return probabilities.argmax(axis=1), (top[:, -1] - top[:, -2]).astype(np.float64)


@dataclass(frozen=True)
class ThresholdPreview:
    """What another threshold of the class head would do to photos nobody decided about.

    filed: how many it would file, now and then. enters, leaves: ids, the surest and the least
    sure of them first.
    """

    filed_now: int
    filed_then: int
    enters: list[str]
    leaves: list[str]


def preview_threshold(
    library: Library, classifier: Classifier, threshold: float
) -> ThresholdPreview:
    """Tell which photos the class head would be sure of at another threshold; nothing is kept."""
    head = classifier.heads[classifier.bundle.class_head]
    now = then = 0
    enters, leaves = list[tuple[float, str]](), list[tuple[float, str]]()
    size = classifier.bundle.backbone.embedding_size
    for piece in seen_photos(library, classifier.provenance.backbone, size):
        answer = head.answer(piece.embeddings)
        best = answer.probabilities.max(axis=1)
        inside = np.ones(len(best), np.bool_)
        if head.outside_threshold is not None:
            inside = answer.outside <= head.outside_threshold
        is_now = inside & (best >= head.confidence_threshold)
        is_then = inside & (best >= threshold)
        now, then = now + int(is_now.sum()), then + int(is_then.sum())
        enters += [(-float(best[i]), piece.ids[i]) for i in np.flatnonzero(is_then & ~is_now)]
        leaves += [(float(best[i]), piece.ids[i]) for i in np.flatnonzero(is_now & ~is_then)]
    return ThresholdPreview(
        now, then, [i for _, i in sorted(enters)], [i for _, i in sorted(leaves)]
    )
