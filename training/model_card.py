"""MODEL_CARD.md: what a bundle says of itself, from measured figures only."""

from pathlib import Path
from typing import Any

from scene_model.classifier.bundle import BundleDescription
from training.plots import (
    COVERAGE,
    CURVES,
    RELIABILITY,
    draw_confusion,
    draw_coverage,
    draw_reliability,
    draw_training_curves,
)
from training.recipe import Recipe

_WEAKEST = 8


def draw_plots(folder: Path, bundle: BundleDescription, history: list[dict[str, Any]]) -> None:
    """Write every plot the card shows."""
    if history:
        draw_training_curves(folder, history)
    measured = _measured_heads(bundle)
    for head in bundle.heads:
        if head.name in measured:
            names = [label.name for label in head.labels]
            file = folder / f"confusion_{head.id}.png"
            draw_confusion(file, head.name, names, measured[head.name]["confusion"])
    if measured:
        draw_reliability(folder, measured)
        draw_coverage(folder, measured)


def write_model_card(file: Path, bundle: BundleDescription, recipe: Recipe) -> None:
    """Write the card; every figure is read from ``bundle.metrics``."""
    plots = file.parent / "plots"
    sections = [
        _title(bundle, recipe),
        _accuracy(bundle),
        *_of_head(bundle),
        _outside(bundle),
        _albums(bundle.metrics.get("albums")),
        _speed(bundle),
        _commands(bundle, recipe),
        [
            f"![{alt}](plots/{name})"
            for name, alt in _plot_names(bundle)
            if (plots / name).is_file()
        ],
        _classes(bundle),
        _training(bundle, recipe),
        _limits(recipe),
        ["## Licence and sources", "", f"{bundle.licence}.", ""]
        + [f"- {line}" for line in bundle.attributions],
    ]
    text = "\n\n".join("\n".join(section) for section in sections if section)
    file.write_text(text + "\n", encoding="utf-8")


def _title(bundle: BundleDescription, recipe: Recipe) -> list[str]:
    side = bundle.input.width
    return [
        f"# {bundle.name}",
        "",
        f"`{bundle.id}`, made {bundle.created_at[:10]} by `python -m training fit` and `publish`. "
        f"One {bundle.backbone.architecture} ({side}×{side}, int8) looks at a photo once; linear "
        "heads on its embedding answer for every label set.",
    ]


def _measured_heads(bundle: BundleDescription) -> dict[str, Any]:
    """Figures of the heads that were measured on labelled photos, by the head's name."""
    return {
        head.name: bundle.metrics[head.id]
        for head in bundle.heads
        if "reliability" in bundle.metrics.get(head.id, {})
    }


