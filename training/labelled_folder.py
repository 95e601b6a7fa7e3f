"""Measure any bundle on a labelled folder whose folder names are the true labels."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scene_model.classifier.bundle import Bundle, open_bundle
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.measures import calibration_error_by_chance
from scene_model.classifier.fitting.measuring import embed_examples, head_metrics, speed_metrics
from scene_model.classifier.heads import Head, heads_of
from scene_model.classifier.vocabulary import fold
from scene_model.errors import UnusableFolders
from training.data import load_source
from training.evaluate import EVALUATION_FILE, outside_metrics, select_photos
from training.plots import draw_head_plots
from training.recipe import Source


@dataclass(frozen=True)
class FolderLabels:
    """The label of each folder.

    labels: folder name → label id. out_of_scope: names of the folders that match no label.
    """

    labels: dict[str, str]
    out_of_scope: tuple[str, ...]


def evaluate_folder(
    bundle_dir: Path, data_dir: Path, out_dir: Path, head_id: str | None = None
) -> dict[str, Any]:
    """Measure one head of a bundle on a folder (or zip) of class folders.

    A folder is matched to a label by id, name, alias or translation. Photos in folders that
    match none count as out of scope and measure how well the head refuses such photos.
    Writes ``evaluation.json`` and plots to ``out_dir``. Raises UnusableFolders or BundleError.
    """
    bundle = open_bundle(bundle_dir)
    head = _head(bundle, head_id)
    if not data_dir.exists():
        raise UnusableFolders(f"{data_dir} does not exist. Name a folder of class folders.")
    examples, skipped = load_source(Source(id=data_dir.stem, file=".", head=head.id), data_dir)
    for line in skipped:
        print("skipped", line)
    folder_labels = match_folders([e.label for e in examples], head)
    if not folder_labels.labels:
        raise UnusableFolders(
            f"No folder name in {data_dir} matches a label of the head {head.id!r} "
            f"({', '.join(head.labels.ids[:8])} …). Its folders: "
            f"{', '.join(sorted({e.label for e in examples})) or 'none'}."
        )
    report = _report(bundle, head, examples, folder_labels)
    report["skipped"] = skipped
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / EVALUATION_FILE).write_text(json.dumps(report, indent=1), encoding="utf-8")
    draw_head_plots(out_dir, head.name, [x.name for x in head.labels.labels], report["measured"])
    print(_summary(report, out_dir))
    return report


def match_folders(folders: list[str], head: Head) -> FolderLabels:
    """Find each folder's label by id, name or data set's name, else by an unambiguous alias."""
    exact = {
        fold(word): label.id
        for label in head.labels.labels
        for word in (label.id, label.name, label.source_name)
    }
    aliases: dict[str, set[str]] = {}
    for label in head.labels.labels:
        for word in label.words:
            aliases.setdefault(fold(word), set()).add(label.id)
    labels: dict[str, str] = {}
    out_of_scope = []
    for folder in sorted(set(folders)):
        word = fold(folder)
        label_id = exact.get(word)
        if label_id is None and len(aliases.get(word, ())) == 1:
            label_id = next(iter(aliases[word]))
        if label_id is None:
            out_of_scope.append(folder)
        else:
            labels[folder] = label_id
    return FolderLabels(labels, tuple(out_of_scope))


def _head(bundle: Bundle, head_id: str | None) -> Head:
    heads = heads_of(bundle)
    chosen = head_id or bundle.description.class_head
    if chosen not in heads:
        raise UnusableFolders(
            f"The bundle {bundle.description.name} has no head {chosen!r}. "
            f"It has: {', '.join(heads)}."
        )
    return heads[chosen]


def _report(
    bundle: Bundle, head: Head, examples: list[Example], folder_labels: FolderLabels
) -> dict[str, Any]:
    prediction = head.predict(embed_examples(bundle, examples))
    inside = np.array([e.label in folder_labels.labels for e in examples], np.bool_)
    allowed = np.zeros((int(inside.sum()), len(head.labels)), np.float32)
    own = [e for e in examples if e.label in folder_labels.labels]
    for row, example in enumerate(own):
        allowed[row, head.labels.index(folder_labels.labels[example.label])] = 1.0
    measured = head_metrics(head, select_photos(prediction, inside), allowed)
    if folder_labels.out_of_scope:
        measured["outside"] = {
            "other_folders": outside_metrics(
                head, select_photos(prediction, inside), select_photos(prediction, ~inside)
            )
        }
    counts = Counter(e.label for e in examples)
    return {
        "bundle": bundle.description.id,
        "head": head.id,
        "folders": folder_labels.labels,
        "out_of_scope_folders": {name: counts[name] for name in folder_labels.out_of_scope},
        "measured": measured,
        "speed": speed_metrics(bundle),
    }


def _summary(report: dict[str, Any], out_dir: Path) -> str:
    m = report["measured"]
    low, high = m["top_1_interval"]
    lines = [
        f"{report['bundle']}, head {report['head']}, {m['photos']:,} photos",
        f"first label right  {m['top_1']} % (95 % interval {low}-{high} %)",
        f"right in top five  {m['top_5']} %",
        f"calibration error  {m['calibration_error']} "
        f"({calibration_error_by_chance(m['reliability']):.4f} by chance)",
        f"sure predictions   {m['sure']} %, of these right {m['top_1_of_sure']} %",
    ]
    if "outside" in m:
        other = m["outside"]["other_folders"]
        names = ", ".join(report["out_of_scope_folders"])
        lines.append(
            f"out of scope       {other['photos']:,} photos ({names}): {other['unsure']} % unsure, "
            f"AUROC {other['auroc']}"
        )
    speed = report["speed"]
    lines.append(
        f"network            {speed['network_ms_median']} ms a photo, "
        f"{speed['size_bytes'] / 1e6:.1f} MB"
    )
    lines.append(f"written            {out_dir}")
    return "\n".join(lines)
