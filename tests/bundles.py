"""Bundles made on the spot out of the shipped one: a head more, or another network."""

import hashlib
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from scene_model.classifier.bundle_decisions import Decisions, GroupRule
from scene_model.classifier.bundle_description import BundleDescription, HeadEntry, read_description
from scene_model.classifier.bundle_network import BackboneEntry, BundleFile
from scene_model.classifier.bundle_words import LabelEntry
from scene_model.config import PROJECT_DIR

SHIPPED = PROJECT_DIR / "models" / "scene_mobilenet_v2"


def copy_shipped(models: Path) -> Path:
    """The shipped bundle as a folder of models_dir, without what only training needs."""
    return Path(
        shutil.copytree(
            SHIPPED, models / SHIPPED.name, ignore=shutil.ignore_patterns("float_weights*")
        )
    )


def own_head(
    models: Path,
    name: str = "my_trips",
    sure: bool = True,
    labels: tuple[str, ...] = ("zermatt", "trastevere"),
) -> Path:
    """A bundle with the shipped network and heads, and a class head of its own.

    It calls every photo by its first label, surely or not.
    """
    description, arrays = read_description(SHIPPED), _shipped_arrays()
    size = description.backbone.embedding_size
    arrays["my_folders/kernel"] = np.zeros((size, len(labels)), np.float32)
    arrays["my_folders/bias"] = np.array([9.0] + [0.0] * (len(labels) - 1), np.float32)
    head = HeadEntry(
        id="my_folders",
        name="My folders",
        labels=tuple(_label(label) for label in labels),
        temperature=1.0,
        confidence_threshold=0.5 if sure else 1.1,
    )
    return _write(
        models / name,
        (SHIPPED / "backbone.tflite").read_bytes(),
        arrays,
        description,
        name=name,
        heads=(*description.heads, head),
        class_head="my_folders",
        metrics={"my_folders": {"top_1": 87.5, "photos": 40}},
    )


def other_network(models: Path, name: str = "whole_network", sees_outside: bool = True) -> Path:
    """A bundle of another network with one head: it answers as the six scenes, renamed.

    sees_outside: whether it knows photos of another world, as the shipped model does.
    """
    description, arrays = read_description(SHIPPED), _shipped_arrays()
    (scenes,) = (head for head in description.heads if head.id == "scenes")
    labels = tuple(_label(f"my_{label.id}") for label in scenes.labels)
    kept = {f"my_scenes/{part}": arrays[f"scenes/{part}"] for part in ("kernel", "bias")}
    return _write(
        models / name,
        # What follows the network in its file changes its hash and none of its answers.
        (SHIPPED / "backbone.tflite").read_bytes() + b"another network",
        kept,
        description,
        name=name,
        heads=(
            scenes.model_copy(
                update={
                    "id": "my_scenes",
                    "name": "Mine",
                    "labels": labels,
                    "outside_threshold": scenes.outside_threshold if sees_outside else 1.0,
                }
            ),
        ),
        class_head="my_scenes",
        tag_head=None,
        metrics={},
    )


def grouped(
    models: Path, name: str = "grouped", confidence_threshold: float = 0.4, sure: bool = True
) -> Path:
    """A bundle with the shipped network and heads, a rule for groups, and a head of six places.

    confidence_threshold: of groups. sure: False for heads that are never sure.
    Its places are never sure, and equally probable for every photo: their number 0 the most.
    """
    description, arrays = read_description(SHIPPED), _shipped_arrays()
    size = description.backbone.embedding_size
    arrays["places/kernel"] = np.zeros((size, 6), np.float32)
    arrays["places/bias"] = np.linspace(1, 0, 6, dtype=np.float32)
    places = HeadEntry(
        id="places",
        name="Places",
        labels=tuple(
            LabelEntry(id=f"hall_{i}", name=f"Hall {i}", source_name=f"hall/{i}") for i in range(6)
        ),
        temperature=1.0,
        confidence_threshold=1.1,
    )
    changes = {} if sure else {"confidence_threshold": 1.1}
    heads = [h.model_copy(update=changes) for h in description.heads if h.id != "places"]
    # A pool: each head's own opinion of a group counts, by a weight.
    count = len(description.groups)
    kernel = np.concatenate([np.eye(count) * weight for weight in (1.0, 1.0, 0.5)])
    rule = GroupRule(
        heads=("scenes", "camera", "objects"),
        floor=0.01,
        kernel=tuple(map(tuple, kernel.tolist())),
        bias=(0.0,) * count,
        confidence_threshold=confidence_threshold,
    )
    decisions = Decisions(groups=rule).model_dump_json().encode()
    folder = _write(
        models / name,
        (SHIPPED / "backbone.tflite").read_bytes(),
        arrays,
        description,
        name=name,
        format_version=3,
        heads=(*heads, places),
        decisions_file=BundleFile(
            file="decisions.json", sha256=hashlib.sha256(decisions).hexdigest()
        ),
    )
    (folder / "decisions.json").write_bytes(decisions)
    return folder


def _label(label_id: str) -> LabelEntry:
    name = label_id.replace("_", " ").capitalize()
    return LabelEntry(id=label_id, name=name, source_name=label_id)


def _shipped_arrays() -> dict[str, Any]:
    with np.load(SHIPPED / "heads.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _write(
    folder: Path,
    network: bytes,
    arrays: dict[str, Any],
    shipped: BundleDescription,
    **changes: Any,
) -> Path:
    folder.mkdir(parents=True)
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    (folder / "backbone.tflite").write_bytes(network)
    (folder / "heads.npz").write_bytes(packed.getvalue())
    backbone = BackboneEntry(
        **shipped.backbone.model_dump() | {"sha256": hashlib.sha256(network).hexdigest()}
    )
    heads_file = BundleFile(file="heads.npz", sha256=hashlib.sha256(packed.getvalue()).hexdigest())
    if shipped.decisions_file is not None and "decisions_file" not in changes:
        is_same = {head.id for head in shipped.heads} <= {head.id for head in changes["heads"]}
        if is_same:
            shutil.copyfile(SHIPPED / shipped.decisions_file.file, folder / "decisions.json")
        else:
            changes["decisions_file"] = None
    made = shipped.model_copy(
        update={
            "backbone": backbone,
            "heads_file": heads_file,
            "float_weights": None,
            "text": None,
        }
        | changes
    )
    (folder / "bundle.json").write_text(made.model_dump_json(indent=1), encoding="utf-8")
    return folder
