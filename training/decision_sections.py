"""The sections of a model card about groups and tags, which all heads decide together."""

from typing import Any

from scene_model.classifier.bundle_description import BundleDescription
from training.recipe import Recipe


def group_section(bundle: BundleDescription, recipe: Recipe) -> list[str]:
    """Write how often the group of a photo is right; empty for a bundle without groups."""
    m: dict[str, Any] | None = bundle.metrics.get("groups")
    if m is None:
        return []
    command = f"python -m training decide --config training/configs/{recipe.name}.toml --data DATA"
    return [
        "## Groups",
        "",
        f"One of {len(bundle.groups)} groups for each photo, decided by all heads together and "
        "fitted on calibration photos. Right is a group of one of the photo's labels. *Without* a "
        "source: decided without its photos and without the head that learned from it. Without an "
        "origin: the head and the decision fitted without its photos. The network itself was "
        f"trained with all of them. Measured by `{command}`.",
        "",
        "| photos of | number | right | unsure | wrong |",
        "|---|---|---|---|---|",
        *(_row(source, figures) for source, figures in m["sources"].items()),
        _row("mean of these", m["mean"]),
        *(_row(f"{source}, without it", f) for source, f in m["without_source"].items()),
        *(_row(f"{origin}, without it", f) for origin, f in m["without_origin"].items()),
    ]


def tag_section(bundle: BundleDescription) -> list[str]:
    """Write how often the shown tags of a head are right; empty for a bundle without such heads."""
    lines = [
        f"- **{head.id}**: {m['judged']} tags on photos of other sources were judged by eye "
        f"(`training/tag_verdicts.csv`); {m['judged_right']} % of them are right. By rules fitted "
        f"without the photo (cross-validation), {m['shown']} of them are shown: "
        f"{m['shown_right']} % of these are right, and {m['right_shown']} % of the right ones are "
        "among them."
        for head in bundle.heads
        if (m := bundle.metrics.get(f"tags_{head.id}")) is not None
    ]
    return ["## Which tags show", "", *lines] if lines else []


def places_section(bundle: BundleDescription) -> list[str]:
    """Say how often places were right by eye; empty if those of the bundle were not judged."""
    m: dict[str, Any] | None = bundle.metrics.get("places_by_eye")
    if m is None:
        return []
    unjudged = f" {m['unjudged']} labels were not judged and count as wrong." * bool(m["unjudged"])
    return [
        "## Places by eye",
        "",
        f"{m['photos']} held-back photos, most of them indoor and travel photos, with "
        "their three most probable places were judged by eye (`training/places_checks.csv`). The "
        f"first place is right on {m['first_right']} % and right or acceptable on "
        f"{m['first_fits']} %; one of the three is on {m['one_of_three_fits']} %.{unjudged}",
    ]


def _row(name: str, figures: dict[str, Any]) -> str:
    cells = [f"{100 * figures[key]:.1f} %" for key in ("right", "unsure", "wrong")]
    number = f"{figures['photos']:,}" if "photos" in figures else ""
    return f"| {name} | {number} | " + " | ".join(cells) + " |"
