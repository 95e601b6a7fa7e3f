"""The words of a bundle: names of labels, their kinds and their groups, from ``label_sets/``."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scene_model.classifier.bundle_description import (
    FORMAT_VERSION,
    BundleDescription,
    HeadEntry,
    read_description,
)
from scene_model.classifier.bundle_words import GroupEntry, KindEntry, LabelEntry
from scene_model.classifier.fitting.bundle_files import write_description
from scene_model.classifier.labels import with_wider_kinds
from training.recipe import FOLDERS, TRAINING_DIR, HeadRecipe, Recipe, RecipeError, read_label_set

LABEL_SETS = TRAINING_DIR / "label_sets"


@dataclass(frozen=True)
class LabelWords:
    """All kinds and groups. kind_ids, group_ids: by head and label."""

    kinds: tuple[KindEntry, ...]
    groups: tuple[GroupEntry, ...]
    kind_ids: Mapping[str, Mapping[str, Sequence[str]]]
    group_ids: Mapping[str, Mapping[str, str]]


def read_label_words(folder: Path = LABEL_SETS) -> LabelWords:
    """Read ``kinds.toml`` and ``groups.toml``."""
    kinds, groups = _read(folder / "kinds.toml"), _read(folder / "groups.toml")
    return LabelWords(
        tuple(KindEntry(**row) for row in kinds["kind"]),
        tuple(GroupEntry(**row) for row in groups["group"]),
        kinds["labels"],
        groups["labels"],
    )


def describe(recipe: Recipe, models_dir: Path) -> Path:
    """Write the words of a published bundle again; weights and figures stay as they are.

    Returns the bundle's folder. Raises BundleError, or RecipeError when a label set has not the
    labels of the bundle.
    """
    folder = models_dir / recipe.name
    description = read_description(folder)
    recipes = {head.id: head for head in recipe.heads}
    heads = tuple(
        _renamed(entry, recipes[entry.id]) if entry.id in recipes else entry
        for entry in description.heads
    )
    description = description.model_copy(update={"format_version": FORMAT_VERSION, "heads": heads})
    write_description(folder, with_kinds(description, recipe, read_label_words()))
    print(f"described {folder}")
    return folder


def with_kinds(
    description: BundleDescription, recipe: Recipe, words: LabelWords
) -> BundleDescription:
    """Add kinds and groups to the labels of a bundle; class folders have none."""
    own = {head.id for head in recipe.heads if head.labels == FOLDERS}
    heads = tuple(
        head
        if head.id in own
        else head.model_copy(
            update={"labels": tuple(_with_kinds(label, head.id, words) for label in head.labels)}
        )
        for head in description.heads
    )
    labels = [label for head in heads for label in head.labels]
    parents = {kind.id: kind.parents for kind in words.kinds}
    kinds = with_wider_kinds((kind for label in labels for kind in label.kinds), parents)
    groups = {label.group for label in labels}
    return description.model_copy(
        update={
            "heads": heads,
            "kinds": tuple(kind for kind in words.kinds if kind.id in kinds),
            "groups": tuple(group for group in words.groups if group.id in groups),
        }
    )


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _renamed(entry: HeadEntry, head: HeadRecipe) -> HeadEntry:
    """Take names, aliases and translations from the head's label set, if it is a file."""
    if head.labels in (None, FOLDERS):
        return entry
    labels = read_label_set(LABEL_SETS / str(head.labels))
    if labels.ids != tuple(label.id for label in entry.labels):
        raise RecipeError(
            f"{head.labels} has other labels than the head {entry.id!r} of the bundle. "
            "Publish the model again."
        )
    renamed = tuple(
        old.model_copy(
            update={
                "name": new.name,
                "source_name": new.source_name,
                "aliases": new.aliases,
                "translations": new.translations,
            }
        )
        for old, new in zip(entry.labels, labels.labels, strict=True)
    )
    return entry.model_copy(update={"labels": renamed})


def _with_kinds(label: LabelEntry, head_id: str, words: LabelWords) -> LabelEntry:
    return label.model_copy(
        update={
            "kinds": tuple(words.kind_ids.get(head_id, {}).get(label.id, ())),
            "group": words.group_ids.get(head_id, {}).get(label.id),
        }
    )
