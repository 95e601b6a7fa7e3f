"""Finds the photos of one library that sentences describe, by the search model in use."""

import json
from collections.abc import Sequence
from typing import Self

import numpy as np
from sqlalchemy import ColumnElement, func, select

from scene_model.classifier.model import CurrentModel
from scene_model.classifier.search_model import SearchModel
from scene_model.errors import BundleError, QueryError
from scene_model.library.schema import photos
from scene_model.library.sort_order import PhotoScores
from scene_model.library.store import Library
from scene_model.search.likeness import photos_like, scores_of, stamp_of

Condition = ColumnElement[bool]
_CACHED_SCORES = 4


class SentenceFinder:
    """See `query.Sentences`; the latest scores are cached."""

    def __init__(self, library: Library, model: CurrentModel, for_rules: bool = False) -> None:
        """for_rules: words are no sentences, and embeddings that come later are refused."""
        self._library, self._model, self._for_rules = library, model, for_rules
        self._scores: dict[tuple[object, ...], PhotoScores] = {}

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

    def has_photos(self, where: Condition) -> bool:
        """Whether a photo outside the trash matches a condition."""
        return bool(self._library.count(where))

    def is_like(self, sentence: str) -> Condition:
        """The photo is described by a sentence; raises QueryError."""
        model = self._require()
        try:
            like = photos_like(self._library, model, sentence)
        except BundleError as error:
            raise QueryError(f"The search model cannot be used: {error.message}") from error
        listed = func.json_each(json.dumps(like.numbers.tolist())).table_valued("value")
        return photos.c.number.in_(select(listed.c.value))

    def scores(self, sentences: Sequence[str]) -> PhotoScores | None:
        """Return how well photos match sentences, the mean of several; None without a model."""
        model = self._model.search
        if model is None:
            return None
        key = (tuple(sentences), self._library.version(), self.stamp())
        cached = self._scores.get(key)
        if cached is None:
            try:
                each = [scores_of(self._library, model, sentence) for sentence in sentences]
            except BundleError as error:
                raise QueryError(f"The search model cannot be used: {error.message}") from error
            numbers = each[0][0]
            mean = np.stack([scores for _, scores in each]).mean(axis=0)
            cached = PhotoScores(numbers, mean)
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
