"""Measure any bundle on any labelled folder: its folders' names are the true labels."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scene_model.classifier.bundle import Bundle, open_bundle
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.measuring import embed_int8, head_metrics, speed_metrics
from scene_model.classifier.heads import Head, heads_of
from scene_model.classifier.vocabulary import fold
from scene_model.errors import UnusableFolders
from training.data import load_source
from training.evaluate import EVALUATION_FILE, answer_rows, outside_metrics
from training.plots import draw_head_plots
from training.recipe import Source


@dataclass(frozen=True)
class Named:
    """Which folder names are labels of a head; those that are none hold photos of elsewhere."""

    labels: dict[str, str]
    elsewhere: tuple[str, ...]


def evaluate_folder(
    bundle_dir: Path, data_dir: Path, out_dir: Path, head_id: str | None = None
) -> dict[str, Any]:
    """Measure one head of a bundle on a folder (or zip) of class folders.

    A folder is matched to a label by id, name, alias or translation. Photos in folders that
    match none count as out of scope, and tell how well the head says that it is unsure.
    Writes ``evaluation.json`` and plots to ``out_dir``. Raises UnusableFolders or BundleError.
    """
    bundle = open_bundle(bundle_dir)
    head = _head(bundle, head_id)
    if not data_dir.exists():
        raise UnusableFolders(f"There is nothing at {data_dir}. Name a folder of class folders.")
    examples, skipped = load_source(Source(id=data_dir.stem, file=".", head=head.id), data_dir)
    for line in skipped:
        print("skipped", line)
    named = name_folders([e.label for e in examples], head)
    if not named.labels:
        raise UnusableFolders(
            f"No folder in {data_dir} is called like a label of the head {head.id!r} "
            f"({', '.join(head.labels.ids[:8])} …). Its folders: "
            f"{', '.join(sorted({e.label for e in examples})) or 'none'}."
        )
    report = _report(bundle, head, examples, named)
    report["skipped"] = skipped
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / EVALUATION_FILE).write_text(json.dumps(report, indent=1), encoding="utf-8")
    draw_head_plots(out_dir, head.name, [x.name for x in head.labels.labels], report["measured"])
    print(_summary(report, out_dir))
    return report


def name_folders(folders: list[str], head: Head) -> Named:
    """Find the label each folder means: by id, name or data set's name, else by alias."""
    exact = {
        fold(word): label.id
        for label in head.labels.labels
        for word in (label.id, label.name, label.source_name)
    }
    loose: dict[str, set[str]] = {}
    for label in head.labels.labels:
        for word in label.words:
            loose.setdefault(fold(word), set()).add(label.id)
    labels: dict[str, str] = {}
    elsewhere = []
    for folder in sorted(set(folders)):
        word = fold(folder)
        meant = exact.get(word)
        if meant is None and len(loose.get(word, ())) == 1:
            meant = next(iter(loose[word]))
        if meant is None:
            elsewhere.append(folder)
        else:
            labels[folder] = meant
    return Named(labels, tuple(elsewhere))


def _head(bundle: Bundle, head_id: str | None) -> Head:
    heads = heads_of(bundle)
    chosen = head_id or bundle.description.class_head
    if chosen not in heads:
        raise UnusableFolders(
            f"The bundle {bundle.description.name} has no head {chosen!r}. "
            f"It has: {', '.join(heads)}."
        )
    return heads[chosen]


def _report(bundle: Bundle, head: Head, examples: list[Example], named: Named) -> dict[str, Any]:
    answer = head.predict(embed_int8(bundle, examples))
    inside = np.array([e.label in named.labels for e in examples], np.bool_)
    allowed = np.zeros((int(inside.sum()), len(head.labels)), np.float32)
    own = [e for e in examples if e.label in named.labels]
    for row, example in enumerate(own):
        allowed[row, head.labels.index(named.labels[example.label])] = 1.0
    measured = head_metrics(head, answer_rows(answer, inside), allowed)
    if named.elsewhere:
        measured["outside"] = {
            "other_folders": outside_metrics(
                head, answer_rows(answer, inside), answer_rows(answer, ~inside)
            )
        }
    counts = Counter(e.label for e in examples)
    return {
        "bundle": bundle.description.id,
        "head": head.id,
        "folders": named.labels,
        "out_of_scope_folders": {name: counts[name] for name in named.elsewhere},
        "measured": measured,
        "speed": speed_metrics(bundle),
    }


def _summary(report: dict[str, Any], out_dir: Path) -> str:
    m = report["measured"]
    low, high = m["top_1_interval"]
    lines = [
        f"{report['bundle']}, head {report['head']}, {m['photos']:,} photos",
        f"first label right  {m['top_1']} % (95 % interval {low}-{high} %)",
        f"among five         {m['top_5']} %",
        f"calibration error  {m['calibration_error']}",
        f"answered surely    {m['sure']} %, of those right {m['top_1_of_sure']} %",
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
