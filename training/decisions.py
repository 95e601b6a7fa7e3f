"""Decide over all heads of a bundle: one group for a photo, and which labels are tags."""

from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from scene_model.classifier.bundle import (
    MODEL_CARD_FILE,
    Bundle,
    FloatArray,
    HeadWeights,
    open_bundle,
)
from scene_model.classifier.bundle_decisions import Decisions, GroupRule, TagRule
from scene_model.classifier.bundle_description import FORMAT_VERSION, BundleDescription
from scene_model.classifier.fitting.bundle_files import bundle_file, write_description
from scene_model.classifier.fitting.examples import Example, decode_examples
from scene_model.classifier.fitting.measures import percent
from scene_model.classifier.fitting.measuring import embed_examples
from scene_model.classifier.fitting.splits import Part
from scene_model.classifier.groups import (
    GroupBatch,
    group_matrix,
    group_probabilities,
    groups_by_embedding,
    layer_of,
)
from scene_model.classifier.heads import Head, heads_of
from scene_model.classifier.labels import PLACES
from scene_model.classifier.linear_head import fit_linear_head, one_hot
from scene_model.photos.sniff import has_picture_name
from training import places_checks
from training.group_rule import (
    GroupExamples,
    decide,
    fit_group_layer,
    fit_group_rule,
    group_examples,
    group_figures,
    right_groups,
)
from training.labelled import LabelledData, load_data
from training.model_card import write_model_card
from training.recipe import HeadRecipe, Recipe
from training.tag_rule import (
    THRESHOLD,
    JudgedTags,
    cross_validated,
    fit_tag_rule,
    judged_tags,
    read_verdicts,
)

DECISIONS_FILE = "decisions.json"
# Photos of the data folder that are in no archive; some of the judged tags are of these.
_SINGLE_PHOTOS = "photos"
# An origin of a source with so many photos is left out once.
_LARGE_ORIGIN = 100


def redecide(recipe: Recipe, data_dir: Path, models_dir: Path) -> Path:
    """Fit the decisions of a published bundle again; its weights stay as they are.

    Returns the bundle's folder. Raises the errors of `open_bundle` and `load_data`.
    """
    folder = models_dir / recipe.name
    bundle = open_bundle(folder)
    description = with_decisions(bundle, recipe, load_data(recipe, data_dir), data_dir)
    write_description(folder, description)
    write_model_card(folder / MODEL_CARD_FILE, description, recipe)
    print(f"decided {description.id}")
    return folder


def with_decisions(
    bundle: Bundle, recipe: Recipe, data: LabelledData, data_dir: Path
) -> BundleDescription:
    """Fit the decisions of a bundle and write them into its folder.

    Returns the bundle's description with the new file and its figures; unchanged if no calibration
    photo has a label with a group, which is printed.
    """
    description = bundle.description.model_copy(update={"format_version": FORMAT_VERSION})
    groups = tuple(group.id for group in description.groups)
    heads = heads_of(bundle)
    layer = _group_layer(bundle, recipe, data, heads)
    calibration = _group_examples(bundle, recipe, data, heads, Part.CALIBRATION, layer)
    if not calibration.sources:
        print("no decisions: no calibration photo has a label with a group")
        return description
    rule = fit_group_rule(calibration, groups, layer)
    validation = _group_examples(bundle, recipe, data, heads, Part.VALIDATION, layer)
    metrics: dict[str, Any] = {
        "groups": _group_metrics(bundle, recipe, data, calibration, validation, rule)
    }
    tag_rules: dict[str, TagRule] = {}
    shown_groups = frozenset(np.array(groups)[calibration.right.any(axis=0)].tolist())
    for head_id, tags in _judged_tags(bundle, data, data_dir, rule, shown_groups).items():
        labels = heads[head_id].labels
        tag_rules[head_id] = fit_tag_rule(tags, labels, sorted({*groups} - shown_groups))
        metrics[f"tags_{head_id}"] = _tag_metrics(tags, len(labels))
    checked = _checked_places(bundle, data, data_dir)
    if checked is not None:
        metrics["places_by_eye"] = checked.figures()
    decisions = Decisions(groups=rule, tags=tag_rules)
    file = bundle.folder / DECISIONS_FILE
    file.write_text(decisions.model_dump_json() + "\n", encoding="utf-8")
    return description.model_copy(
        update={
            "decisions_file": bundle_file(bundle.folder, DECISIONS_FILE),
            "metrics": description.metrics | metrics,
        }
    )


