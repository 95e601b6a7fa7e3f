"""MODEL_CARD.md of a bundle that `fit` made."""

from typing import Any

from scene_model.classifier.bundle_description import BundleDescription


def own_model_card(bundle: BundleDescription, head_id: str, photo_count: int) -> str:
    """Write the card; every figure is read from ``bundle.metrics``."""
    (head,) = (head for head in bundle.heads if head.id == head_id)
    sections = [
        [
            f"# {bundle.name}",
            "",
            f"`{bundle.id}`, made {bundle.created_at[:10]} by `scene-gallery fit` on "
            f"{photo_count:,} photos of {len(head.labels)} classes. The network is "
            f"`{bundle.training['on_bundle']}`'s; the head `{head_id}` is new.",
        ],
        _measured({label.id: label.name for label in head.labels}, bundle.metrics[head_id]),
        ["## Licence and sources", "", f"{bundle.licence}.", ""]
        + [f"- {line}" for line in bundle.attributions],
    ]
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _measured(names: dict[str, str], metrics: dict[str, Any]) -> list[str]:
    lines = ["## What was measured", ""]
    if not metrics["photos"]:
        return [*lines, "Nothing: there were too few photos to hold some back."]
    low, high = metrics["top_1_interval"]
    return [
        *lines,
        f"{metrics['photos']:,} photos were held back that share no near duplicate with the "
        f"others: {metrics['top_1']} % right (95 % interval {low}-{high} %). "
        f"{metrics['sure']} % are answered surely.",
        "",
        "| class | photos | precision | recall | F1 |",
        "|---|---|---|---|---|",
        *(
            f"| {names[label]} | {row['photos']} | {_percent(row['precision'])} | "
            f"{_percent(row['recall'])} | {_percent(row['f1'])} |"
            for label, row in metrics["per_class"].items()
        ),
    ]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value} %"
