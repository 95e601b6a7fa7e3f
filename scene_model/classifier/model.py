"""The model in use: a classifier, its vocabulary and album rules, replaced together."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from scene_model.classifier.albums.album_rules import AlbumRules, read_album_rules
from scene_model.classifier.classify import Classifier
from scene_model.classifier.text.search_model import SearchModel
from scene_model.classifier.vocabulary import Vocabulary, vocabulary_of


@dataclass(frozen=True)
class Model:
    """A classifier, the vocabulary of its heads, and the album rules that name its labels.

    search: the model that finds photos by sentences; None without one.
    """

    classifier: Classifier
    # Thousands of words: a test that prints a model must not print these.
    vocabulary: Vocabulary = field(repr=False)
    albums: AlbumRules = field(repr=False)
    search: SearchModel | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        classifier: Classifier,
        albums: AlbumRules | Path | None = None,
        search: SearchModel | None = None,
    ) -> Self:
        """Collect the vocabulary of a classifier; the class head's label names take precedence.

        albums: the rules, or their file; None for the shipped rules. Raises the errors of
        `read_album_rules`.
        """
        if not isinstance(albums, AlbumRules):
            albums = read_album_rules(albums, classifier.ranked_heads)
        return cls(classifier, vocabulary_of(classifier.ranked_heads), albums, search)


class CurrentModel:
    """Holds the model in use; one object for the whole process, shared by threads.

    Pages, API and the job runner store this holder and read the model from it when they need it,
    so one assignment changes it for every open session. The model is frozen and replaced as a
    whole, and a job reads its classifier once, when it begins: no photo and no job mixes two
    models. (A new services object for each model would leave open sessions on the old one, and
    two job runners on one library.)
    """

    def __init__(self, model: Model) -> None:
        """Start with a model."""
        self._model = model

    @property
    def classifier(self) -> Classifier:
        """The classifier in use."""
        return self._model.classifier

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the classifier in use."""
        return self._model.vocabulary

    @property
    def albums(self) -> AlbumRules:
        """The album rules, for the labels of the classifier in use."""
        return self._model.albums

    @property
    def search(self) -> SearchModel | None:
        """The model that finds photos by sentences; None without one."""
        return self._model.search

    def swap(self, model: Model) -> None:
        """Use another model from now on."""
        self._model = model
