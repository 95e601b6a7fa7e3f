"""The model in use is one thing: its words change with it."""

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
    text = file.read_text(encoding="utf-8")
    assert text.count('"name": "Sea"') == 2
    before, after = text.rsplit('"name": "Sea"', 1)
    file.write_text(f'{before}"name": "Our sea"{after}', encoding="utf-8")
    words = Model.of(Classifier.open(folder, PhotoLimits(), interpreters=1)).vocabulary
    assert words.display_name("sea") == "Our sea"


def test_labels_of_an_earlier_model_read_as_words(classifier: Classifier) -> None:
    words = Model.of(classifier).vocabulary
    assert words.display_name("beach_days") == "Beach days"
    assert words.display_name("grandma") == "grandma"
