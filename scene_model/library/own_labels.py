"""The model in use as one library sees it: its vocabulary knows the labels that people made."""

from typing import Any

from sqlalchemy import Column, Select, func, select

from scene_model.classifier.albums.album_rules import AlbumRules
from scene_model.classifier.classify import Classifier
from scene_model.classifier.model import CurrentModel, Model
from scene_model.classifier.text.search_model import SearchModel
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library.database.schema import class_decisions, tag_decisions
from scene_model.library.rules.rule_rows import rule_labels
from scene_model.library.store import Library


class LibraryModel(CurrentModel):
    """The model in use; its vocabulary also has the labels that people made in a library.

    A label keeps the case in which it was typed first, and is found in any case.
    """

    def __init__(self, library: Library, model: CurrentModel) -> None:
        """model: shared with other libraries; `swap` replaces it for all of them."""
        self._library, self._shared = library, model
        self._cached: tuple[int, Vocabulary, Vocabulary] | None = None

    @property
    def classifier(self) -> Classifier:
        """The classifier in use."""
        return self._shared.classifier

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the classifier in use, with the library's own labels."""
        version, shipped = self._library.version(), self._shared.vocabulary
        cached = self._cached
        if cached is None or cached[0] != version or cached[1] is not shipped:
            extended = shipped.with_own_labels(own_labels(self._library))
            cached = self._cached = (version, shipped, extended)
        return cached[2]

    @property
    def albums(self) -> AlbumRules:
        """The album rules, for the labels of the classifier in use."""
        return self._shared.albums

    @property
    def search(self) -> SearchModel | None:
        """The model that finds photos by sentences; None without one."""
        return self._shared.search

    def swap(self, model: Model) -> None:
        """Use another model from now on."""
        self._shared.swap(model)


def own_labels(library: Library) -> list[str]:
    """Return every label that people decided about, taught or made rules for.

    Also such of the model.
    """
    labels = {*library.taught_labels(), *rule_labels(library)}
    with library.database.reader.begin() as connection:
        for column in (tag_decisions.c.label, class_decisions.c.label):
            labels.update(connection.execute(_distinct(column)).scalars())
    return sorted(labels)


def _distinct(column: Column[Any]) -> Select[Any]:
    """Select the distinct values of an indexed column, one step in the index for each.

    DISTINCT would read every decision; libraries have millions of them.
    """
    values = select(func.min(column).label("value")).cte(recursive=True)
    following = select(func.min(column)).where(column > values.c.value).scalar_subquery()
    values = values.union_all(select(following).where(values.c.value.is_not(None)))
    return select(values.c.value).where(values.c.value.is_not(None))
