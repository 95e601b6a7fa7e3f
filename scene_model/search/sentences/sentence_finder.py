"""Finds the photos of one library that sentences describe, by the search model in use."""

import json
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, func, select

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.model import CurrentModel
from scene_model.classifier.text.search_model import SearchModel
from scene_model.errors import BundleError, QueryError
from scene_model.library.database.schema import photos
from scene_model.library.sort_order import PhotoScores
from scene_model.library.store import Library
from scene_model.search.sentences.likeness import scores_of, stamp_of

Condition = ColumnElement[bool]
_CACHED_SCORES, _CACHED_WORDS = 4, 64


class SentenceFinder:
    """See `query.Sentences`; the latest scores are cached."""

    def __init__(self, library: Library, model: CurrentModel, for_rules: bool = False) -> None:
        """for_rules: words are no sentences, and embeddings that come later are refused."""
        self._library, self._model, self._for_rules = library, model, for_rules
        self._scores: dict[tuple[object, ...], tuple[npt.NDArray[np.int64], FloatArray]] = {}
        self._names: dict[tuple[str, int], bool] = {}

    def in_use(self) -> Self | None:
        """Return this; None without a search model."""
        return None if self._model.search is None else self

    @property
    def is_implicit(self) -> bool:
        """Whether words that name nothing are sentences."""
        return not self._for_rules

    def stamp(self) -> object:
        """Return a value that changes with what is found."""
        model = self._model.search
        return None if model is None else (model.key, stamp_of(self._library, model))

    def names_photo(self, word: str, conditions: Callable[[], Sequence[Condition]]) -> bool:
        """Whether a photo outside the trash matches one of a word's conditions. Cached."""
        key = (word, self._library.version())
        names = self._names.get(key)
        if names is None:
            names = any(map(self._has_photos, conditions()))
            self._names = dict([*self._names.items()][1 - _CACHED_WORDS :]) | {key: names}
        return names

    def _has_photos(self, where: Condition) -> bool:
        # Without the hint of `filter_photos`: its index would be scanned where a list is short.
        query = select(photos.c.number).where(photos.c.trashed_at.is_(None), where).limit(1)
        with self._library.database.reader.begin() as connection:
            return connection.execute(query).first() is not None

    def is_like(self, sentence: str) -> Condition:
        """The photo is described by a sentence; raises QueryError."""
        numbers, scores = self._scores_of(self._require(), sentence)
        listed = func.json_each(json.dumps(numbers[scores >= 1.0].tolist())).table_valued("value")
        return photos.c.number.in_(select(listed.c.value))

    def scores(self, sentences: Sequence[str]) -> PhotoScores | None:
        """Return how well photos match sentences, the mean of several; None without a model."""
        model = self._model.search
        if model is None:
            return None
        each = [self._scores_of(model, sentence) for sentence in sentences]
        numbers = each[0][0]
        if any(len(others) != len(numbers) for others, _ in each):  # photos came in meanwhile
            return PhotoScores(*each[0])
        return PhotoScores(numbers, np.stack([scores for _, scores in each]).mean(axis=0))

    def _scores_of(
        self, model: SearchModel, sentence: str
    ) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Return the numbers of all photos and their scores; 1 is the cut-off. Cached."""
        key = (sentence, self._library.version(), self.stamp())
        cached = self._scores.get(key)
        if cached is None:
            try:
                cached = scores_of(self._library, model, sentence)
            except BundleError as error:
                raise QueryError(f"The search model cannot be used: {error.message}") from error
            self._scores = dict([*self._scores.items()][1 - _CACHED_SCORES :]) | {key: cached}
        return cached

    def _require(self) -> SearchModel:
        model = self._model.search
        if model is None:
            raise QueryError("No model that reads sentences is in use.")
        if self._for_rules and model.encode is not None:
            raise QueryError(
                f"A rule cannot use like: with the search model {model.title}: rules run when "
                "photos come in, and their embeddings by this model are computed afterwards. Use a "
                "tag, or choose a model for tags that reads sentences itself."
            )
        return model
