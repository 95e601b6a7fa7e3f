"""A model of one's own: class folders in, a bundle with a head for them out."""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scene_model.classifier.bundle import MODEL_CARD_FILE, Bundle, open_bundle
from scene_model.classifier.bundle_description import FORMAT_VERSION, BundleDescription, HeadEntry
from scene_model.classifier.fitting.bundle_files import (
    HEADS_FILE,
    bundle_file,
    describe_head,
    now,
    put_in_place,
    write_description,
    write_heads,
)
from scene_model.classifier.fitting.calibration import (
    MIN_CALIBRATION_PHOTOS,
    HeadCalibration,
    best_temperature,
)
from scene_model.classifier.fitting.class_folders import label_set_of_folders
from scene_model.classifier.fitting.examples import (
    Example,
    UnreadablePhoto,
    data_manifest_hash,
    load_folders,
)
from scene_model.classifier.fitting.head_fit import (
    FittedHead,
    check_enough,
    check_head_id,
    fit_head,
)
from scene_model.classifier.fitting.measuring import (
    FEW_TIMED_PHOTOS,
    embed_examples,
    head_metrics,
    speed_metrics,
)
from scene_model.classifier.fitting.own_card import own_model_card
from scene_model.classifier.fitting.splits import Part, Split, make_split, same_picture_groups
from scene_model.classifier.heads import heads_of
from scene_model.classifier.labels import LabelSet
from scene_model.classifier.linear_head import one_hot
from scene_model.classifier.preprocessing import Preprocessing
from scene_model.errors import UnusableFolders
from scene_model.photos.decode import MinimumSize

DEFAULT_NAME = "my_folders"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SEED = 1
_WEAK_F1 = 80
_LICENCE = "As the photos it was trained on; the network beneath: "
_ATTRIBUTION = "Photos of your own folders"


@dataclass(frozen=True)
class OwnClasses:
    """A published head. metrics: of its validation photos. passed_over: a line per folder."""

    folder: Path
    labels: LabelSet
    photo_count: int
    metrics: dict[str, Any]
    passed_over: list[str]
    unreadable: list[UnreadablePhoto]


def fit_own_classes(root: Path, name: str, base_dir: Path, bundles_dir: Path) -> OwnClasses:
    """Fit a head on the class folders of a folder and publish it as ``bundles_dir/name``.

    base_dir: the bundle whose network and heads it builds on, also one without heads; it is not
    changed. An own bundle of that name is replaced. Raises UnusableFolders or BundleError.
    """
    base = open_bundle(base_dir)
    _check_name(name, base)
    labels = label_set_of_folders(root)
    short_side = Preprocessing(base.description.input).short_side
    minimum = MinimumSize(short_side=max(short_side, MinimumSize().short_side))
    examples, passed_over, unreadable = load_folders(root, name, minimum)
    check_enough(examples, labels)
    split = make_split(examples, same_picture_groups([e.pixels for e in examples]), _SEED)
    fitted = fit_head(base, examples, split, labels, _SEED)
    bundles_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=bundles_dir, prefix=".new-") as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        copy_network_and_heads(folder, base, name, fitted)
        own = describe_head(name, name.replace("_", " ").capitalize(), labels, HeadCalibration())
        description = describe_bundle(folder, base, own, name, _training(examples, base))
        write_description(folder, description)
        calibration = _calibrate(open_bundle(folder), name, fitted)
        own = own.model_copy(update={"temperature": calibration.temperature})
        description = description.model_copy(update={"heads": (own, *base.description.heads)})
        write_description(folder, description)
        measured = _measure(open_bundle(folder), name, labels, examples, split)
        metrics = kept_metrics(base) | {
            name: measured,
            "speed": speed_metrics(open_bundle(folder), photo_count=FEW_TIMED_PHOTOS),
        }
        description = description.model_copy(update={"metrics": metrics})
        write_description(folder, description)
        card = own_model_card(description, name, len(examples))
        (folder / MODEL_CARD_FILE).write_text(card, encoding="utf-8")
        put_in_place(folder, bundles_dir / name)
    return OwnClasses(bundles_dir / name, labels, len(examples), measured, passed_over, unreadable)


