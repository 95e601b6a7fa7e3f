"""Compare two models on photos whose right answer is known: how often each is right, and where.

Two models may have different labels. A photo is compared by its label where both models have it,
else by the group of its label, where both have groups; else it is only counted. A word that
only one of them has can never be held against the other.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from scene_model.classifier.classify import Classifier, HeadPredictions
from scene_model.classifier.fitting.measures import wilson_interval
from scene_model.classifier.labels import OBJECTS, UNSURE_CLASS, Label
from scene_model.classifier.vocabulary import fold, vocabulary_of
from scene_model.errors import SceneError

# From this many on, the normal distribution stands for the binomial one.
_MANY = 1_000
CLEAR_BELOW = 0.05


class Level(StrEnum):
    """By what a photo is compared."""

    LABEL = "label"
    GROUP = "group"
    NONE = "none"


class Outcome(StrEnum):
    """What a model's answer is worth."""

    RIGHT = "right"
    UNSURE = "unsure"
    WRONG = "wrong"


@dataclass(frozen=True)
class Answer:
    """A model's answer for one photo; label: UNSURE_CLASS where it is unsure."""

    label: str
    outcome: Outcome | None


@dataclass(frozen=True)
class ComparedPhoto:
    """One photo. name: for people. photo_id: in the library; None for a file of a folder.

    truth: what people say it is; None for a photo that nobody decided on.
    """

    name: str
    photo_id: str | None
    truth: str | None
    level: Level
    current: Answer
    candidate: Answer


@dataclass(frozen=True)
class FailedPhoto:
    """A photo that could not be compared."""

    name: str
    error: SceneError


class Judge:
    """Says what a model answers for a word, and whether that is right."""

    def __init__(self, classifier: Classifier, by_head: bool) -> None:
        """``by_head``: by a head that has the word, instead of the photo's class."""
        self._classifier = classifier
        self._by_head = by_head
        self._vocabulary = vocabulary_of(classifier.ranked_heads)
        self._labels: dict[str, dict[str, frozenset[str]]] = {}

    @property
    def has_groups(self) -> bool:
        """Whether the model's labels have groups."""
        return bool(self._vocabulary.groups)

    def has(self, word: str) -> bool:
        """Whether the model has a label for a word: an id, a name, or an unambiguous alias."""
        return bool(self._labels_by_head(word))

    def group_of(self, word: str) -> str | None:
        """Return the group of the labels that a word names; None unless they have only one."""
        ids = self._vocabulary.named_ids_for(word) or self._vocabulary.label_ids_for(word)
        groups = {self._vocabulary.group_of(label_id) for label_id in ids}
        group = self._vocabulary.group_for(word)
        if not ids and group is not None:
            return group.id
        return next(iter(groups)) if len(groups) == 1 else None

    def heads_with(self, word: str) -> list[str]:
        """Return the ids of the heads that have a label for a word, the first ranked first."""
        return list(self._labels_by_head(word))

    def by_label(self, predictions: HeadPredictions, word: str, head_id: str) -> Answer:
        """Judge an answer by the labels that a word names; head_id: one of `heads_with`."""
        by_head = self._labels_by_head(word)
        if not self._by_head:
            return _answer(predictions.photo_class.label, frozenset().union(*by_head.values()))
        prediction = predictions.of_head(head_id)
        label = UNSURE_CLASS if prediction.unsure else prediction.label
        return _answer(label, by_head[head_id])

    def by_group(self, predictions: HeadPredictions, group: str) -> Answer:
        """Judge an answer by the group of the photo."""
        return _answer(self._group(predictions), frozenset({group}))

    def unjudged(self, predictions: HeadPredictions) -> Answer:
        """Return the photo's class, of which nobody knows whether it is right."""
        return Answer(predictions.photo_class.label, None)

    def _group(self, predictions: HeadPredictions) -> str:
        if predictions.group is not None:
            return predictions.group.believed_label
        return self._vocabulary.group_of(predictions.photo_class.label) or UNSURE_CLASS

    def _labels_by_head(self, word: str) -> dict[str, frozenset[str]]:
        """Return the ids of the labels that a word names, by head; aliases where no name is."""
        if word not in self._labels:
            named = self._labels_with(fold(word), _names)
            by_alias = {} if named else self._labels_with(fold(word), _all_words)
            self._labels[word] = named or {
                head_id: ids for head_id, ids in by_alias.items() if len(ids) == 1
            }
        return self._labels[word]

    def _labels_with(
        self, folded: str, words_of: Callable[[Label], set[str]]
    ) -> dict[str, frozenset[str]]:
        by_head = {
            head.id: frozenset(
                label.id for label in head.labels.labels if folded in words_of(label)
            )
            for head in self._classifier.ranked_heads
            # Objects give a photo their group as class, never their label.
            if self._by_head or head.id != OBJECTS
        }
        return {head_id: ids for head_id, ids in by_head.items() if ids}


def _names(label: Label) -> set[str]:
    return {fold(label.id), fold(label.name), fold(label.source_name)}


def _all_words(label: Label) -> set[str]:
    return {fold(word) for word in label.words}


def _answer(label: str, right: frozenset[str]) -> Answer:
    if label == UNSURE_CLASS:
        return Answer(label, Outcome.UNSURE)
    return Answer(label, Outcome.RIGHT if label in right else Outcome.WRONG)


