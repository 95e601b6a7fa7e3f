"""Labels that begin as typed."""

import json
from pathlib import Path

import pytest

from scene_model.classifier.vocabulary import Vocabulary
from scene_model.search.label_prefixes import (
    fold_accents,
    known_label,
    labels_beginning,
    words_of_labels,
)

# The browser folds the same cases (tests/javascript/matches.test.mjs).
CASES = Path(__file__).with_name("folding_cases.json")
VOCABULARY = Vocabulary(
    {"street": "Street", "street_market": "Street market", "tram": "Tram", "sea": "Sea"},
    {
        "street": frozenset({"street"}),
        "calle": frozenset({"street"}),
        "strasse": frozenset({"street"}),
        "strassenbahn": frozenset({"tram"}),
        "été": frozenset({"sea"}),
    },
).with_own_labels(["Streets of Rome", "Oma Rosa"])


@pytest.mark.parametrize(("text", "folded"), json.loads(CASES.read_text(encoding="utf-8")))
def test_folding(text: str, folded: str) -> None:
    assert fold_accents(text) == folded


@pytest.mark.parametrize(
    ("typed", "labels"),
    [
        ("stree", ["street", "street_market", "Streets of Rome"]),
        ("STREET", ["street", "street_market", "Streets of Rome"]),
        ("straß", ["tram", "street"]),
        ("calle", ["street"]),
        ("ete", ["sea"]),
        ("oma r", ["Oma Rosa"]),
        ("quokka", []),
        (" ", []),
    ],
)
def test_labels_beginning(typed: str, labels: list[str]) -> None:
    assert labels_beginning(VOCABULARY, typed, 5) == labels


def test_no_more_than_asked_for() -> None:
    assert labels_beginning(VOCABULARY, "s", 2) == ["sea", "street"]


def test_words_begin_with_the_name() -> None:
    words = words_of_labels(VOCABULARY, ["street", "street_market", "Oma Rosa"])
    assert words["street"][0] == "street"
    assert set(words["street"]) == {"street", "calle", "strasse"}
    assert words["street_market"] == ("street market",)
    assert words["Oma Rosa"] == ("oma rosa",)


@pytest.mark.parametrize(
    ("typed", "label"),
    [("SEA", "sea"), ("street market", "street_market"), ("oma rosa", "Oma Rosa")]
    + [("Unsure", "unsure"), ("stree", None), ("calle", None)],
)
def test_known_label(typed: str, label: str | None) -> None:
    assert known_label(VOCABULARY, typed) == label
