"""The effective group of a photo: `group:` in queries, counts and folders as in plain Python."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.classify import Classifier
from scene_model.classifier.groups import GroupBatch
from scene_model.classifier.model import Model
from scene_model.classifier.tagging import DecidedClasses, PhotoClass
from scene_model.classifier.vocabulary import GroupOfLabels, Vocabulary
from scene_model.errors import QueryError
from scene_model.library.groups import count_by_group, group_of, group_of_prediction
from scene_model.library.store import Library
from scene_model.search.query import FIELDS, parse_query
from tests.library.rows import Row, put

VOCABULARY = Vocabulary(
    {"sea": "Sea", "forest": "Forest", "water": "Water", "plants": "Plants", "text": "Text"},
    {"sea": frozenset({"sea"}), "forest": frozenset({"forest"})},
    groups=(
        GroupOfLabels("water", "Water", frozenset({"water", "wasser"}), frozenset({"sea"})),
        GroupOfLabels("plants", "Plants", frozenset({"plants"}), frozenset({"forest"})),
    ),
)
ROWS = (
    Row("predicted", "forest", more={"auto_group": "water", "auto_group_score": 0.8}),
    Row("not believed", "forest", more={"auto_group": "unsure", "auto_group_score": 0.2}),
    Row("no groups", "forest"),
    Row("no groups, unsure", "unsure", "none", 0.0),
    Row("no groups, a label without one", "text"),
    Row("a group as class", "plants", "objects"),
    Row("a person's", "sea", human_class="forest", more={"auto_group": "water"}),
    Row("a person's own", "sea", human_class="Holiday", more={"auto_group": "water"}),
    Row("a person's own, unsure", "sea", human_class="a\nwater", more={"auto_group": "unsure"}),
    Row("in the trash", "sea", trashed=True),
)
GROUPS = {
    "predicted": "water",
    "not believed": "unsure",
    "no groups": "plants",
    "no groups, unsure": "unsure",
    "no groups, a label without one": "unsure",
    "a group as class": "plants",
    "a person's": "plants",
    "a person's own": "water",
    "a person's own, unsure": "unsure",
}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as made:
        put(made, ROWS)
        yield made


def test_the_rule_in_python(library: Library) -> None:
    records = library.records(library.find())
    assert {record.name: group_of(record, VOCABULARY) for record in records} == GROUPS


def test_the_group_of_a_prediction(classifier: Classifier, flower: bytes) -> None:
    vocabulary = Model.of(classifier).vocabulary
    batch = classifier.predict(flower).head_predictions.batch
    for groups, expected in (
        (GroupBatch(("sky",), np.array([[0.9]], np.float32), 0.5), "sky"),
        (GroupBatch(("sky",), np.array([[0.1]], np.float32), 0.5), "unsure"),
        (None, "plants"),  # of the class
    ):
        (predicted,) = replace(batch, groups=groups).photos()
        assert group_of_prediction(predicted, vocabulary) == expected
    without_groups = replace(batch, groups=None)
    unsure = [PhotoClass("unsure", "none", 0.0)]
    vars(without_groups)["decided"] = DecidedClasses(unsure, unsure)  # as if it had been computed
    (predicted,) = without_groups.photos()
    assert group_of_prediction(predicted, vocabulary) == "unsure"


@pytest.mark.parametrize("group", ["water", "plants", "unsure"])
def test_the_field_finds_what_the_rule_says(library: Library, group: str) -> None:
    ids = library.find(parse_query(f"group:{group}", VOCABULARY))
    names = {name for name, of in GROUPS.items() if of == group}
    assert {record.name for record in library.records(ids)} == names


def test_counts(library: Library) -> None:
    assert count_by_group(library, VOCABULARY) == Counter(GROUPS.values())


def test_a_group_is_named_in_any_language(library: Library) -> None:
    ids = set(library.find(parse_query("group:water", VOCABULARY)))
    assert ids == set(library.find(parse_query("group:WASSER", VOCABULARY)))


def test_a_group_that_does_not_exist() -> None:
    with pytest.raises(QueryError, match=r"no group 'sky'. Groups: water, plants\.") as caught:
        parse_query("sea group:sky", VOCABULARY)
    assert caught.value.position == 10
    with pytest.raises(QueryError, match="Groups: none"):
        parse_query("group:sky", Vocabulary({}, {}))


def test_the_error_of_an_unknown_field_lists_group() -> None:
    assert "group" in FIELDS
    with pytest.raises(QueryError, match=r"Did you mean group:\? Fields: .*group:"):
        parse_query("grup:water", VOCABULARY)
