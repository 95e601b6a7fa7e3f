"""Write MODEL_CARD.md: a bundle's measured metrics, training and limits."""

from pathlib import Path
from typing import Any

from scene_model.classifier.bundle_description import BundleDescription
from scene_model.classifier.fitting.measures import calibration_error_by_chance
from training.decision_sections import group_section, places_section, tag_section
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
from training.text_pair.table import text_section

_WEAKEST = 8


def draw_plots(folder: Path, bundle: BundleDescription, history: list[dict[str, Any]]) -> None:
    """Write every plot that the card shows."""
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
    """Write the card; every measured number is read from ``bundle.metrics``."""
    plots = file.parent / "plots"
    sections = [
        _title(bundle, recipe),
        _accuracy(bundle),
        *_of_head(bundle),
        _outside(bundle),
        group_section(bundle, recipe),
        tag_section(bundle),
        places_section(bundle),
        _albums(bundle.metrics.get("albums")),
        text_section(bundle),
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
        f"One {bundle.backbone.architecture} ({side}×{side}, int8) computes one embedding per "
        "photo; a linear head on it predicts the labels of each label set.",
    ]


def _measured_heads(bundle: BundleDescription) -> dict[str, Any]:
    """Metrics of the heads that were measured on labelled photos, by the head's name."""
    return {
        head.name: bundle.metrics[head.id]
        for head in bundle.heads
        if "reliability" in bundle.metrics.get(head.id, {})
    }


def _accuracy(bundle: BundleDescription) -> list[str]:
    floats = bundle.metrics.get("float", {})
    rows = [
        "## Accuracy",
        "",
        "On validation photos that have no near duplicate among the training and calibration "
        "photos, with the int8 network as it is served. `float` is the network before quantization "
        "with the same heads; blocks and heads that were trained for int8 do better as int8. "
        "`by chance` is the mean calibration error of perfectly calibrated predictions on as many "
        "photos.",
        "",
        "| head | labels | photos | first label right | 95 % interval | in top three | "
        "in top five | calibration error | by chance | float |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for head in bundle.heads:
        m = bundle.metrics.get(head.id, {})
        if "top_1" not in m:
            continue
        low, high = m["top_1_interval"]
        five = f"{m['top_5']} %" if "top_5" in m else ""
        exact = f"{floats[head.id]} %" if head.id in floats else "not measured"
        rows.append(
            f"| {head.id} | {len(head.labels)} | {m['photos']:,} | {m['top_1']} % | "
            f"{low}-{high} % | {m['top_3']} % | {five} | {m['calibration_error']} | "
            f"{calibration_error_by_chance(m['reliability']):.4f} | {exact} |"
        )
    return rows


def _of_head(bundle: BundleDescription) -> list[list[str]]:
    """One paragraph per head with further metrics."""
    floats = bundle.metrics.get("float", {})
    paragraphs = []
    for head in bundle.heads:
        m = bundle.metrics.get(head.id, {})
        if "top_1" in m:
            text = f"- **{head.id}**: {m['sure']} % of the photos get a sure prediction"
            if m["top_1_of_sure"] is not None:
                text += f", and {m['top_1_of_sure']} % of these predictions are right"
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
                    f"- **{head.id}** ({m['photos']:,} photos): the top five contain the top class "
                    f"of the network it learned from on {m['top_5_holds_original']} % "
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
                "same_sources": "validation photos of sources that trained it",
                "withheld_sources": "photos of origins that did not train it ("
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
                    f"| {head.id} | of these, photos that trained no head | "
                    f"{unseen['photos']:,} | {unseen['unsure']} % | {unseen['accepted']} % | "
                    f"{unseen['refused_at_96']} % | {unseen['auroc']} |"
                )
    if not rows:
        return []
    return [
        "## Out-of-scope photos",
        "",
        "Pets, food, people and documents, which are no labels of the head. `unsure` and "
        "`accepted` use the bundle's threshold; the next column uses the threshold that accepts "
        "96 % of the photos in scope.",
        "",
        "| head | photos from | photos | unsure | in scope accepted | unsure at 96 % accepted | "
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
        "Rules over tags and EXIF (`scene_model/classifier/albums/albums.toml`), on the validation "
        "photos whose labels decide which album is right.",
        "",
        "| album | photos assigned | precision | 95 % interval | recall |",
        "|---|---|---|---|---|",
    ]
    for name, m in albums.items():
        if m.get("precision") is None:
            rows.append(f"| {name} | {m.get('why', 'not judged')} | | | |")
            continue
        low, high = m["interval"]
        recall = "" if m.get("recall") is None else f"{m['recall']} %"
        rows.append(
            f"| {name} | {m['photos']:,} | {m['precision']} % | {low}-{high} % | {recall} |"
        )
    return rows


def _speed(bundle: BundleDescription) -> list[str]:
    m = bundle.metrics.get("speed")
    if not m:
        return []
    comparison = ""
    if "original_photos_per_s_per_core" in m:
        original, ours = m["original_photos_per_s_per_core"], m["photos_per_s_per_core"]
        comparison = (
            f"; the original int8 ImageNet network reached {original} in the same run "
            f"(ratio {ours / original:.2f})"
        )
    return [
        "## Speed and size",
        "",
        f"{m['photos_per_s_per_core']} photos per second on one core, without decoding "
        f"(median {m['network_ms_median']} ms, 95th percentile {m['network_ms_p95']} ms)"
        f"{comparison}. {m['size_bytes'] / 1e6:.1f} MB in total without the float weights.",
    ]


