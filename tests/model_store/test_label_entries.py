"""Labels of added networks: ours where they mean the same, safe as folders otherwise."""

import json
from pathlib import Path

import pytest

from scene_model.classifier.bundle_description import read_description
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.errors import ModelRefused
from scene_model.model_store.label_entries import (
    added_labels,
    labels_of_config,
    read_label_names,
)

OURS = read_description(DEFAULT_BUNDLE_DIR)
(OBJECTS,) = (head for head in OURS.heads if head.id == "objects")


def test_imagenet_is_our_head_of_objects() -> None:
    names = [label.source_name for label in OBJECTS.labels]
    added = added_labels(names, OURS)
    assert (added.head_id, added.ours) == ("objects", 1000)
    assert [label.id for label in added.labels] == [label.id for label in OBJECTS.labels]
    assert added.labels[0].kinds == OBJECTS.labels[0].kinds
    assert {kind.id for kind in added.kinds} >= {k for label in added.labels for k in label.kinds}


def test_names_of_transformers_are_ours_too() -> None:
    added = added_labels(["tench, Tinca tinca", "Golden Retriever", "my dog"], OURS)
    assert added.head_id == "labels"
    assert [label.source_name for label in added.labels][:2] == [
        "tench, Tinca tinca",
        "Golden Retriever",
    ]
    assert (added.labels[1].group, added.labels[2].group) == ("animals", None)
    assert added.ours == 2


def test_other_labels_are_safe_as_folders_and_differ() -> None:
    names = ["a/b: c", "A B C", "..", "unsure", "Ünïcode", "crane, machine", "crane, bird"]
    added = added_labels(names, OURS)
    ids = [label.id for label in added.labels]
    assert ids[:5] == ["a_b_c", "a_b_c_2", "label", "unsure_2", "ünïcode"]
    assert len(set(ids)) == len(ids)
    assert added.labels[0].name == "A/b: c"


def test_files_of_labels(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("\ufeffcat\r\ndog\r\n", encoding="utf-8")
    assert read_label_names(file) == ["cat", "dog"]
    for content in (["cat", "dog"], {"1": "dog", "0": "cat"}):
        (tmp_path / "labels.json").write_text(json.dumps(content), encoding="utf-8")
        assert read_label_names(tmp_path / "labels.json") == ["cat", "dog"]


@pytest.mark.parametrize(
    "text", ["cat\n", "cat\n\ndog\n", "cat\nd\x1bog\n", "cat\n" + "d" * 301, "", '{"0": "cat"}']
)
def test_files_that_are_no_labels(tmp_path: Path, text: str) -> None:
    file = tmp_path / ("labels.json" if text.startswith("{") else "labels.txt")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ModelRefused) as caught:
        read_label_names(file)
    assert caught.value.code == "model_labels"


@pytest.mark.parametrize(
    "content", ["{", '{"a": "cat", "b": "dog"}', '{"0": "cat", "2": "dog"}', "3"]
)
def test_json_that_is_no_labels(tmp_path: Path, content: str) -> None:
    file = tmp_path / "labels.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ModelRefused):
        read_label_names(file)


def test_labels_of_a_config() -> None:
    assert labels_of_config({"id2label": {"0": "cat", "1": "dog"}}) == ["cat", "dog"]
    assert labels_of_config({"pretrained_cfg": {"label_names": ["cat", "dog"]}}) == ["cat", "dog"]
    assert labels_of_config({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}) is None
    assert labels_of_config({"model_type": "vit"}) is None
    assert labels_of_config(None) is None
