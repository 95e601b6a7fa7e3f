"""The data of a run: photos, their split, and the label set of every head."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_model.classifier.fitting.class_folders import label_set_of_folders
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.splits import (
    Part,
    Split,
    describe_split,
    make_split,
    read_split,
    same_picture_groups,
    write_split,
)
from scene_model.classifier.labels import LabelSet
from scene_model.photos.colours import Pixels
from scene_model.photos.resize import resize_to_square
from training.data import check_mappings, load_examples
from training.recipe import (
    FOLDERS,
    TRAINING_DIR,
    HeadRecipe,
    Recipe,
    read_imagenet_labels,
    read_label_set,
)

SPLITS_DIR = TRAINING_DIR / "splits"


@dataclass(frozen=True)
class LabelledData:
    """Photos, their split, and the label set of every head.

    skipped: one line per skipped photo.
    """

    examples: list[Example]
    split: Split
    label_sets: dict[str, LabelSet]
    skipped: tuple[str, ...] = ()


def load_data(recipe: Recipe, data_dir: Path) -> LabelledData:
    """Read photos, split and label sets; prints the skipped photos and the size of each part.

    Raises FileNotFoundError or UnusableFolders.
    """
    label_sets = load_label_sets(recipe, data_dir)
    check_mappings(recipe, label_sets)
    examples, skipped = load_examples(recipe, data_dir)
    for line in skipped:
        print("skipped", line)
    split = read_split(SPLITS_DIR) if recipe.split == "committed" else draw_split(recipe, examples)
    for line in describe_split(examples, split):
        print(line)
    return LabelledData(examples, split, label_sets, tuple(skipped))


def draw_split(recipe: Recipe, examples: list[Example]) -> Split:
    """Split photos that are in no committed list; deterministic for a seed."""
    return make_split(examples, same_picture_groups([e.pixels for e in examples]), recipe.seed)


def redraw_committed_split(recipe: Recipe, data_dir: Path) -> None:
    """Recompute and write the committed lists for all of a recipe's sources."""
    examples, _ = load_examples(recipe, data_dir)
    split = draw_split(recipe, examples)
    write_split(split, SPLITS_DIR)
    print("\n".join(describe_split(examples, split)))


def load_label_sets(recipe: Recipe, data_dir: Path) -> dict[str, LabelSet]:
    """Read the label set of every head."""
    return {head.id: _label_set(recipe, head, data_dir) for head in recipe.heads}


def _label_set(recipe: Recipe, head: HeadRecipe, data_dir: Path) -> LabelSet:
    if head.labels == FOLDERS:
        source = next(s for s in recipe.sources if s.head == head.id)
        return label_set_of_folders(data_dir / source.file)
    if head.labels:
        return read_label_set(TRAINING_DIR / "label_sets" / head.labels)
    return read_imagenet_labels(data_dir / str(recipe.imagenet_labels))


def representative_photos(recipe: Recipe, data: LabelledData, side: int) -> list[Pixels]:
    """Choose the training photos that set the int8 activation ranges; resized without cropping."""
    train = data.split.indices(data.examples, Part.TRAIN)
    rng = np.random.default_rng(recipe.seed)
    chosen = rng.choice(train, min(recipe.representative_photos, len(train)), replace=False)
    return [resize_to_square(data.examples[i].pixels, side) for i in chosen]