def _group_examples(
    bundle: Bundle,
    recipe: Recipe,
    data: LabelledData,
    heads: dict[str, Head],
    part: Part,
    layer: HeadWeights | None,
) -> GroupExamples:
    examples = [data.examples[i] for i in data.split.indices(data.examples, part)]
    groups = tuple(group.id for group in bundle.description.groups)
    return group_examples(examples, embed_examples(bundle, examples), recipe, heads, groups, layer)


def _group_layer(
    bundle: Bundle, recipe: Recipe, data: LabelledData, heads: dict[str, Head]
) -> HeadWeights | None:
    """Fit the layer from the embedding to the groups on the training photos that show one."""
    groups = tuple(group.id for group in bundle.description.groups)
    examples = [data.examples[i] for i in data.split.indices(data.examples, Part.TRAIN)]
    right = right_groups(examples, recipe, heads, groups)
    examples = [examples[row] for row in np.flatnonzero(right.any(axis=1)).tolist()]
    if not examples:
        return None
    embeddings = embed_examples(bundle, examples)
    return fit_group_layer(group_examples(examples, embeddings, recipe, heads, groups), embeddings)


def _group_metrics(
    bundle: Bundle,
    recipe: Recipe,
    data: LabelledData,
    calibration: GroupExamples,
    validation: GroupExamples,
    rule: GroupRule,
) -> dict[str, Any]:
    """Figures on validation photos: of the shipped rule, and of rules without each source."""
    groups = tuple(group.id for group in bundle.description.groups)
    sources = {s: asdict(f) for s, f in group_figures(rule, validation).items()}
    without: dict[str, Any] = {}
    for source in recipe.sources:
        # Left out with a source: its head, which is trained on it alone, and the layer on the
        # embedding, which is trained on all sources.
        kept_heads = [head for head in rule.heads if head != source.head]
        rows = np.flatnonzero(np.array(calibration.sources) != source.id)
        refitted = fit_group_rule(calibration.select(rows, kept_heads), groups)
        own = np.flatnonzero(np.array(validation.sources) == source.id)
        figures = group_figures(refitted, validation.select(own, kept_heads))
        without[source.id] = asdict(figures[source.id])
    return {
        "sources": sources,
        "mean": _mean(list(sources.values())),
        "without_source": without,
        "without_origin": _without_origins(bundle, recipe, data),
    }


def _without_origins(bundle: Bundle, recipe: Recipe, data: LabelledData) -> dict[str, Any]:
    """Figures on the photos of each large origin, by a head and a rule fitted without them."""
    figures: dict[str, Any] = {}
    groups = tuple(group.id for group in bundle.description.groups)
    for source in recipe.sources:
        examples = [e for e in data.examples if e.source == source.id and e.origin]
        large = [o for o, n in Counter(e.origin for e in examples).items() if n >= _LARGE_ORIGIN]
        if not large:
            continue
        embeddings = embed_examples(bundle, examples)
        entry = next(head for head in recipe.heads if head.id == source.head)
        others = [e for e in data.examples if e.source != source.id]
        others = [e for e in others if data.split.part(e.name) is Part.CALIBRATION]
        of_others = embed_examples(bundle, others)
        for origin in sorted(map(str, large)):
            kept = np.array([e.origin != origin for e in examples])
            heads = heads_of(bundle)
            heads[entry.id] = _refitted(heads[entry.id], entry, examples, embeddings, kept, data)
            is_calibration = np.array(
                [data.split.part(e.name) is Part.CALIBRATION for e in examples]
            )
            rows = np.flatnonzero(kept & is_calibration)
            calibration = group_examples(
                [*others, *(examples[int(row)] for row in rows)],
                np.concatenate([of_others, embeddings[rows]]),
                recipe,
                heads,
                groups,
            )
            left_out = np.flatnonzero(~kept)
            validation = group_examples(
                [examples[int(row)] for row in left_out],
                embeddings[left_out],
                recipe,
                heads,
                groups,
            )
            measured = group_figures(fit_group_rule(calibration, groups), validation)
            figures[origin] = asdict(measured[source.id])
    return figures


