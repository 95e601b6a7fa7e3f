"""Turn a finished run into a bundle: quantize, calibrate, measure, describe."""

import datetime
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from scene_model.classifier.bundle import (
    BUNDLE_FILE,
    FORMAT_VERSION,
    MODEL_CARD_FILE,
    BackboneEntry,
    Bundle,
    BundleDescription,
    BundleFile,
    HeadEntry,
    HeadWeights,
    InputEntry,
    LabelEntry,
    open_bundle,
)
from scene_model.classifier.labels import LabelSet
from scene_model.photos.decode import Pixels, resize_to_square
from training.architectures import EMBEDDING_SIZE, load_weights, mobilenet_v2, save_weights
from training.data import Example, FloatArray, HeadTargets, data_manifest_hash, head_targets
from training.evaluate import embed_int8, measure
from training.fit import LabelledData, load_data
from training.model_card import draw_plots, write_model_card
from training.network import embed_float
from training.recipe import HeadRecipe, Recipe
from training.splits import Part

HEAD_NAMES = {"scenes": "Six scenes", "camera": "Camera scenes", "camsdd": "CamSDD scenes"}
# A calibrated answer below this is more likely wrong than right.
CONFIDENCE_THRESHOLD = 0.5
# Share of true scenes that the outside score may turn away on the calibration photos.
REFUSED_SCENES = 0.025
BACKBONE_FILE, HEADS_FILE, FLOAT_FILE = "backbone.tflite", "heads.npz", "float_weights.npz"


def publish(recipe: Recipe, data_dir: Path, run_dir: Path, models_dir: Path) -> Path:
    """Write ``models_dir/NAME`` from what `fit` left in ``run_dir``; returns the folder.

    The bundle is built beside its place and moved there whole, over an earlier one.
    """
    data = load_data(recipe, data_dir)
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models_dir) as scratch:
        folder = Path(scratch) / recipe.name
        folder.mkdir()
        _write_networks(recipe, data, run_dir, folder)
        _write_description(folder, _description(recipe, data, folder, run_dir, calibration={}))
        calibration = _calibrate(recipe, data, open_bundle(folder))
        description = _description(recipe, data, folder, run_dir, calibration)
        _write_description(folder, description)
        bundle = open_bundle(folder)
        validation = [data.examples[i] for i in data.split.indices(data.examples, Part.VALIDATION)]
        metrics = measure(bundle, recipe, validation, data_dir)
        metrics["float"] = _float_accuracies(recipe, data, run_dir)
        description = description.model_copy(update={"metrics": metrics})
        _write_description(folder, description)
        history = json.loads((run_dir / "history.json").read_text(encoding="utf-8"))
        draw_plots(folder / "plots", description, history)
        write_model_card(folder / MODEL_CARD_FILE, description, recipe)
        target = models_dir / recipe.name
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    print(f"published {target}")
    return target


def quantize(backbone: keras.Model, side: int, photos: list[Pixels]) -> bytes:
    """Convert a float backbone to an int8 network: uint8 RGB in, float32 embedding out.

    photos: inputs of shape (side, side, 3), uint8, that set the ranges of the activations.
    """
    inputs = keras.Input((side, side, 3), batch_size=1)
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    model = keras.Model(inputs, backbone(scaled, training=False))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [photo[np.newaxis].astype(np.float32)] for photo in photos
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.float32
    network: bytes = converter.convert()
    return network


def best_temperature(logits: FloatArray, targets: FloatArray) -> float:
    """Temperature in [0.25, 4] of least cross-entropy, by golden-section search (Guo 2017)."""

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        log_probabilities = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-(targets * log_probabilities).sum(axis=1).mean())

    low, high, ratio = np.log(0.25), np.log(4.0), (np.sqrt(5) - 1) / 2
    while high - low > 1e-3:
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return float(np.exp((low + high) / 2))


def _write_networks(recipe: Recipe, data: LabelledData, run_dir: Path, folder: Path) -> None:
    backbone = mobilenet_v2(recipe.input_size)
    load_weights(run_dir / FLOAT_FILE, backbone)
    save_weights(folder / FLOAT_FILE, backbone, precision="float16")
    train = data.split.indices(data.examples, Part.TRAIN)
    rng = np.random.default_rng(recipe.seed)
    chosen = rng.choice(train, min(recipe.representative_photos, len(train)), replace=False)
    photos = [resize_to_square(data.examples[i].pixels, recipe.input_size) for i in chosen]
    (folder / BACKBONE_FILE).write_bytes(quantize(backbone, recipe.input_size, photos))
    with np.load(run_dir / HEADS_FILE, allow_pickle=False) as arrays:
        half = {name: arrays[name].astype(np.float16) for name in arrays.files}
    np.savez_compressed(folder / HEADS_FILE, **half)