def copy_network_and_heads(folder: Path, base: Bundle, head_id: str, fitted: FittedHead) -> None:
    """Write a bundle's networks, its heads and the new one, and its decisions into a folder."""
    copied = [base.description.backbone, base.description.decisions_file]
    copied += [] if base.description.text is None else base.description.text.files
    for entry in copied:
        if entry is not None:
            shutil.copyfile(base.folder / entry.file, folder / entry.file)
    write_heads(folder, base.head_weights | {head_id: fitted.weights})


def describe_bundle(
    folder: Path,
    base: Bundle,
    own: HeadEntry,
    name: str,
    training: dict[str, Any],
    licence: str = "",
    attributions: tuple[str, ...] = (_ATTRIBUTION,),
) -> BundleDescription:
    """Describe a bundle that adds a head, which files the photos, to another's.

    licence: "" for the usual sentence.
    """
    return base.description.model_copy(
        update={
            # The new labels are written with fields that version 1 does not have.
            "format_version": FORMAT_VERSION,
            "name": name,
            "created_at": now(),
            "heads_file": bundle_file(folder, HEADS_FILE),
            "heads": (own, *base.description.heads),
            "class_head": own.id,
            "float_weights": None,
            "metrics": {},
            "training": training | {"on_bundle": base.description.id},
            "licence": licence or _LICENCE + base.description.licence,
            "attributions": (*attributions, *base.description.attributions),
        }
    )


def kept_metrics(base: Bundle) -> dict[str, Any]:
    """What was measured of the heads that a bundle takes over."""
    return {h.id: base.description.metrics.get(h.id, {}) for h in base.description.heads}


def result_lines(
    labels: LabelSet, photo_count: int, metrics: dict[str, Any], left_out: int
) -> list[str]:
    """Say how good a fitted head is, as far as photos were held back to measure it."""
    if not metrics["photos"]:
        return [f"{len(labels)} classes; too few photos to hold some back."]
    low, high = metrics["top_1_interval"]
    lines = [
        f"{len(labels)} classes, {photo_count:,} photos; on {metrics['photos']:,} held back "
        f"{metrics['top_1']} % right (95 % interval {low}-{high} %).",
        "Choose it on the app's page “Model”, or set SCENE_BUNDLE to its folder.",
    ]
    weak = sorted(
        (row["f1"], label)
        for label, row in metrics["per_class"].items()
        if row["f1"] is not None and row["f1"] < _WEAK_F1
    )
    if weak:
        lines.append("Weakest: " + ", ".join(f"{label} (F1 {f1} %)" for f1, label in weak[:5]))
    if left_out:
        lines.append(f"{left_out} left out; each is named above.")
    return lines


def _check_name(name: str, base: Bundle) -> None:
    if not _NAME.fullmatch(name):
        raise UnusableFolders(
            f"A bundle cannot be called {name!r}: use lower-case letters, digits and _, "
            "beginning with a letter."
        )
    if name in (base.folder.name, base.description.name):
        raise UnusableFolders(
            f"A bundle cannot be called {name!r}: it would replace the one whose network it "
            "builds on. Choose another --name."
        )
    check_head_id(name, base)


def _training(examples: list[Example], base: Bundle) -> dict[str, Any]:
    return {"data_manifest_sha256": data_manifest_hash(examples), "seed": _SEED}


def _calibrate(bundle: Bundle, head_id: str, fitted: FittedHead) -> HeadCalibration:
    """Set the temperature on the weights as published, where there are photos enough."""
    if len(fitted.calibration_labels) < MIN_CALIBRATION_PHOTOS:
        return HeadCalibration()
    weights = bundle.head_weights[head_id]
    logits = fitted.calibration_embeddings @ weights.kernel + weights.bias
    targets = one_hot(fitted.calibration_labels, logits.shape[1])
    return HeadCalibration(round(best_temperature(logits, targets), 4))


def _measure(
    bundle: Bundle, head_id: str, labels: LabelSet, examples: list[Example], split: Split
) -> dict[str, Any]:
    validation = [examples[i] for i in split.indices(examples, Part.VALIDATION)]
    head = heads_of(bundle)[head_id]
    names = [label.source_name for label in labels.labels]
    true_labels = np.array([names.index(e.label) for e in validation], np.intp)
    prediction = head.predict(embed_examples(bundle, validation))
    return head_metrics(head, prediction, one_hot(true_labels, len(labels)))
