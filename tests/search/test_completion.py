"""Completion of query lines; and the names of every scene in five languages."""

from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_model.classifier.albums.album_rules import AlbumRules
from scene_model.classifier.classify import Classifier
from scene_model.classifier.labels import OBJECTS
from scene_model.classifier.model import Model
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.errors import QueryError
from scene_model.search.completion import Completion, complete
from scene_model.search.query import parse_query

COUNTS = {"street": 9, "beach": 5, "sea": 3, "Old town": 2}


@pytest.fixture(scope="module")
def model(classifier: Classifier) -> Model:
    return Model.of(classifier)


def lines(model: Model, line: str) -> list[str]:
    return [c.line for c in complete(line, model.vocabulary, model.albums, COUNTS)]


def test_labels_in_every_language_with_most_photos_first(model: Model) -> None:
    assert lines(model, "Stra")[:3] == ["street", "road", "beach"]
    first = complete("plag", model.vocabulary, model.albums, COUNTS)[0]
    assert (first.line, first.shown, first.count) == ("beach", "Beach (plage)", 5)
    assert lines(model, "海")[0] == "sea"


def test_only_the_last_word_is_completed(model: Model) -> None:
    assert lines(model, "(sea OR -bea")[0] == "(sea OR -beach"
    assert lines(model, "sea tag:old")[0] == 'sea tag:"old town"'
    assert lines(model, 'sea tag:"old')[0] == 'sea tag:"old town"'
    assert lines(model, "album:tra") == ["album:travel"]
    assert lines(model, "is:un") == ["is:unsure"]
    assert lines(model, "has:") == ["has:gps", "has:date"]
    assert lines(model, "-is:fav") == ["-is:favourite"]
    assert lines(model, "is:r") == ["is:raw"]
    assert lines(model, "rating:")[:2] == ["rating:5", "rating:4"]
    assert "rating:" in lines(model, "rat")
    assert "taken:" in lines(model, "take")
    assert lines(model, "within") == ["within:"]


@pytest.mark.parametrize(
    "line", ["", "sea ", "sea (", "is:unsure", "name:img", '"old town" ', '"old to', '"(st']
)
def test_lines_without_completions(model: Model, line: str) -> None:
    assert lines(model, line) == []


@given(line=st.text(st.sampled_from('abeStr海:"()- tg'), max_size=12))
@settings(deadline=None)
def test_completed_lines_are_valid(model: Model, line: str) -> None:
    try:
        parse_query(line, model.vocabulary, model.albums)
    except QueryError:
        return
    for completion in complete(line, model.vocabulary, model.albums, COUNTS):
        if not completion.line.endswith(":"):
            parse_query(completion.line, model.vocabulary, model.albums)


def test_every_scene_is_found_in_every_language(classifier: Classifier, model: Model) -> None:
    for head in classifier.heads.values():
        if head.id == OBJECTS:
            continue
        for label in head.labels.labels:
            assert set(label.translations) >= {"de", "es", "fr", "zh"}, f"{head.id}/{label.id}"
            for word in (label.name, *label.aliases, *label.translations.values()):
                assert label.id in model.vocabulary.ids_for(word), f"{word!r}: {label.id}"
                assert label.id in model.vocabulary.ids_for(word.upper())


def test_groups_are_completed_in_every_language(model: Model) -> None:
    assert lines(model, "sea -group:wat") == ["sea -group:water"]
    (wasser,) = complete("group:wass", *parts(model))
    assert (wasser.line, wasser.shown) == ("group:water", "Water (wasser)")
    assert lines(model, "group:uns") == ["group:unsure"]
    assert "group:people" in lines(model, "group:")
    assert lines(model, "group:water") == [], "it is complete"
    assert "group:" in lines(model, "grou")
    without = Vocabulary(model.vocabulary.names, model.vocabulary.words)
    assert complete("group:", without, model.albums, COUNTS) == []


def test_kinds_are_offered_with_the_number_of_their_photos(model: Model) -> None:
    def counted(labels: Collection[str]) -> int:
        return 41 if "sports car, sport car" in labels else 0

    def first(line: str) -> Completion:
        return complete(line, model.vocabulary, model.albums, COUNTS, count_any=counted)[0]

    vehicle = first("vehic")
    assert (vehicle.line, vehicle.shown, vehicle.count) == ("vehicle", "Vehicle (kind)", 41)
    assert first("Fahrzeu").shown == "Vehicle (fahrzeug)"
    assert first("sea -furni") == replace(
        first("furni"), line="sea -furniture", shown="Furniture (kind)", count=None
    )
    assert first("tag:musical").line == 'tag:"musical instrument"'
    assert not any("kind" in c.shown for c in complete("class:veh", *parts(model)))


def test_a_kind_found_by_another_word_shows_that_word_and_nothing_else(model: Model) -> None:
    shown = [c.shown for c in complete("anim", *parts(model), limit=99)]
    assert "Pet (animal de compagnie)" in shown
    assert "Animal (kind)" in shown
    for kind in model.vocabulary.kinds[::8]:
        for typed in sorted({word.split()[0][:5] for word in kind.words}):
            for completion in complete(typed, *parts(model), limit=99):
                if completion.kind_labels == kind.label_ids:
                    word = completion.shown.removeprefix(f"{kind.name} (").removesuffix(")")
                    assert word == "kind" or word in kind.words, completion.shown


def test_a_kind_stands_beside_its_most_frequent_label(model: Model) -> None:
    shown = [c.shown for c in complete("se", *parts(model))]
    assert "Sea (kind)" in shown, "the kind is written like the label, which it finds too"
    assert "Sea" not in shown
    shown = [c.shown for c in complete("tag:se", *parts(model))]
    assert "Sea" in shown and "Sea (kind)" not in shown


def parts(model: Model) -> tuple[Vocabulary, AlbumRules, dict[str, int]]:
    return model.vocabulary, model.albums, COUNTS


def test_albums_of_people_come_first(model: Model) -> None:
    own = ["Our trip", "Travel", "Été"]

    def lines(line: str) -> list[str]:
        counts: dict[str, int] = {}
        return [
            c.line for c in complete(line, model.vocabulary, model.albums, counts, own_albums=own)
        ]

    assert lines("sea album:OUR") == ['sea album:"Our trip"']
    assert lines("album:tra") == ["album:Travel", "album:travel"]
    assert lines("album:ét") == ["album:Été"]
    assert lines('-album:"our') == ['-album:"Our trip"']