@dataclass(frozen=True)
class Judges:
    """The judges of the model in use and of the candidate."""

    current: Judge
    candidate: Judge

    def level_of(self, word: str) -> Level:
        """Return by what a word is compared."""
        if self.current.has(word) and self.candidate.has(word):
            return Level.LABEL
        is_grouped = self.current.has_groups and self.candidate.has_groups
        return Level.GROUP if is_grouped and self.group_of(word) else Level.NONE

    def group_of(self, word: str) -> str | None:
        """Return the group of a word, by the first model that knows it."""
        return self.current.group_of(word) or self.candidate.group_of(word)

    def _heads_for(self, word: str) -> tuple[str, str]:
        """Return the heads that answer for a word: the same in both models where both have it."""
        first, second = self.current.heads_with(word), self.candidate.heads_with(word)
        common = next((head_id for head_id in first if head_id in second), None)
        return (common or first[0]), (common or second[0])

    def compare(
        self, word: str | None, current: HeadPredictions, candidate: HeadPredictions
    ) -> tuple[Level, Answer, Answer]:
        """Judge both answers for one photo; word: None where nobody decided."""
        level = Level.NONE if word is None else self.level_of(word)
        both = ((self.current, current), (self.candidate, candidate))
        if word is None or level is Level.NONE:
            first, second = (judge.unjudged(predictions) for judge, predictions in both)
        elif level is Level.GROUP:
            group = self.group_of(word) or ""
            first, second = (judge.by_group(predictions, group) for judge, predictions in both)
        else:
            first, second = (
                judge.by_label(predictions, word, head_id)
                for (judge, predictions), head_id in zip(both, self._heads_for(word), strict=True)
            )
        return level, first, second


@dataclass(frozen=True)
class ModelFigures:
    """How one model did. photos = right + unsure + wrong."""

    right: int
    unsure: int
    wrong: int

    @property
    def photos(self) -> int:
        """The number of photos that were judged."""
        return self.right + self.unsure + self.wrong

    @property
    def sure(self) -> int:
        """The number of photos of which the model was sure."""
        return self.right + self.wrong

    @property
    def accuracy(self) -> float | None:
        """Share of the sure answers that are right, in [0, 1]; None where it was never sure."""
        return self.right / self.sure if self.sure else None

    @property
    def accuracy_interval(self) -> list[float]:
        """95 % interval of `accuracy`, in percent."""
        return wilson_interval(self.right, self.sure)

    @property
    def coverage(self) -> float:
        """Share of the photos of which the model was sure, in [0, 1]."""
        return self.sure / self.photos if self.photos else 0.0

    @property
    def right_interval(self) -> list[float]:
        """95 % interval of the share of all photos that are right, in percent."""
        return wilson_interval(self.right, self.photos)


@dataclass(frozen=True)
class ModelComparison:
    """The results so far; what is derived is computed when it is read."""

    photos: Sequence[ComparedPhoto]
    failed: Sequence[FailedPhoto] = ()

    @cached_property
    def judged(self) -> list[ComparedPhoto]:
        """The photos that could be compared."""
        return [photo for photo in self.photos if photo.level is not Level.NONE]

    @cached_property
    def current(self) -> ModelFigures:
        """The figures of the model in use."""
        return _figures(photo.current for photo in self.judged)

    @cached_property
    def candidate(self) -> ModelFigures:
        """The figures of the other model."""
        return _figures(photo.candidate for photo in self.judged)

    @cached_property
    def gained(self) -> list[ComparedPhoto]:
        """The photos that only the candidate gets right."""
        return [photo for photo in self.judged if _is_right(photo.candidate, photo.current)]

    @cached_property
    def lost(self) -> list[ComparedPhoto]:
        """The photos that only the model in use gets right."""
        return [photo for photo in self.judged if _is_right(photo.current, photo.candidate)]

    @cached_property
    def p_value(self) -> float:
        """How probable so unequal numbers of gained and lost are by chance alone (McNemar)."""
        return _sign_test(len(self.gained), len(self.lost))

    @property
    def is_clear(self) -> bool:
        """Whether one of the models is right more often, and hardly by chance."""
        return self.p_value < CLEAR_BELOW

    @cached_property
    def by_group_count(self) -> int:
        """The number of photos compared by their group."""
        return sum(photo.level is Level.GROUP for photo in self.judged)

    @cached_property
    def incomparable(self) -> Counter[str]:
        """The words that cannot be compared, with the number of photos of each."""
        words = (photo.truth for photo in self.photos if photo.level is Level.NONE)
        return Counter(word for word in words if word is not None)

    @cached_property
    def undecided(self) -> list[ComparedPhoto]:
        """The photos that nobody decided on."""
        return [photo for photo in self.photos if photo.truth is None]

    @cached_property
    def changed(self) -> list[ComparedPhoto]:
        """The photos whose answer would change."""
        return [photo for photo in self.photos if photo.current.label != photo.candidate.label]


def _figures(answers: Iterable[Answer]) -> ModelFigures:
    counts = Counter(answer.outcome for answer in answers)
    return ModelFigures(counts[Outcome.RIGHT], counts[Outcome.UNSURE], counts[Outcome.WRONG])


def _is_right(first: Answer, second: Answer) -> bool:
    return first.outcome is Outcome.RIGHT and second.outcome is not Outcome.RIGHT


def _sign_test(gained: int, lost: int) -> float:
    """Two-sided probability under equal chances (McNemar 1947, exact for small numbers)."""
    total, less = gained + lost, min(gained, lost)
    if total == 0:
        return 1.0
    if total > _MANY:
        distance = (abs(gained - lost) - 1) / math.sqrt(total)
        return math.erfc(max(distance, 0.0) / math.sqrt(2))
    tail = sum(math.comb(total, k) for k in range(less + 1))
    return min(1.0, float(2 * tail / (1 << total)))
