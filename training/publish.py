"""Turn a finished run into a bundle: quantize, calibrate, measure, describe."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from scene_model.classifier.bundle import HeadWeights, open_bundle
from scene_model.classifier.bundle_description import FORMAT_VERSION, BundleDescription
from scene_model.classifier.bundle_network import BackboneEntry, InputEntry
from scene_model.classifier.fitting.bundle_files import (
    HEADS_FILE,
    bundle_file,
    now,
    sha256,
    write_description,
)
from scene_model.classifier.fitting.calibration import HeadCalibration
from scene_model.classifier.fitting.examples import data_manifest_hash
from scene_model.classifier.fitting.measures import percent
from scene_model.classifier.fitting.measuring import embed_examples
from scene_model.classifier.fitting.splits import Part
from training.architectures import build_backbone, named_weights, set_named_weights
from training.bundle_files import BACKBONE_FILE, FLOAT_FILE, finish, head_entry
from training.calibrate import calibrate, calibration_examples, own_photos
from training.data import head_targets
from training.decisions import with_decisions
from training.evaluate import agreement, measure_all
from training.int8 import quantize
from training.label_words import read_label_words, with_kinds
from training.labelled import LabelledData, load_data, representative_photos
from training.network import embed_float
from training.recipe import Recipe
from training.refit import refit_heads
from training.starting_weights import load_file, load_weights, save_weights
from training.teachers import teacher_of

# Percentage points that a head may lose by int8 before a warning is printed.
MAX_INT8_LOSS = 0.5


def publish(recipe: Recipe, data_dir: Path, run_dir: Path, models_dir: Path) -> Path:
    """Write ``models_dir/NAME`` from the output of `fit` in ``run_dir``; returns the folder.

    The bundle is built in a temporary folder and replaces an earlier one by a rename.
    """
    data = load_data(recipe, data_dir)
    history = _history(recipe, run_dir)
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models_dir, prefix=".new-") as scratch:
        folder = Path(scratch) / recipe.name
        folder.mkdir()
        backbone = trained_network(recipe, data_dir, run_dir)
        _write_networks(recipe, data, backbone, run_dir, folder)
        write_description(folder, _description(recipe, data, folder, history, calibration={}))
        embeddings = embed_examples(open_bundle(folder), calibration_examples(data))
        _write_heads(folder, refit_heads(recipe, data, open_bundle(folder), embeddings))
        write_description(folder, _description(recipe, data, folder, history, calibration={}))
        calibration = calibrate(recipe, data, open_bundle(folder), embeddings)
        description = with_kinds(
            _description(recipe, data, folder, history, calibration), recipe, read_label_words()
        )
        write_description(folder, description)
        metrics = measure_all(open_bundle(folder), recipe, data, data_dir)
        metrics["float"] = _float_accuracies(recipe, data, data_dir, backbone, folder)
        _print_int8_loss(metrics)
        if description.groups:
            description = with_decisions(open_bundle(folder), recipe, data, data_dir)
            metrics |= description.metrics
        return finish(folder, description, metrics, history, recipe, models_dir)


def _history(recipe: Recipe, run_dir: Path) -> list[dict[str, Any]]:
    """Epochs of a run, preceded by those of the runs whose weights it started from."""
    sources = [
        source.partition(":")
        for source in (recipe.starting_weights, recipe.branch_weights)
        if source
    ]
    files = [run_dir.parent / name / "history.json" for kind, _, name in sources if kind == "run"]
    records: list[dict[str, Any]] = []
    for file in [*files, run_dir / "history.json"]:
        if file.is_file():
            records += json.loads(file.read_text(encoding="utf-8"))
    return [record | {"epoch": number} for number, record in enumerate(records, start=1)]


def _print_int8_loss(metrics: dict[str, Any]) -> None:
    for head_id, exact in metrics["float"].items():
        served = metrics[head_id].get("top_1", metrics[head_id].get("top_5_holds_original"))
        lost = round(exact - served, 2)
        warning = f" (limit {MAX_INT8_LOSS})" if lost > MAX_INT8_LOSS else ""
        print(f"{head_id}: int8 {served} %, float {exact} %: {lost} points lost{warning}")


def trained_network(recipe: Recipe, data_dir: Path, run_dir: Path) -> keras.Model:
    """Load the network of a run, blended with other weights if the recipe has ``blend``."""
    backbone = build_backbone(recipe.architecture, hidden=recipe.hidden)
    load_weights(run_dir / FLOAT_FILE, backbone)
    if recipe.blend is not None:
        trained, share = named_weights(backbone), recipe.blend_share
        load_file(data_dir / recipe.blend, backbone)
        second = named_weights(backbone)
        blended = {k: (1 - share) * trained[k] + share * second[k] for k in trained}
        set_named_weights(backbone, blended)
    return backbone


def _write_networks(
    recipe: Recipe, data: LabelledData, backbone: keras.Model, run_dir: Path, folder: Path
) -> None:
    save_weights(folder / FLOAT_FILE, backbone, precision="float16")
    photos = representative_photos(recipe, data, recipe.input_size)
    (folder / BACKBONE_FILE).write_bytes(quantize(backbone, recipe.input_size, photos))
    with np.load(run_dir / HEADS_FILE, allow_pickle=False) as arrays:
        _write_heads(
            folder,
            {
                head.id: HeadWeights(arrays[f"{head.id}/kernel"], arrays[f"{head.id}/bias"])
                for head in recipe.heads
            },
        )


def _write_heads(folder: Path, heads: Mapping[str, HeadWeights]) -> None:
    half = {
        f"{head_id}/{part}": values.astype(np.float16)
        for head_id, weights in heads.items()
        for part, values in (("kernel", weights.kernel), ("bias", weights.bias))
    }
    np.savez_compressed(folder / HEADS_FILE, **half)  # type: ignore[arg-type]


def _description(
    recipe: Recipe,
    data: LabelledData,
    folder: Path,
    history: list[dict[str, Any]],
    calibration: dict[str, HeadCalibration],
) -> BundleDescription:
    with np.load(folder / HEADS_FILE, allow_pickle=False) as arrays:
        embedding_size = int(arrays[f"{recipe.heads[0].id}/kernel"].shape[0])
    return BundleDescription(
        format_version=FORMAT_VERSION,
        name=recipe.name,
        created_at=now(),
        backbone=BackboneEntry(
            file=BACKBONE_FILE,
            sha256=sha256(folder / BACKBONE_FILE),
            architecture=recipe.architecture,
            embedding_size=embedding_size,
        ),
        input=InputEntry(
            width=recipe.input_size,
            height=recipe.input_size,
            colour_order="RGB",
            dtype="uint8",
            resize="stretch",
        ),
        heads_file=bundle_file(folder, HEADS_FILE),
        heads=tuple(
            head_entry(
                head,
                data.label_sets[head.id],
                calibration.get(
                    head.id, HeadCalibration(outside_threshold=0.5 if head.outside else None)
                ),
            )
            for head in recipe.heads
        ),
        class_head=recipe.class_head,
        tag_head=recipe.tag_head,
        float_weights=bundle_file(folder, FLOAT_FILE),
        training={
            "recipe": recipe.model_dump(mode="json"),
            "data_manifest_sha256": data_manifest_hash(data.examples),
            "epochs": history,
        },
        licence=recipe.licence,
        attributions=recipe.attributions,
    )


def _float_accuracies(
    recipe: Recipe, data: LabelledData, data_dir: Path, backbone: keras.Model, folder: Path
) -> dict[str, float]:
    """Accuracy of the float network in percent, by head, to measure the cost of quantization.

    Top-1 accuracy; for distilled heads the share of photos whose top five contain the teacher's
    top class.
    """
    examples = [data.examples[i] for i in data.split.indices(data.examples, Part.VALIDATION)]
    if not examples:
        return {}
    embeddings = embed_float(backbone, examples, recipe.input_size)
    accuracies = {}
    with np.load(folder / HEADS_FILE, allow_pickle=False) as arrays:
        for head in recipe.heads:
            kernel, bias = arrays[f"{head.id}/kernel"], arrays[f"{head.id}/bias"]
            if (teacher := teacher_of(recipe, head, data_dir)) is not None:
                metrics = agreement(embeddings @ kernel + bias, examples, teacher)
                accuracies[head.id] = metrics["top_5_holds_original"]
                continue
            labels = data.label_sets[head.id]
            own = own_photos(recipe, head, examples)
            logits = embeddings[own] @ kernel + bias
            true = head_targets(examples, head, labels, recipe).allowed[own].argmax(axis=1)
            right = logits[:, : len(labels)].argmax(axis=1) == true
            accuracies[head.id] = percent(float(right.mean()))
    return accuracies
