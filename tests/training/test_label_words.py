"""The words of a published bundle: written again without its weights or figures."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.bundle_description import FORMAT_VERSION
from tests.bundles import SHIPPED, copy_shipped
from training.__main__ import main
from training.label_words import LABEL_SETS, read_label_words
from training.recipe import TRAINING_DIR

CONFIG = str(TRAINING_DIR / "configs" / "scene_mobilenet_v2.toml")
WORDS = ("name", "aliases", "translations", "kinds", "group")


def described(models: Path) -> dict[str, Any]:
    assert main(["describe", "--config", CONFIG, "--models", str(models)]) == 0
    return read(models / SHIPPED.name)


def read(folder: Path) -> dict[str, Any]:
    description: dict[str, Any] = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    return description


def test_the_published_words_are_those_of_the_label_sets(tmp_path: Path) -> None:
    folder = copy_shipped(tmp_path)
    before = (folder / "bundle.json").read_bytes()
    described(tmp_path)
    assert (folder / "bundle.json").read_bytes() == before


def test_only_words_change(tmp_path: Path) -> None:
    folder = copy_shipped(tmp_path)
    description = read(folder)
    description["format_version"] = 1
    del description["kinds"], description["groups"], description["decisions_file"]
    for head in description["heads"]:
        for label in head["labels"]:
            del label["kinds"], label["group"]
            label["aliases"] = ["another"]
    (folder / "bundle.json").write_text(json.dumps(description), encoding="utf-8")
    before = open_bundle(folder)
    after = described(tmp_path)
    assert open_bundle(folder).description.id == before.description.id
    assert after["format_version"] == FORMAT_VERSION
    for key in description.keys() - {"format_version", "heads"}:
        assert after[key] == description[key], key
    for old, new in zip(description["heads"], after["heads"], strict=True):
        assert {k: v for k, v in old.items() if k != "labels"} == {
            k: v for k, v in new.items() if k != "labels"
        }
        for old_label, new_label in zip(old["labels"], new["labels"], strict=True):
            for key in old_label.keys() - set(WORDS):
                assert old_label[key] == new_label[key]
    scenes, objects = after["heads"][0], after["heads"][-1]
    assert scenes["labels"][0]["aliases"] != ["another"]
    assert objects["labels"][0]["aliases"] == ["another"], "no file names the objects"


def test_a_label_set_with_other_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = copy_shipped(tmp_path)
    description = read(folder)
    description["heads"][1]["labels"][0]["id"] = "beasts"
    (folder / "bundle.json").write_text(json.dumps(description), encoding="utf-8")
    assert main(["describe", "--config", CONFIG, "--models", str(tmp_path)]) == 2
    assert "camera.toml has other labels than the head 'camera'" in capsys.readouterr().err
    shutil.rmtree(folder)
    assert main(["describe", "--config", CONFIG, "--models", str(tmp_path)]) == 2
    assert "No model bundle" in capsys.readouterr().err


def test_all_kinds_and_groups_of_labels_exist() -> None:
    words = read_label_words(LABEL_SETS)
    kinds, groups = {kind.id for kind in words.kinds}, {group.id for group in words.groups}
    assert len(groups) == len(words.groups) == 19
    assert len(kinds) == len(words.kinds)
    for kind in words.kinds:
        assert set(kind.parents) <= kinds, kind.id
    for ids in words.kind_ids.values():
        assert {kind for label_kinds in ids.values() for kind in label_kinds} <= kinds
    for labels in words.group_ids.values():
        assert set(labels.values()) <= groups
