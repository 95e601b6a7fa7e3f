"""A bundle is opened whole and checked, or refused with its reason."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.errors import (
    BundleDamaged,
    BundleError,
    BundleNotFound,
    BundleTooNew,
    LabelCountMismatch,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped bundle without its text side."""
    target = tmp_path / "bundle"
    target.mkdir()
    for name in ("bundle.json", "backbone.tflite", "heads.npz", "decisions.json"):
        shutil.copy(DEFAULT_BUNDLE_DIR / name, target)
    rewrite(target, lambda description: description.pop("text"))
    return target


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    file = folder / "bundle.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    change(description)
    file.write_text(json.dumps(description), encoding="utf-8")


def test_shipped_bundle(folder: Path) -> None:
    bundle = open_bundle(folder)
    assert bundle.description.id.startswith("scene_mobilenet_v2@")
    # The model a photo was tagged by is named by its weights, not by its folder.
    assert bundle.description.id == open_bundle(DEFAULT_BUNDLE_DIR).description.id


def refused(folder: Path) -> BundleError:
    with pytest.raises(BundleError) as caught:
        open_bundle(folder)
    return caught.value


def test_missing_files(folder: Path, tmp_path: Path) -> None:
    assert type(refused(tmp_path / "nowhere")) is BundleNotFound
    (folder / "heads.npz").unlink()
    assert "heads.npz" in refused(folder).message


def test_half_copied_network(folder: Path) -> None:
    network = folder / "backbone.tflite"
    network.write_bytes(network.read_bytes()[:-100])
    error = refused(folder)
    assert type(error) is BundleDamaged
    assert "SHA-256" in error.message


def test_newer_format(folder: Path) -> None:
    def change(description: dict[str, Any]) -> None:
        description["format_version"] = 99
        description["something_new"] = True

    rewrite(folder, change)
    assert type(refused(folder)) is BundleTooNew


def test_broken_description(folder: Path) -> None:
    rewrite(folder, lambda d: d.pop("input"))
    assert "input" in refused(folder).message
    (folder / "bundle.json").write_text("{", encoding="utf-8")
    assert type(refused(folder)) is BundleDamaged


def test_labels_and_outputs_disagree(folder: Path) -> None:
    rewrite(folder, lambda d: d["heads"][0]["labels"].pop())
    assert type(refused(folder)) is LabelCountMismatch


def test_a_bundle_that_says_nothing_files_by_scenes_and_tags_by_camera(folder: Path) -> None:
    for key in ("class_head", "tag_head"):
        rewrite(folder, lambda d, k=key: d.pop(k, None))  # type: ignore[misc]
    description = open_bundle(folder).description
    assert (description.class_head, description.tag_head) == ("scenes", "camera")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"class_head": "moods"}, "class_head is 'moods', but the heads are: scenes, camera"),
        ({"tag_head": "moods"}, "tag_head is 'moods', but the heads are: scenes, camera"),
        ({"class_head": "camera"}, "both 'camera'"),
    ],
)
def test_heads_that_are_not_there(folder: Path, change: dict[str, str], says: str) -> None:
    rewrite(folder, lambda d: d.update(change))
    error = refused(folder)
    assert type(error) is BundleDamaged
    assert says in error.message


def test_heads_that_are_there(folder: Path) -> None:
    rewrite(folder, lambda d: d.update(class_head="camsdd", tag_head=None))
    description = open_bundle(folder).description
    assert (description.class_head, description.tag_head) == ("camsdd", None)


@pytest.mark.parametrize(
    "head_id", ["human", "none", "My Folders", "a-b", "", "scenes\n", "camera"]
)
def test_names_no_head_may_have(folder: Path, head_id: str) -> None:
    rewrite(folder, lambda d: d["heads"][0].update(id=head_id))
    error = refused(folder)
    assert type(error) is BundleDamaged
    assert repr(head_id) in error.message


@pytest.mark.parametrize(
    ("label_ids", "says"),
    [(["a", "b", "a"], "'a' 2 times"), ([], "no labels"), (["unsure"], "'unsure'")],
)
def test_labels_no_head_may_have(folder: Path, label_ids: list[str], says: str) -> None:
    def change(description: dict[str, Any]) -> None:
        label = description["heads"][0]["labels"][0]
        description["heads"][0]["labels"] = [label | {"id": label_id} for label_id in label_ids]

    rewrite(folder, change)
    assert says in refused(folder).message


def test_weights_that_are_no_arrays(folder: Path) -> None:
    (folder / "heads.npz").write_bytes(b"no arrays")
    digest = hashlib.sha256(b"no arrays").hexdigest()
    rewrite(folder, lambda d: d["heads_file"].update(sha256=digest))
    error = refused(folder)
    assert type(error) is BundleDamaged
    assert "heads.npz" in error.message


def test_a_bundle_of_format_1_still_opens(folder: Path) -> None:
    def change(description: dict[str, Any]) -> None:
        description["format_version"] = 1
        del description["kinds"], description["groups"], description["decisions_file"]
        for head in description["heads"]:
            for label in head["labels"]:
                del label["kinds"], label["group"]

    rewrite(folder, change)
    bundle = open_bundle(folder)
    assert (bundle.description.kinds, bundle.description.groups) == ((), ())
    assert bundle.label_set(bundle.description.heads[0])[0].kinds == ()


def label_of(description: dict[str, Any]) -> dict[str, Any]:
    label: dict[str, Any] = description["heads"][1]["labels"][0]
    return label


def kind_of(description: dict[str, Any], kind_id: str) -> dict[str, Any]:
    kinds: list[dict[str, Any]] = description["kinds"]
    return next(kind for kind in kinds if kind["id"] == kind_id)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: label_of(d).update(kinds=["beast"]), "kind 'beast', which the bundle does not"),
        (lambda d: label_of(d).update(group="zoo"), "group 'zoo', which the bundle does not"),
        (lambda d: kind_of(d, "animal").update(parents=["life"]), "parent 'life', which is not a"),
        (lambda d: kind_of(d, "animal").update(parents=["dog"]), "is among its own parents"),
        (lambda d: kind_of(d, "animal").update(parents=["animal"]), "is among its own parents"),
        (lambda d: d["kinds"].append(kind_of(d, "dog")), "two kinds have the id 'dog'"),
        (lambda d: d["groups"].append(d["groups"][0]), "two groups have the id"),
    ],
)
def test_kinds_and_groups_that_cannot_be(
    folder: Path, change: Callable[[dict[str, Any]], Any], says: str
) -> None:
    rewrite(folder, change)
    error = refused(folder)
    assert type(error) is BundleDamaged
    assert says in error.message
