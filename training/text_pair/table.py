"""What was measured about a text side, as lines of a model card."""

from collections.abc import Sequence
from typing import Any

from scene_model.classifier.bundle_description import BundleDescription

_HEADINGS = {
    "text, held out": "text, label held out",
    "keywords, held out": "keywords, label held out",
}


def search_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return a Markdown table. rows: of `benchmarks.sentences`."""
    names = list(dict.fromkeys(name for row in rows for name in row["searches"]))
    headings = " | ".join(_HEADINGS.get(name, name) for name in names)
    lines = [f"| queries | number | {headings} |", "|---" * (len(names) + 2) + "|"]
    for row in rows:
        cells = " | ".join(_cell(row["searches"].get(name)) for name in names)
        lines.append(f"| {row['kind']} | {row['queries']} | {cells} |")
    return lines


def text_section(bundle: BundleDescription) -> list[str]:
    """Describe the text side of a bundle and how it compares with keyword search; else nothing."""
    m: dict[str, Any] | None = bundle.metrics.get("text")
    if m is None or bundle.text is None:
        return []
    return [
        "## Searching in your own words",
        "",
        f"A sentence becomes the sum of its words' vectors ({m['words']:,} words, "
        f"{bundle.text.embedding_size} values each), whatever their order, and is compared with "
        f"the embeddings that the library has. All of it takes {m['bytes'] / 1e6:.1f} MB. It is "
        "very small: it learned from the names, kinds and WordNet glosses of "
        f"{m['concepts']:,} labels, kinds and groups on {m['photos']:,} photos. No person wrote a "
        "caption for it, and words of no label have their meaning from GloVe alone. A CLIP model, "
        "which has read hundreds of millions of captions, is made for this; `models add` adds one.",
        "",
        "Recall among the first ten in % (95 % interval over labels), share of the ten that are "
        "right in %, mean reciprocal rank; on validation photos, by queries that were written by "
        "hand and train nothing. *Label held out*: fitted without it, and without the labels, "
        "kinds, groups, glosses and photos that share a word with it; keyword search without its "
        "words. The network that computes the embeddings was trained with all labels. *Other "
        "words ignored*: without words that are no label, which find no photo today.",
        "",
        *search_table(m["rows"]),
        "",
        f"Of the calibration photos that a label's name finds, {m['right']:.0f} % have the label, "
        f"in the mean over the {m['answered']} of {m['labels']} labels that find any; "
        f"{m['silent']:.0f} % of the names of people, animals, food, documents and rooms find none "
        "of the photos of six outdoor scenes. Measured by `python -m benchmarks.sentences` and "
        "`python -m training text-pair`.",
    ]


def _cell(figures: dict[str, Any] | None) -> str:
    if figures is None:
        return ""
    low, high = figures["interval"]
    return (
        f"{figures['recall']:.1f} ({low:.0f}-{high:.0f}), {figures['precision']:.1f}, "
        f"{figures['reciprocal']:.2f}"
    )