def _commands(bundle: BundleDescription, recipe: Recipe) -> list[str]:
    config = f"--config training/configs/{recipe.name}.toml --data DATA --out RUN"
    folder = f"python -m training evaluate --bundle models/{bundle.name} --data FOLDER --out OUT"
    if recipe.split == "drawn":
        return ["## Reproduce", "", "On any folder of class folders:", ""] + [f"    {folder}"]
    return [
        "## Reproduce",
        "",
        f"All other numbers above except `float`, which `publish` measures: "
        f"`python -m training evaluate {config}`",
        "",
        f"On any folder of class folders: `{folder} [--head {bundle.class_head}]`",
        "",
        "Speed compared with the original network: `python -m benchmarks.network ORIGINAL.tflite`",
    ]


def _plot_names(bundle: BundleDescription) -> list[tuple[str, str]]:
    return [
        (CURVES, "Loss and accuracy by epoch"),
        (RELIABILITY, "Reliability: accuracy against confidence"),
        (COVERAGE, "Coverage: accuracy of the most confident photos"),
        *((f"confusion_{h.id}.png", f"Confusion matrix: {h.name}") for h in bundle.heads),
    ]


def _classes(bundle: BundleDescription) -> list[str]:
    """The classes with the lowest F1 of each head, at most `_WEAKEST`."""
    rows = []
    for head in bundle.heads:
        classes = bundle.metrics.get(head.id, {}).get("per_class")
        if not classes:
            continue
        names = {label.id: label.name for label in head.labels}
        measured = {k: v for k, v in classes.items() if v["f1"] is not None}
        shown = sorted(measured, key=lambda label: (measured[label]["f1"], label))
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
        f"The {_WEAKEST} classes with the lowest F1 of each head; `bundle.json` has all classes.",
        "",
        "| head | class | photos | precision | recall | F1 |",
        "|---|---|---|---|---|---|",
        *rows,
    ]


def _weights(source: str | None) -> str:
    kind, _, name = (source or "").partition(":")
    return {
        "keras": "Keras's ImageNet weights",
        "random": "random weights",
        "bundle": f"the float weights of `{name}`",
        "run": f"the weights of the run `{name}`",
    }.get(kind, "ImageNet weights")


def _training(bundle: BundleDescription, recipe: Recipe) -> list[str]:
    manifest = f"Data manifest: `{bundle.training['data_manifest_sha256'][:16]}`."
    if recipe.on_bundle:
        return [
            "## How it was trained",
            "",
            f"A linear head on the network of `{recipe.on_bundle}`, which was not changed; the "
            f"other heads are copied from that bundle. Seed {recipe.seed}. {manifest}",
        ]
    trained_part = (
        "The whole network"
        if recipe.train_from is None or not recipe.stages
        else f"The blocks from `{recipe.train_from}` on"
    )
    stages = ", ".join(
        f"{s.epochs} at {s.input_size}×{s.input_size}"
        + (", quantization-aware" if s.int8_aware else "")
        + (", with a consistency loss on degraded copies" if s.consistency else "")
        for s in recipe.stages
    )
    distilled = "".join(
        f" `{head.id}` was trained by distillation from `{head.teacher or recipe.imagenet_tflite}`."
        for head in recipe.heads
        if head.teacher is not None or head.labels is None
    )
    epochs = (
        f"{recipe.total_epochs} epochs ({stages}), " if recipe.stages else "no further epochs, "
    )
    blended = (
        f" Its weights are blended with {100 * recipe.blend_share:.0f} % of `{recipe.blend}`."
        if recipe.blend
        else ""
    )
    refit_heads = [f"`{head.id}`" for head in recipe.heads if head.refit is not None]
    refitted = (
        f" The heads {', '.join(refit_heads)} were refitted on the int8 network's embeddings."
        if refit_heads
        else ""
    )
    branch = (
        f" and, as a second upper branch, {_weights(recipe.branch_weights)}"
        if recipe.branch_weights
        else ""
    )
    return [
        "## How it was trained",
        "",
        f"{trained_part}, {epochs}seed {recipe.seed}, from {_weights(recipe.starting_weights)}"
        f"{branch} (the curves show all epochs).{blended}{refitted}{distilled} Temperatures and "
        "thresholds were set on calibration photos, which are in neither the training nor the "
        f"validation part. {manifest}",
    ]


def _limits(recipe: Recipe) -> list[str]:
    rows = ["## Limits", "", "- It tags scenes; it does not recognize people."]
    if recipe.split == "drawn":
        rows.append(
            "- It predicts only the classes of the folders it was trained on. With few photos per "
            "class the numbers above are uncertain, as the intervals show."
        )
    else:
        rows += [
            "- Glacier and mountain, and buildings and street, often both apply and are often "
            "confused.",
            "- Small classes (Baby, Family, Airplane, Holiday, Portrait) have few training photos.",
        ]
    rows.append(
        "- It was trained on photographs; drawings, screenshots and scans are mostly out of scope."
    )
    return rows