def _refitted(
    head: Head,
    entry: HeadRecipe,
    examples: list[Example],
    embeddings: FloatArray,
    kept: np.ndarray[Any, np.dtype[np.bool_]],
    data: LabelledData,
) -> Head:
    """Fit a head again on the kept training photos, first label only."""
    rows = np.flatnonzero(
        kept & np.array([data.split.part(e.name) is Part.TRAIN for e in examples])
    )
    names = {label.source_name: index for index, label in enumerate(head.labels.labels)}
    targets = one_hot(np.array([names[examples[int(row)].label] for row in rows]), len(names))
    weights: HeadWeights = fit_linear_head(embeddings[rows], targets, float(entry.refit or 0.01))
    return replace(head, weights=weights, temperature=1.0)


def _judged_tags(
    bundle: Bundle,
    data: LabelledData,
    data_dir: Path,
    rule: GroupRule,
    known_groups: frozenset[str],
) -> dict[str, JudgedTags]:
    """Collect the judged tags by head; prints how many are of photos that are not there."""
    verdicts = read_verdicts()
    examples = _examples_by_hash(data, data_dir)
    usable = [verdict for verdict in verdicts if verdict.photo in examples]
    if len(usable) < len(verdicts):
        print(f"{len(verdicts) - len(usable)} judged tags are of photos that are missing")
    photos = sorted({verdict.photo for verdict in usable})
    rows = {photo: row for row, photo in enumerate(photos)}
    embeddings = embed_examples(bundle, [examples[photo] for photo in photos])
    groups = tuple(group.id for group in bundle.description.groups)
    heads = heads_of(bundle)
    predictions = {head_id: head.predict(embeddings) for head_id, head in heads.items()}
    probabilities = {
        head_id: group_probabilities(predictions[head_id], group_matrix(head.labels, groups))
        for head_id, head in heads.items()
    }
    layer = layer_of(rule)
    by_embedding = None if layer is None else groups_by_embedding(embeddings, layer)
    nothing = np.zeros((0, len(groups)), np.bool_)
    decided = GroupBatch(
        groups,
        decide(rule, GroupExamples(probabilities, nothing, (), by_embedding)),
        rule.confidence_threshold,
    )
    return {
        head_id: judged_tags(
            [verdict for verdict in usable if verdict.head == head_id],
            *(rows, heads[head_id].labels, predictions[head_id], decided, known_groups),
        )
        for head_id in sorted({verdict.head for verdict in usable} & heads.keys())
    }


def _checked_places(
    bundle: Bundle, data: LabelledData, data_dir: Path
) -> places_checks.CheckedPlaces | None:
    """Judge the places of a bundle; None for one without places, and without judged photos."""
    verdicts = places_checks.read_verdicts()
    examples = _examples_by_hash(data, data_dir)
    photos = sorted({photo for photo, _ in verdicts} & examples.keys())
    head = heads_of(bundle).get(PLACES)
    if head is None or not photos:
        return None
    embeddings = embed_examples(bundle, [examples[photo] for photo in photos])
    probabilities = head.predict(embeddings).probabilities
    return places_checks.check_places(photos, probabilities, head.labels, verdicts)


def _examples_by_hash(data: LabelledData, data_dir: Path) -> dict[str, Example]:
    return {example.sha256: example for example in (*_single_photos(data_dir), *data.examples)}


def _single_photos(data_dir: Path) -> list[Example]:
    folder = data_dir / _SINGLE_PHOTOS
    files = [file for file in sorted(folder.rglob("*")) if has_picture_name(file)]
    items: list[tuple[str, Path | bytes, str]] = [(file.name, file, "") for file in files]
    examples, _ = decode_examples(items, _SINGLE_PHOTOS)
    return examples


def _tag_metrics(tags: JudgedTags, labels: int) -> dict[str, Any]:
    """Share of the tags that are right, by rules fitted without the photo (cross-validation)."""
    is_tag = cross_validated(tags, labels) >= THRESHOLD
    right = tags.is_right
    return {
        "judged": len(right),
        "judged_right": percent(float(right.mean())),
        "shown": int(is_tag.sum()),
        "shown_right": percent(float(right[is_tag].mean())) if is_tag.any() else None,
        "right_shown": percent(float(is_tag[right].mean())) if right.any() else None,
    }


def _mean(figures: list[dict[str, Any]]) -> dict[str, float]:
    return {
        name: float(np.mean([source[name] for source in figures]))
        for name in ("right", "unsure", "wrong")
    }
