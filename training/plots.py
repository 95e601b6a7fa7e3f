"""PNG plots of a run's training curves and of a bundle's metrics."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402 - the backend is chosen first
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402

CURVES, RELIABILITY, COVERAGE = "training_curves.png", "reliability.png", "coverage.png"
# The same size for all, so that they line up side by side.
_SIZE = (8.0, 5.6)
_DPI = 160
_LARGE_TEXT_LABELS = 12
_COLOUR = "#2a9d8a"


def draw_training_curves(folder: Path, history: list[dict[str, Any]]) -> None:
    """Write the loss of every head and the accuracies on the validation photos, by epoch."""
    epochs = [record["epoch"] for record in history]
    figure, (losses, accuracies) = plt.subplots(1, 2, figsize=_SIZE, layout="constrained")
    # A loss that only a later stage has (consistency) is missing in the earlier epochs.
    for key in dict.fromkeys(key for record in history for key in record):
        if key.startswith(("loss_", "val_")):
            axis = losses if key.startswith("loss_") else accuracies
            values = [record.get(key, np.nan) for record in history]
            axis.plot(epochs, values, marker="o", label=key.split("_", 1)[1])
    losses.set(title="Training loss", xlabel="epoch")
    accuracies.set(title="Validation accuracy (float)", xlabel="epoch")
    losses.legend()
    accuracies.legend()
    _save(figure, folder / CURVES)


def draw_head_plots(folder: Path, title: str, names: list[str], measured: dict[str, Any]) -> None:
    """Write confusion matrix, reliability diagram and coverage curve of one head."""
    draw_confusion(folder / "confusion.png", title, names, measured["confusion"])
    draw_reliability(folder, {title: measured})
    draw_coverage(folder, {title: measured})


def draw_confusion(file: Path, title: str, names: list[str], confusion: list[list[int]]) -> None:
    """Write one confusion matrix: rows true, columns predicted, shaded by the row's share."""
    counts: npt.NDArray[np.int_] = np.array(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    large = len(names) > _LARGE_TEXT_LABELS
    figure, axis = plt.subplots(figsize=_SIZE, layout="constrained")
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(counts > 0):
        axis.text(
            column,
            row,
            str(counts[row, column]),
            ha="center",
            va="center",
            fontsize=4 if large else 9,
            color="white" if shares[row, column] > 0.5 else "black",
        )
    size = 5 if large else 9
    axis.set_xticks(range(len(names)), names, rotation=90 if large else 45, fontsize=size)
    axis.set_yticks(range(len(names)), names, fontsize=size)
    axis.set(xlabel="predicted", ylabel="true", title=title)
    _save(figure, file)


def draw_reliability(folder: Path, heads: dict[str, dict[str, Any]]) -> None:
    """Write accuracy against confidence, one panel per head; bars show the share of photos."""
    figure, axes = plt.subplots(
        1,
        len(heads),
        figsize=_SIZE,
        layout="constrained",
        squeeze=False,
    )
    for axis, (title, measured) in zip(axes[0], heads.items(), strict=True):
        rows = measured["reliability"]
        confidence = [row["confidence"] for row in rows]
        photos = np.array([row["photos"] for row in rows])
        axis.bar(confidence, photos / photos.sum(), width=0.05, color="lightgrey")
        axis.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
        axis.plot(confidence, [row["accuracy"] for row in rows], marker="o", color=_COLOUR)
        axis.set(
            title=f"{title}\nECE {measured['calibration_error']}",
            xlabel="confidence",
            ylabel="accuracy; grey: share of photos",
            xlim=(0, 1),
            ylim=(0, 1.02),
        )
    _save(figure, folder / RELIABILITY)


def draw_coverage(folder: Path, heads: dict[str, dict[str, Any]]) -> None:
    """Write accuracy against coverage, the share of most confident photos."""
    figure, axis = plt.subplots(figsize=_SIZE, layout="constrained")
    for title, measured in heads.items():
        coverage, accuracy, _ = zip(*measured["coverage"], strict=True)
        axis.plot([100 * c for c in coverage], [100 * a for a in accuracy], label=title)
    axis.set(
        title="Accuracy of the most confident photos",
        xlabel="coverage in %",
        ylabel="accuracy in %",
    )
    axis.legend()
    _save(figure, folder / COVERAGE)


def _save(figure: Any, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=_DPI)
    plt.close(figure)