def _description(
    recipe: Recipe,
    data: LabelledData,
    folder: Path,
    run_dir: Path,
    calibration: dict[str, dict[str, float]],
) -> BundleDescription:
    return BundleDescription(
        format_version=FORMAT_VERSION,
        name=recipe.name,
        created_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        backbone=BackboneEntry(
            file=BACKBONE_FILE,
            sha256=_sha256(folder / BACKBONE_FILE),
            architecture=recipe.architecture,
            embedding_size=EMBEDDING_SIZE,
        ),
        input=InputEntry(
            width=recipe.input_size,
            height=recipe.input_size,
            colour_order="RGB",
            dtype="uint8",
            resize="stretch",
        ),
        heads_file=BundleFile(file=HEADS_FILE, sha256=_sha256(folder / HEADS_FILE)),
        heads=tuple(
            _head_entry(head, data.label_sets[head.id], calibration.get(head.id, {}))
            for head in recipe.heads
        ),
        float_weights=BundleFile(file=FLOAT_FILE, sha256=_sha256(folder / FLOAT_FILE)),
        training={
            "recipe": recipe.model_dump(mode="json"),
            "data_manifest_sha256": data_manifest_hash(data.examples),
            "epochs": json.loads((run_dir / "history.json").read_text(encoding="utf-8")),
        },
        licence=recipe.licence,
        attributions=recipe.attributions,
    )


def _head_entry(head: HeadRecipe, labels: LabelSet, calibration: dict[str, float]) -> HeadEntry:
    return HeadEntry(
        id=head.id,
        name=HEAD_NAMES.get(head.id, head.id.capitalize()),
        labels=tuple(
            LabelEntry(
                id=label.id,
                name=label.name,
                source_name=label.source_name,
                aliases=label.aliases,
                translations=label.translations,
            )
            for label in labels.labels
        ),
        temperature=calibration.get("temperature", 1.0),
        confidence_threshold=CONFIDENCE_THRESHOLD,
        outside_threshold=calibration.get("outside_threshold", 0.5) if head.outside else None,
    )


def _calibrate(recipe: Recipe, data: LabelledData, bundle: Bundle) -> dict[str, dict[str, float]]:
    """Temperature and outside threshold of each head, on the calibration photos."""
    indices = data.split.indices(data.examples, Part.CALIBRATION)
    examples = [data.examples[i] for i in indices]
    embeddings = embed_int8(bundle, examples)
    calibration: dict[str, dict[str, float]] = {}
    for head in recipe.heads:
        if head.labels is None:
            continue
        labels = data.label_sets[head.id]
        targets = head_targets(examples, head, labels, recipe)
        own_sources = {s.id for s in recipe.sources if s.head == head.id}
        own = np.array([e.source in own_sources for e in examples])
        calibration[head.id] = _calibrate_head(
            head, len(labels), bundle.head_weights[head.id], embeddings[own], targets, own
        )
    return calibration


def _calibrate_head(
    head: HeadRecipe,
    label_count: int,
    weights: HeadWeights,
    embeddings: FloatArray,
    targets: HeadTargets,
    own: Any,
) -> dict[str, float]:
    logits = embeddings @ weights.kernel + weights.bias
    temperature = best_temperature(logits[:, :label_count], targets.allowed[own][:, :label_count])
    found = {"temperature": round(temperature, 4)}
    if head.outside:
        scaled = np.exp(logits / temperature - (logits / temperature).max(axis=1, keepdims=True))
        outside = scaled[:, label_count] / scaled.sum(axis=1)
        found["outside_threshold"] = round(float(np.quantile(outside, 1 - REFUSED_SCENES)), 4)
    return found


def _float_accuracies(recipe: Recipe, data: LabelledData, run_dir: Path) -> dict[str, float]:
    """First-label accuracy of the float network, to see what quantization costs."""
    backbone = mobilenet_v2(recipe.input_size)
    load_weights(run_dir / FLOAT_FILE, backbone)
    examples: list[Example] = [
        data.examples[i] for i in data.split.indices(data.examples, Part.VALIDATION)
    ]
    embeddings = embed_float(backbone, examples, recipe.input_size)
    accuracies = {}
    with np.load(run_dir / HEADS_FILE, allow_pickle=False) as arrays:
        for head in recipe.heads:
            if head.labels is None:
                continue
            labels = data.label_sets[head.id]
            own_sources = {s.id for s in recipe.sources if s.head == head.id}
            own = np.array([e.source in own_sources for e in examples])
            logits = embeddings[own] @ arrays[f"{head.id}/kernel"] + arrays[f"{head.id}/bias"]
            wanted = head_targets(examples, head, labels, recipe).allowed[own].argmax(axis=1)
            found = logits[:, : len(labels)].argmax(axis=1)
            accuracies[head.id] = round(100 * float((found == wanted).mean()), 2)
    return accuracies


def _write_description(folder: Path, description: BundleDescription) -> None:
    (folder / BUNDLE_FILE).write_text(
        description.model_dump_json(indent=1) + "\n", encoding="utf-8"
    )


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
