"""The labels that a review offers for one photo: the most probable ones of all heads."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scene_model.classifier.classify import HeadPredictions
from scene_model.classifier.heads import Head
from scene_model.classifier.labels import OBJECTS
from scene_model.library.records import PhotoRecord

# Of a photo of anything else, some label of every head still gets about a tenth.
_LIKELY_FROM = 0.2
# More than are offered: the same idea may have another name in another head.
_MOST_OF_HEAD = 8


@dataclass(frozen=True)
class Choice:
    """A label that a photo may show.

    probability: the highest of all heads, in [0, 1]. is_sure: whether a head is sure of it, see
    `Head.is_unsure`.
    """

    label: str
    probability: float
    is_sure: bool

    @property
    def is_likely(self) -> bool:
        """Whether it is worth asking if the photo shows this."""
        return self.is_sure or self.probability >= _LIKELY_FROM


def review_choices(predictions: HeadPredictions, heads: Mapping[str, Head]) -> list[Choice]:
    """Return the most probable labels of all heads, most probable first.

    What a head leaves to "none of these" counts against its labels, as in `best_guesses`.
    """
    by_label: dict[str, Choice] = {}
    for head_id, prediction in predictions.by_head.items():
        labels = heads[head_id].labels
        names = labels.source_names if head_id == OBJECTS else labels.ids
        probabilities = prediction.probabilities * (1.0 - (prediction.outside or 0.0))
        for index in np.argsort(-probabilities, kind="stable")[:_MOST_OF_HEAD].tolist():
            name, probability = names[index], float(probabilities[index])
            is_sure = not prediction.unsure and labels.ids[index] == prediction.label
            other = by_label.get(name, Choice(name, 0.0, is_sure=False))
            by_label[name] = Choice(
                name, max(probability, other.probability), is_sure or other.is_sure
            )
    return sorted(by_label.values(), key=lambda choice: -choice.probability)


def with_stored_guess(choices: list[Choice], photo: PhotoRecord) -> list[Choice]:
    """Put the stored guess of an unsure photo first, as other pages show it, if it is likely."""
    guess = photo.shown_guess
    if guess is None:
        return choices
    by_label = {choice.label: choice for choice in choices}
    first = by_label.pop(guess.label, Choice(guess.label, guess.score, is_sure=False))
    return [first, *by_label.values()] if first.is_likely else choices
