"""What a bundle says of itself: plots and MODEL_CARD.md, from measured figures only."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402 - the backend is chosen first
import numpy as np  # noqa: E402

from scene_model.classifier.bundle import BundleDescription  # noqa: E402
from training.recipe import Recipe  # noqa: E402


def draw_plots(folder: Path, bundle: BundleDescription, history: list[dict[str, Any]]) -> None:
    """Write ``training_curves.png`` and ``confusion_scenes.png``."""
    folder.mkdir(exist_ok=True)
    epochs = [record["epoch"] for record in history]
    figure, (losses, accuracies) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for key in history[0]:
        axis = losses if key.startswith("loss_") else accuracies
        if key.startswith(("loss_", "val_")):
            axis.plot(epochs, [r[key] for r in history], marker="o", label=key.split("_", 1)[1])
    losses.set(title="Training loss", xlabel="epoch")
    accuracies.set(title="Validation accuracy (running weights)", xlabel="epoch")
    losses.legend()
    accuracies.legend()
    figure.savefig(folder / "training_curves.png", dpi=90)
    plt.close(figure)
    for head in bundle.heads:
        if head.id == "scenes":
            _draw_confusion(
                folder / "confusion_scenes.png",
                np.array(bundle.metrics["scenes"]["confusion"]),
                [label.name for label in head.labels],
            )


def _draw_confusion(file: Path, confusion: Any, names: list[str]) -> None:
    figure, axis = plt.subplots(figsize=(5, 4.5), layout="constrained")
    axis.imshow(
        confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1),
        cmap="Blues",
        vmin=0,
        vmax=1,
    )
    for row, column in np.ndindex(*confusion.shape):
        dark = confusion[row, column] > confusion[row].sum() / 2
        axis.text(
            column,
            row,
            str(confusion[row, column]),
            ha="center",
            va="center",
            color="white" if dark else "black",
        )
    axis.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel="answered", ylabel="true", title="Six scenes, validation photos")
    figure.savefig(file, dpi=90)
    plt.close(figure)


def _start(recipe: Recipe) -> str:
    if recipe.starts_from is None:
        return "ImageNet weights"
    return (
        f"the weights of the run `{recipe.starts_from}` "
        f"(`training/configs/{recipe.starts_from}.toml`)"
    )


def write_model_card(file: Path, bundle: BundleDescription, recipe: Recipe) -> None:
    """Write the card; every figure is read from ``bundle.metrics``."""
    rows = [
        "| head | labels | photos | first label right | 95 % interval | among three | "
        "calibration error | float |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for head in bundle.heads:
        m = bundle.metrics[head.id]
        if "top_1" in m:
            low, high = m["top_1_interval"]
            rows.append(
                f"| {head.id} | {len(head.labels)} | {m['photos']:,} | {m['top_1']} % | "
                f"{low}-{high} % | {m['top_3']} % | {m['calibration_error']} | "
                f"{bundle.metrics['float'][head.id]} % |"
            )
    scenes, camera = bundle.metrics["scenes"], bundle.metrics["camera"]
    objects = bundle.metrics["objects"]
    file.write_text(
        "\n".join(
            [
                f"# {bundle.name}",
                "",
                f"`{bundle.id}`, made {bundle.created_at[:10]} by `python -m training fit` and",
                "`python -m training publish`. One MobileNetV2 (224×224, int8) looks at a photo "
                "once;",
                "linear heads on its embedding answer for several label sets.",
                "",
                "## What was measured",
                "",
                "On the validation lists in `training/splits/`, which share no near-duplicate "
                "with the",
                "photos that trained or calibrated it, by the int8 network as it is served:",
                "",
                *rows,
                "",
                f"- **scenes**: {scenes['sure']} % of the photos are answered surely, and of "
                f"those {scenes['top_1_of_sure']} % rightly.",
                f"  Of {scenes['outside_photos']:,} photos that show none of the six (pets, food, "
                f"people, documents), {scenes['outside_unsure']} % are `unsure`.",
                "  These come from the same sources as the photos that taught it to say so.",
                f"- **camera**: {camera['top_2_any_tag']} % have one of their tags among the "
                f"first two; of the tags assigned {camera['tags_right']} % are right, "
                f"{camera['unknown']} % of the photos get none.",
                "  Second tags of these photos are incomplete, so a right one can count as wrong.",
                f"- **objects** ({objects['photos']:,} photos): the five best hold the original "
                f"ImageNet network's best on {objects['top_5_holds_original']} %.",
                "",
                "Run it again: `python -m training evaluate --config "
                f"training/configs/{recipe.name}.toml --data DIR --out DIR`.",
                "",
                "![Loss and accuracy by epoch](plots/training_curves.png)",
                "![Confusion matrix of the six scenes](plots/confusion_scenes.png)",
                "",
                "## How it was trained",
                "",
                f"The whole network, {recipe.total_epochs} epochs "
                + "("
                + ", ".join(f"{s.epochs} at {s.input_size}×{s.input_size}" for s in recipe.stages)
                + f"), seed {recipe.seed}, from {_start(recipe)}; `objects` was kept by",
                "distillation from the original network. Temperatures and the outside threshold "
                "were set on",
                "calibration photos that are in neither the training nor the validation part.",
                f"Data manifest: `{bundle.training['data_manifest_sha256'][:16]}`.",
                "",
                "## Limits",
                "",
                "- It tags scenes, not people: it recognizes nobody.",
                "- Glacier and mountain, buildings and street are often both true; expect "
                "them to be mixed up.",
                "- Small classes (Baby, Family, Airplane, Holiday, Portrait) have few photos "
                "behind them.",
                "- It has seen photographs; drawings, screenshots and scans are mostly "
                "outside its world.",
                "",
                "## Licence and sources",
                "",
                f"{bundle.licence}.",
                "",
                *[f"- {line}" for line in bundle.attributions],
                "",
            ]
        ),
        encoding="utf-8",
    )
