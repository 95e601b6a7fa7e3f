"""Our label sets on another network: heads fitted to its embeddings, in minutes, no TensorFlow.

Heads with labelled photos are fitted to these. The others, which no photo is labelled for, are
fitted to the answers that a published bundle gives for the same photos (distillation, Hinton et
al. 2015).
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from scene_model.classifier.bundle import (
    MODEL_CARD_FILE,
    Bundle,
    FloatArray,
    HeadWeights,
    open_bundle,
)
from scene_model.classifier.bundle_description import BundleDescription, HeadEntry
from scene_model.classifier.fitting.bundle_files import (
    HEADS_FILE,
    bundle_file,
    now,
    put_in_place,
    write_description,
    write_heads,
)
from scene_model.classifier.fitting.calibration import HeadCalibration
from scene_model.classifier.fitting.examples import Example, data_manifest_hash
from scene_model.classifier.fitting.measures import percent
from scene_model.classifier.fitting.measuring import (
    FEW_TIMED_PHOTOS,
    embed_examples,
    head_metrics,
    speed_metrics,
)
from scene_model.classifier.fitting.splits import Part
from scene_model.classifier.heads import Head, heads_of, softmax
from scene_model.classifier.linear_head import fit_linear_head, one_hot
from training.calibrate import calibrate, calibration_examples, own_photos
from training.data import head_targets
from training.decisions import with_decisions
from training.evaluate import select_photos
from training.labelled import LabelledData, load_data
from training.recipe import HeadRecipe, Recipe, TrainingError
from training.refit import embed_with_mirror

_PENALTIES = (1e-3, 1e-2, 1e-1)
_KEPT_PENALTY = 1e-2
_VIEWS = 2
# Half an hour more would not be worth what further photos add to answers that are only copied.
MOST_KEPT_ANSWERS = 6_000


def refit_on_backbone(
    recipe: Recipe,
    data_dir: Path,
    models_dir: Path,
    backbone_dir: Path,
    name: str,
    most_photos: int | None = None,
) -> Path:
    """Publish ``models_dir/NAME``: the recipe's heads on the network of another bundle.

    The bundle that the recipe publishes gives names, groups and the answers for heads without
    labelled photos. most_photos: fewer photos, chosen at random, for a first impression. Returns
    the folder. Raises TrainingError, BundleError or the errors of `load_data`.
    """
    answering = open_bundle(models_dir / recipe.name)
    network = open_bundle(backbone_dir)
    if name in (network.folder.name, answering.folder.name):
        raise TrainingError(f"{name} would replace a bundle that is read. Choose another --name.")
    # Other heads need neither a label set nor its file in the data folder.
    labelled = recipe.model_copy(update={"heads": tuple(filter(_has_labels, recipe.heads))})
    data = _sampled(load_data(labelled, data_dir), recipe, most_photos)
    with tempfile.TemporaryDirectory(dir=models_dir, prefix=".new-") as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        _copy_network(network, folder)
        held_out = embed_examples(network, calibration_examples(data))
        write_heads(folder, _fit_heads(recipe, data, network, answering, held_out))
        description = _description(folder, recipe, data, network, answering, name, {})
        write_description(folder, description)
        calibration = calibrate(recipe, data, open_bundle(folder), held_out)
        description = _description(folder, recipe, data, network, answering, name, calibration)
        write_description(folder, description)
        metrics = _measure(open_bundle(folder), recipe, data, answering)
        if description.groups:
            description = with_decisions(open_bundle(folder), recipe, data, data_dir)
        description = description.model_copy(update={"metrics": description.metrics | metrics})
        write_description(folder, description)
        (folder / MODEL_CARD_FILE).write_text(_card(description, network), encoding="utf-8")
        put_in_place(folder, models_dir / name)
    return models_dir / name


def _sampled(data: LabelledData, recipe: Recipe, most_photos: int | None) -> LabelledData:
    if most_photos is None or most_photos >= len(data.examples):
        return data
    rng = np.random.default_rng(recipe.seed)
    chosen = sorted(rng.choice(len(data.examples), most_photos, replace=False).tolist())
    return replace(data, examples=[data.examples[i] for i in chosen])


def _copy_network(network: Bundle, folder: Path) -> None:
    text = network.description.text
    for entry in (network.description.backbone, *(text.files if text else ())):
        shutil.copyfile(network.folder / entry.file, folder / entry.file)


def _fit_heads(
    recipe: Recipe,
    data: LabelledData,
    network: Bundle,
    answering: Bundle,
    held_out: FloatArray,
) -> dict[str, HeadWeights]:
    train = [data.examples[i] for i in data.split.indices(data.examples, Part.TRAIN)]
    if not train:
        raise TrainingError("There are no training photos among the labelled ones.")
    views = embed_with_mirror(network, train)
    answers: FloatArray | None = None
    fitted: dict[str, HeadWeights] = {}
    for head in recipe.heads:
        if _has_labels(head):
            fitted[head.id] = _fit_labelled(recipe, head, data, train, views, held_out)
            continue
        rows = np.random.default_rng(recipe.seed).permutation(len(train))[:MOST_KEPT_ANSWERS]
        if answers is None:
            answers = embed_examples(answering, [train[i] for i in rows])
        targets = heads_of(answering)[head.id].predict(answers).probabilities
        fitted[head.id] = fit_linear_head(views[rows, 0], targets, _KEPT_PENALTY)
    return fitted


def _has_labels(head: HeadRecipe) -> bool:
    return head.labels is not None and head.teacher is None


def _fit_labelled(
    recipe: Recipe,
    head: HeadRecipe,
    data: LabelledData,
    train: list[Example],
    views: FloatArray,
    held_out: FloatArray,
) -> HeadWeights:
    """Fit with several penalties; the one with the least loss on calibration photos is kept."""
    labels = data.label_sets[head.id]
    targets = head_targets(train, head, labels, recipe)
    rows = np.flatnonzero((targets.weight > 0) & ~targets.sets)
    if not len(rows):
        raise TrainingError(f"No training photo has a label of the head {head.id!r}.")
    embeddings = views[rows].reshape(-1, views.shape[-1])
    main = one_hot(
        np.repeat(targets.allowed[rows].argmax(axis=1), _VIEWS), targets.allowed.shape[1]
    )
    weights = np.repeat(targets.weight[rows], _VIEWS)
    candidates = [fit_linear_head(embeddings, main, p, weights) for p in _PENALTIES]
    examples = calibration_examples(data)
    own = own_photos(recipe, head, examples)
    if not own.any():
        return candidates[1]
    right = head_targets(examples, head, labels, recipe).allowed[own].argmax(axis=1)

    def loss(candidate: HeadWeights) -> float:
        probabilities = softmax(held_out[own] @ candidate.kernel + candidate.bias)
        of_right = probabilities[np.arange(len(right)), right]
        return float(-np.log(np.maximum(of_right, 1e-9)).mean())

    return min(candidates, key=loss)


def _description(
    folder: Path,
    recipe: Recipe,
    data: LabelledData,
    network: Bundle,
    answering: Bundle,
    name: str,
    calibration: dict[str, HeadCalibration],
) -> BundleDescription:
    before, source = answering.description, network.description
    entries = {entry.id: entry for entry in before.heads}
    return source.model_copy(
        update={
            "name": name,
            "created_at": now(),
            "heads_file": bundle_file(folder, HEADS_FILE),
            "heads": tuple(
                _calibrated(entries[head.id], head, calibration) for head in recipe.heads
            ),
            "class_head": recipe.class_head,
            "tag_head": recipe.tag_head,
            "kinds": before.kinds,
            "groups": before.groups,
            "decisions_file": None,
            "float_weights": None,
            "metrics": {},
            "training": {
                "on_network": source.id,
                "answers_of": before.id,
                "photos": len(data.examples),
                "data_manifest_sha256": data_manifest_hash(data.examples),
            },
            "licence": f"Heads: {before.licence}; the network beneath: {source.licence}",
            "attributions": tuple(dict.fromkeys((*source.attributions, *before.attributions))),
        }
    )


def _calibrated(
    entry: HeadEntry, head: HeadRecipe, calibration: dict[str, HeadCalibration]
) -> HeadEntry:
    usual = HeadCalibration(outside_threshold=0.5 if head.outside else None)
    values = calibration.get(head.id, usual)
    return entry.model_copy(
        update={
            "temperature": values.temperature,
            "outside_threshold": values.outside_threshold,
            "second_tag_floor": values.second_tag_floor,
        }
    )


def _measure(
    bundle: Bundle, recipe: Recipe, data: LabelledData, answering: Bundle
) -> dict[str, Any]:
    """Measure heads on the validation photos: right labels, or the same as the copied answers."""
    examples = [data.examples[i] for i in data.split.indices(data.examples, Part.VALIDATION)]
    metrics: dict[str, Any] = {"speed": speed_metrics(bundle, photo_count=FEW_TIMED_PHOTOS)}
    if not examples:
        return metrics
    embeddings, copied = embed_examples(bundle, examples), embed_examples(answering, examples)
    heads, answering_heads = heads_of(bundle), heads_of(answering)
    for entry in recipe.heads:
        head = heads[entry.id]
        prediction = head.predict(embeddings)
        if _has_labels(entry):
            own = own_photos(recipe, entry, examples)
            allowed = head_targets(examples, entry, head.labels, recipe).allowed[own]
            metrics[entry.id] = head_metrics(
                head, select_photos(prediction, own), allowed[:, : len(head.labels)]
            )
        else:
            metrics[entry.id] = _agreement(head, answering_heads[entry.id], embeddings, copied)
    return metrics


def _agreement(
    head: Head, answering: Head, embeddings: FloatArray, copied: FloatArray
) -> dict[str, Any]:
    ours = np.argsort(-head.predict(embeddings).probabilities, axis=1, kind="stable")[:, :5]
    theirs = answering.predict(copied).probabilities.argmax(axis=1)
    return {
        "photos": len(theirs),
        "top_1_as_original": percent(float((ours[:, 0] == theirs).mean())),
        "top_5_holds_original": percent(float((ours == theirs[:, None]).any(axis=1).mean())),
    }


def _card(description: BundleDescription, network: Bundle) -> str:
    lines = [
        f"# {description.name}",
        "",
        f"`{description.id}`, made {description.created_at[:10]} by `python -m training refit` on "
        f"{description.training['photos']:,} photos: the network of `{network.description.id}` "
        f"with our label sets. Heads without labelled photos copy the answers of "
        f"`{description.training['answers_of']}`.",
        "",
        "## What was measured",
        "",
        "| head | photos | first label right | 95 % interval | as the copied answer |",
        "|---|---|---|---|---|",
    ]
    for head in description.heads:
        figures = description.metrics.get(head.id, {})
        low, high = figures.get("top_1_interval", ("", ""))
        interval = f"{low}-{high} %" if "top_1" in figures else ""
        lines.append(
            f"| {head.name} | {figures.get('photos', 0):,} | {_percent(figures.get('top_1'))} | "
            f"{interval} | {_percent(figures.get('top_1_as_original'))} |"
        )
    lines += ["", "## Licence and sources", "", f"{description.licence}.", ""]
    lines += [f"- {line}" for line in description.attributions]
    return "\n".join(lines) + "\n"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value} %"
