"""A training run's configuration: one TOML file, read once, checked whole."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from scene_model.classifier.labels import Label, LabelSet

TRAINING_DIR = Path(__file__).resolve().parent


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """One set of labelled photos: a zip (or folder) of class folders, maybe with a manifest.

    repeat: how often an epoch shows each of its photos.
    """

    id: str
    file: str
    head: str
    manifest: str | None = None
    repeat: int = 1


class Mapping(_Part):
    """What a source's label also means for another head.

    targets: label ids of that head (equal parts), or the words "outside" (none of its
    labels) and "inside" (some label of it, not known which).
    """

    source: str
    head: str
    weight: float = 1.0
    targets: dict[str, tuple[str, ...]]


class HeadRecipe(_Part):
    """One head: its label file (in label_sets/), and whether it learns to say "none of these"."""

    id: str
    labels: str | None = None
    outside: bool = False
    loss_weight: float = 1.0


class Stage(_Part):
    """Some epochs at one input size.

    consistency: weight of a loss that wants the same answer for a photo and for a small,
        hard-compressed copy of it; half of each batch is shown both ways.
    """

    input_size: int = Field(ge=32, le=512)
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=64, ge=1)
    consistency: float = Field(default=0.0, ge=0.0)


class Recipe(_Part):
    """Everything that decides what a run produces, beside the photos themselves.

    starts_from: name of the run (a folder beside this run's) whose weights it goes on from;
        None starts from ImageNet's.
    """

    name: str
    starts_from: str | None = None
    architecture: Literal["mobilenet_v2"]
    seed: int
    input_size: int = 224
    imagenet_tflite: str
    imagenet_labels: str
    sources: tuple[Source, ...]
    mappings: tuple[Mapping, ...] = ()
    heads: tuple[HeadRecipe, ...]
    stages: tuple[Stage, ...]
    backbone_learning_rate: float = Field(gt=0)
    head_learning_rate: float = Field(gt=0)
    weight_decay: float = 1e-4
    mixup_alpha: float = 0.0
    label_smoothing: float = 0.0
    second_tag_share: float = 0.4
    representative_photos: int = 300
    licence: str
    attributions: tuple[str, ...]

    @property
    def total_epochs(self) -> int:
        """Epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)


def read_recipe(file: Path) -> Recipe:
    """Read a configuration; pydantic's error names every wrong field."""
    return Recipe.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))


def read_label_set(file: Path) -> LabelSet:
    """Read a label file of ``label_sets/`` (TOML, one [[label]] an output, in order)."""
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["label"]
    return LabelSet(
        tuple(
            Label(
                id=row["id"],
                name=row["name"],
                source_name=row["source_name"],
                aliases=tuple(row.get("aliases", ())),
                translations=dict(row.get("translations", {})),
            )
            for row in rows
        )
    )


def read_imagenet_labels(file: Path) -> LabelSet:
    """Read the 1,000 ImageNet classes: one line each, behind a first line ``background``.

    A label's id is its line; a line that occurs again (``crane``, the bird and the machine)
    gets `` (2)`` so that ids stay unique.
    """
    seen: dict[str, int] = {}
    labels = []
    for line in file.read_text(encoding="utf-8").splitlines()[1:]:
        seen[line] = seen.get(line, 0) + 1
        names = [name.strip() for name in line.split(",")]
        labels.append(
            Label(
                id=line if seen[line] == 1 else f"{line} ({seen[line]})",
                name=names[0][:1].upper() + names[0][1:],
                source_name=line,
                aliases=tuple(names[1:]),
            )
        )
    return LabelSet(tuple(labels))
