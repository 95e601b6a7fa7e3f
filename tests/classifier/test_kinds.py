"""Words find the labels below a kind; a kind is never a tag or a class."""

import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.heads import heads_of
from scene_model.classifier.vocabulary import Vocabulary, vocabulary_of
from tests.bundles import SHIPPED


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return vocabulary_of(heads_of(open_bundle(SHIPPED)).values())


def names(vocabulary: Vocabulary, word: str) -> set[str]:
    return {vocabulary.display_name(label_id) for label_id in vocabulary.ids_for(word)}


@pytest.mark.parametrize(
    ("words", "expected", "unexpected"),
    [
        (
            ("animal", "Animals", "Tier", "creature", "动物"),
            {"Animals", "Dog", "German shepherd", "Robin", "Indian cobra", "Monarch"},
            {"Lemon", "Hotdog", "Teddy"},
        ),
        (("bird", "Vogel", "oiseau", "ave", "鸟"), {"Bird", "Robin", "Macaw"}, {"Dog", "Drone"}),
        (
            ("vehicle", "vehicles", "Fahrzeug", "véhicule", "vehículo", "交通工具"),
            {"Car", "Streetcar", "Ambulance", "Airliner"},
            {"Car mirror", "Seat belt", "Shopping cart"},
        ),
        (("fruit", "Obst", "fruta", "水果"), {"Fruit", "Lemon", "Banana"}, {"Broccoli", "Pizza"}),
        (("furniture", "Möbel", "meuble", "mueble", "家具"), {"Desk", "Throne"}, {"Tray"}),
        (
            ("musical instrument", "Musikinstrument", "instrument de musique", "乐器"),
            {"Acoustic guitar", "Violin", "Drum"},
            {"Microphone"},
        ),
        (("car",), {"Car", "Convertible", "Sports car"}, {"Car mirror", "Car wheel"}),
        (("car part",), {"Car mirror", "Car wheel"}, {"Car"}),
    ],
)
def test_a_kind_finds_all_labels_below_it(
    vocabulary: Vocabulary, words: tuple[str, ...], expected: set[str], unexpected: set[str]
) -> None:
    for word in words:
        assert expected <= names(vocabulary, word), word
        assert not unexpected & names(vocabulary, word), word


def test_narrower_kinds_are_part_of_wider_ones(vocabulary: Vocabulary) -> None:
    labels = {kind.id: kind.label_ids for kind in vocabulary.kinds}
    for narrow, wide in (("dog", "mammal"), ("mammal", "animal"), ("guitar", "musical_instrument")):
        assert labels[narrow] < labels[wide]
    assert len(labels["dog"]) > 100


def test_a_kind_is_no_label(vocabulary: Vocabulary) -> None:
    for word in ("vehicle", "Furniture", "Tier"):
        assert not vocabulary.named_ids_for(word)
        # What a person types becomes a tag of their own.
        assert vocabulary.canonical(word) == word
    assert vocabulary.label_ids_for("furniture") == frozenset()
    assert vocabulary.label_ids_for("Meer") == {"sea"}
    assert vocabulary.canonical("Dog") == "dog"


def test_every_kind_is_used_and_speaks_five_languages(vocabulary: Vocabulary) -> None:
    kinds = open_bundle(SHIPPED).description.kinds
    labels = {kind.id: kind.label_ids for kind in vocabulary.kinds}
    assert labels.keys() == {kind.id for kind in kinds}
    for kind in kinds:
        assert set(kind.translations) == {"de", "fr", "es", "zh"}, kind.id
        for word in (kind.id, kind.name, *kind.aliases, *kind.translations.values()):
            assert vocabulary.ids_for(word.upper()) >= labels[kind.id], word


def test_every_object_has_a_group_or_is_one_of_a_few() -> None:
    description = open_bundle(SHIPPED).description
    groups = {group.id for group in description.groups}
    (objects,) = (head for head in description.heads if head.id == "objects")
    without = [label.id for label in objects.labels if label.group is None]
    assert len(without) < 20, without
    assert {label.group for label in objects.labels} - {None} <= groups
