"""The model in use is one thing: its words change with it."""

import json
from pathlib import Path

from scene_model.classifier.classify import Classifier
from scene_model.classifier.model import CurrentModel, Model
from scene_model.photos.decode import PhotoLimits
from tests.bundles import own_head


def test_words_change_with_the_classifier(tmp_path: Path, classifier: Classifier) -> None:
    current = CurrentModel(Model.of(classifier))
    assert current.vocabulary.ids_for("Zermatt") == frozenset()
    own = Classifier.open(own_head(tmp_path), PhotoLimits(), interpreters=1)
    current.swap(Model.of(own))
    assert current.classifier is own
    assert current.vocabulary.ids_for("Zermatt") == {"zermatt"}
    assert "sea" in current.vocabulary.ids_for("Meer")


def test_the_class_heads_name_counts(tmp_path: Path) -> None:
    folder = own_head(tmp_path, labels=("sea", "text_document"))
    file = folder / "bundle.json"
    described = json.loads(file.read_text(encoding="utf-8"))
    (own,) = [head for head in described["heads"] if head["id"] == described["class_head"]]
    (sea,) = [label for label in own["labels"] if label["id"] == "sea"]
    sea["name"] = "Our sea"
    file.write_text(json.dumps(described), encoding="utf-8")
    words = Model.of(Classifier.open(folder, PhotoLimits(), interpreters=1)).vocabulary
    assert words.display_name("sea") == "Our sea"


def test_labels_of_an_earlier_model_read_as_words(classifier: Classifier) -> None:
    words = Model.of(classifier).vocabulary
    assert words.display_name("beach_days") == "Beach days"
    assert words.display_name("grandma") == "grandma"
