"""bundle.json and the card of an added model."""

import shutil
from pathlib import Path

from scene_model.classifier.bundle import MODEL_CARD_FILE
from scene_model.classifier.bundle_description import BundleDescription, HeadEntry
from scene_model.classifier.bundle_network import BackboneEntry, BundleFile, TextEntry
from scene_model.classifier.fitting.bundle_files import (
    HEADS_FILE,
    bundle_file,
    now,
    write_description,
)
from scene_model.model_store.label_entries import AddedLabels
from scene_model.model_store.local_model import LocalModel
from scene_model.model_store.prepared import TEXT_FILE, Prepared, Trial

LICENCE_FILE = "LICENSE.txt"
TOKENIZER_FILE = "tokenizer.json"
# Nobody has measured how far the model's probabilities can be believed.
_UNMEASURED_THRESHOLD = 0.8
_PROMPT = "a photo of {}"
_MAX_ARCHITECTURE = 100


def write_bundle(
    folder: Path,
    model: LocalModel,
    prepared: Prepared,
    labels: AddedLabels | None,
    licence: str,
) -> BundleDescription:
    """Write bundle.json and the licence beside prepared networks; labels: None for a pair."""
    if model.files.licence is not None:
        shutil.copyfile(model.path(model.files.licence), folder / LICENCE_FILE)
    network = bundle_file(folder, prepared.file)
    description = BundleDescription(
        format_version=3,
        name=folder.name,
        created_at=now(),
        backbone=BackboneEntry(
            file=network.file,
            sha256=network.sha256,
            architecture=_architecture(model),
            embedding_size=prepared.embedding_size,
            engine="onnx" if prepared.engine == "onnx" else "litert",
        ),
        input=prepared.photo_input,
        heads_file=None if labels is None else bundle_file(folder, HEADS_FILE),
        heads=() if labels is None else (_head(labels),),
        class_head=None if labels is None else labels.head_id,
        tag_head=None,
        kinds=() if labels is None else labels.kinds,
        groups=() if labels is None else labels.groups,
        text=None if labels is not None else _text(folder, model, prepared),
        training={"added_from": model.origin, "has_last_layer": prepared.has_last_layer},
        licence=licence,
        attributions=(f"Added from {model.origin}",),
    )
    description = description.model_copy(update={"format_version": description.needed_format})
    write_description(folder, description)
    return description


def write_trial(folder: Path, description: BundleDescription, trial: Trial) -> BundleDescription:
    """Add the figures of the trial, and write the card."""
    figures = {"ms_per_photo": round(1000 * trial.seconds, 2), "peak_bytes": trial.peak_bytes}
    description = description.model_copy(update={"metrics": {"trial": figures}})
    write_description(folder, description)
    (folder / MODEL_CARD_FILE).write_text(_card(description), encoding="utf-8")
    return description


def _head(labels: AddedLabels) -> HeadEntry:
    return HeadEntry(
        id=labels.head_id,
        name=labels.head_name,
        labels=labels.labels,
        temperature=1.0,
        confidence_threshold=_UNMEASURED_THRESHOLD,
    )


def _text(folder: Path, model: LocalModel, prepared: Prepared) -> TextEntry:
    shutil.copyfile(model.path(str(model.files.tokenizer)), folder / TOKENIZER_FILE)
    network = bundle_file(folder, TEXT_FILE)
    tokenizer: BundleFile = bundle_file(folder, TOKENIZER_FILE)
    return TextEntry(
        file=network.file,
        sha256=network.sha256,
        engine="onnx",
        tokenizer=tokenizer,
        context_length=prepared.context_length,
        padding_id=prepared.padding_id,
        embedding_size=prepared.joint_size,
        prompt=_PROMPT,
    )


def _architecture(model: LocalModel) -> str:
    config = model.config or {}
    named = config.get("model_type") or config.get("architecture") or model.files.kind
    return str(named)[:_MAX_ARCHITECTURE]


def _card(description: BundleDescription) -> str:
    heads = description.heads
    what = (
        f"It tags photos with {len(heads[0].labels):,} labels."
        if heads
        else "It finds photos by words; it tags none."
    )
    origin = description.training["added_from"]
    return (
        f"# {description.name}\n\n"
        f"`{description.id}`, added {description.created_at[:10]} from {origin} by "
        f"`scene-gallery models add`. {what}\n\n"
        "## What was measured\n\n"
        f"{description.metrics['trial']['ms_per_photo']} ms for a photo on the computer that "
        "added it. How often it is right was not measured: `scene-gallery models measure` does "
        "that on your own photos. Until then its probabilities are taken as they are, and it is "
        f"believed only from {_UNMEASURED_THRESHOLD:.0%} on.\n\n".replace("%", " %")
        + f"## Licence and sources\n\n{description.licence}.\n\n"
        + "".join(f"- {line}\n" for line in description.attributions)
    )