def _accuracy(bundle: BundleDescription) -> list[str]:
    floats = bundle.metrics.get("float", {})
    rows = [
        "## What was measured",
        "",
        "On validation photos that share no near-duplicate with those that trained or calibrated "
        "it, by the int8 network as it is served. `float` is the network before quantization with "
        "the same heads; blocks and heads that were fitted to int8 do better there.",
        "",
        "| head | labels | photos | first label right | 95 % interval | among three | among five | "
        "calibration error | float |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for head in bundle.heads:
        m = bundle.metrics.get(head.id, {})
        if "top_1" not in m:
            continue
        low, high = m["top_1_interval"]
        five = f"{m['top_5']} %" if "top_5" in m else ""
        exact = f"{floats[head.id]} %" if head.id in floats else "as given"
        rows.append(
            f"| {head.id} | {len(head.labels)} | {m['photos']:,} | {m['top_1']} % | "
            f"{low}-{high} % | {m['top_3']} % | {five} | {m['calibration_error']} | "
            f"{exact} |"
        )
    return rows


def _of_head(bundle: BundleDescription) -> list[list[str]]:
    """A paragraph a head on what the table does not say."""
    floats = bundle.metrics.get("float", {})
    paragraphs = []
    for head in bundle.heads:
        m = bundle.metrics.get(head.id, {})
        if "top_1" in m:
            text = f"- **{head.id}**: {m['sure']} % of the photos are answered surely"
            if m["top_1_of_sure"] is not None:
                text += f", and of those {m['top_1_of_sure']} % rightly"
            lines = [text + "."]
            if head.id == bundle.tag_head:
                lines.append(
                    f"  {m['top_2_any_tag']} % have one of their tags among the first two. Of the "
                    f"tags that the gallery assigns ({m['tags_per_photo']} a photo) "
                    f"{m['tags_right']} % are right; {m['unknown']} % of the photos get none. "
                    "Second tags of these photos are incomplete, so a right one can count as wrong."
                )
            paragraphs.append(lines)
        elif "top_5_holds_original" in m:
            low, high = m["top_5_holds_interval"]
            paragraphs.append(
                [
                    f"- **{head.id}** ({m['photos']:,} photos): the five best hold the original "
                    f"ImageNet network's best on {m['top_5_holds_original']} % "
                    f"(95 % interval {low}-{high} %)."
                    + (f" Before quantization {floats[head.id]} %." if head.id in floats else "")
                ]
            )
    return ["\n".join("\n".join(lines) for lines in paragraphs).split("\n")] if paragraphs else []


def _outside(bundle: BundleDescription) -> list[str]:
    rows = []
    for head in bundle.heads:
        for which, m in bundle.metrics.get(head.id, {}).get("outside", {}).items():
            if "auroc" not in m:
                continue
            where = {
                "same_sources": "validation photos of sources that taught it",
                "withheld_sources": "photos of origins that taught it nothing ("
                + ", ".join(m.get("origins", ()))
                + ")",
            }.get(which, which)
            rows.append(
                f"| {head.id} | {where} | {m['photos']:,} | {m['unsure']} % | {m['accepted']} % | "
                f"{m['refused_at_96']} % | {m['auroc']} |"
            )
            unseen = m.get("unseen_by_any_head", {})
            if "auroc" in unseen:
                rows.append(
                    f"| {head.id} | of these, those that trained no head at all | "
                    f"{unseen['photos']:,} | {unseen['unsure']} % | {unseen['accepted']} % | "
                    f"{unseen['refused_at_96']} % | {unseen['auroc']} |"
                )
    if not rows:
        return []
    return [
        "## Photos of another world",
        "",
        "Pets, food, people, documents before a head that knows none of them. `unsure` and "
        "`accepted` are as served; the next column moves the threshold until 96 % of the true "
        "photos are accepted.",
        "",
        "| head | photos from | photos | unsure | true ones accepted | unsure at 96 % accepted | "
        "AUROC |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]


def _albums(albums: dict[str, Any] | None) -> list[str]:
    if not albums:
        return []
    rows = [
        "## Albums",
        "",
        "Rules over tags and EXIF (`scene_model/classifier/albums.toml`), on the validation photos "
        "whose label says which album is right.",
        "",
        "| album | photos put there | right | 95 % interval | found |",
        "|---|---|---|---|---|",
    ]
    for name, m in albums.items():
        if m.get("precision") is None:
            rows.append(f"| {name} | {m.get('why', 'not judged')} | | | |")
            continue
        low, high = m["interval"]
        found = "" if m.get("recall") is None else f"{m['recall']} %"
        rows.append(f"| {name} | {m['photos']:,} | {m['precision']} % | {low}-{high} % | {found} |")
    return rows


def _speed(bundle: BundleDescription) -> list[str]:
    m = bundle.metrics.get("speed")
    if not m:
        return []
    beside = ""
    if "original_photos_per_s_per_core" in m:
        theirs, ours = m["original_photos_per_s_per_core"], m["photos_per_s_per_core"]
        beside = (
            f"; the original int8 ImageNet network made {theirs} in the same run "
            f"(ratio {ours / theirs:.2f})"
        )
    return [
        "## Speed and size",
        "",
        f"{m['photos_per_s_per_core']} photos a second on one core, decoding not counted "
        f"(median {m['network_ms_median']} ms, 95th percentile {m['network_ms_p95']} ms){beside}. "
        f"{m['size_bytes'] / 1e6:.1f} MB in all without the float weights.",
    ]


def _commands(bundle: BundleDescription, recipe: Recipe) -> list[str]:
    config = f"--config training/configs/{recipe.name}.toml --data DATA --out RUN"
    folder = f"python -m training evaluate --bundle models/{bundle.name} --data FOLDER --out OUT"
    if recipe.split == "drawn":
        return ["## Measure it again", "", "On any folder of class folders:", ""] + [
            f"    {folder}"
        ]
    return [
        "## Measure it again",
        "",
        f"All figures above but `float`, which `publish` measures: "
        f"`python -m training evaluate {config}`",
        "",
        f"On any folder of class folders: `{folder} [--head {bundle.class_head}]`",
        "",
        "Speed beside the original network: `python -m benchmarks.network ORIGINAL.tflite`",
    ]


def _plot_names(bundle: BundleDescription) -> list[tuple[str, str]]:
    return [
        (CURVES, "Loss and accuracy by epoch"),
        (RELIABILITY, "Reliability: accuracy against confidence"),
        (COVERAGE, "Coverage: accuracy of the surest photos"),
        *((f"confusion_{h.id}.png", f"Confusion matrix: {h.name}") for h in bundle.heads),
    ]


def _classes(bundle: BundleDescription) -> list[str]:
    """All classes of a small head, the weakest of a large one."""
    rows = []
    for head in bundle.heads:
        classes = bundle.metrics.get(head.id, {}).get("per_class")
        if not classes:
            continue
        names = {label.id: label.name for label in head.labels}
        known = {k: v for k, v in classes.items() if v["f1"] is not None}
        shown = sorted(known, key=lambda label: (known[label]["f1"], label))
        if len(shown) > _WEAKEST:
            shown = shown[:_WEAKEST]
        for label in shown:
            m = classes[label]
            cells = [
                "" if m[key] is None else f"{m[key]} %" for key in ("precision", "recall", "f1")
            ]
            rows.append(
                f"| {head.id} | {names.get(label, label)} | {m['photos']} | "
                + " | ".join(cells)
                + " |"
            )
    if not rows:
        return []
    return [
        "## Classes",
        "",
        f"The {_WEAKEST} weakest of each head; all of them are in `bundle.json`.",
        "",
        "| head | class | photos | precision | recall | F1 |",
        "|---|---|---|---|---|---|",
        *rows,
    ]


def _start(recipe: Recipe) -> str:
    way, _, place = (recipe.starting_weights or "").partition(":")
    return {
        "keras": "Keras's ImageNet weights",
        "random": "random weights",
        "bundle": f"the float weights of `{place}`",
        "run": f"the weights of the run `{place}`",
    }.get(way, "ImageNet weights")


def _training(bundle: BundleDescription, recipe: Recipe) -> list[str]:
    manifest = f"Data manifest: `{bundle.training['data_manifest_sha256'][:16]}`."
    if recipe.on_bundle:
        return [
            "## How it was trained",
            "",
            f"A linear head on the network of `{recipe.on_bundle}`, which was not changed; its "
            f"other heads are that bundle's. Seed {recipe.seed}. {manifest}",
        ]
    what = (
        "The whole network"
        if recipe.train_from is None or not recipe.stages
        else f"The blocks from `{recipe.train_from}` on"
    )
    stages = ", ".join(
        f"{s.epochs} at {s.input_size}×{s.input_size}"
        + (", feeling the int8 rounding" if s.int8_aware else "")
        + (", agreeing with itself on degraded copies" if s.consistency else "")
        for s in recipe.stages
    )
    heads = {head.id for head in recipe.heads}
    distilled = (
        " `objects` was kept by distillation from the original network."
        if "objects" in heads
        else ""
    )
    epochs = (
        f"{recipe.total_epochs} epochs ({stages}), " if recipe.stages else "no further epochs, "
    )
    blended = (
        f" Its weights are blended with {100 * recipe.blend_share:.0f} % of `{recipe.blend}`."
        if recipe.blend
        else ""
    )
    anew = [f"`{head.id}`" for head in recipe.heads if head.refit is not None]
    refitted = (
        f" The heads {', '.join(anew)} were fitted once more on what the int8 network sees."
        if anew
        else ""
    )
    return [
        "## How it was trained",
        "",
        f"{what}, {epochs}seed {recipe.seed}, from {_start(recipe)} (the curves show all epochs)."
        f"{blended}{refitted}{distilled} Temperatures and thresholds were set on calibration "
        f"photos that are in neither the training nor the validation part. {manifest}",
    ]


def _limits(recipe: Recipe) -> list[str]:
    rows = ["## Limits", "", "- It tags scenes, not people: it recognizes nobody."]
    if recipe.split == "drawn":
        rows.append(
            "- It knows the classes of the folders it was trained on; with few photos a class, "
            "the figures above are rough: look at the interval."
        )
    else:
        rows += [
            "- Glacier and mountain, buildings and street are often both true; expect them to be "
            "mixed up.",
            "- Small classes (Baby, Family, Airplane, Holiday, Portrait) have few photos behind "
            "them.",
        ]
    rows.append(
        "- It has seen photographs; drawings, screenshots and scans are mostly outside its world."
    )
    return rows
