"""Configuration of a training run: one TOML file, validated when it is read."""

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from scene_model.classifier.labels import Label, LabelSet

TRAINING_DIR = Path(__file__).resolve().parent
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
ARCHITECTURES = ("mobilenet_v2", "vgg16", "scene_cnn", "small_cnn")
# Value of ``labels`` that takes the class folders of the head's source as labels.
FOLDERS = "folders"


class TrainingError(ValueError):
    """Invalid input to the pipeline; the message gives the remedy."""


class RecipeError(TrainingError):
    """An invalid configuration."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """One set of labelled photos: a zip or folder of class folders, with an optional manifest.

    repeat: how often each of its photos occurs in an epoch.
    """

    id: str
    file: str
    head: str
    manifest: str | None = None
    repeat: int = 1


class Mapping(_Part):
    """Targets of a source's labels for a head that is not the source's own.

    targets: label → label ids of that head (equal shares), "outside" (none of its labels) or
        "inside" (one of its labels, unknown which).
    withheld_origins: photos of these origins (``source_repo`` of the manifest) do not train that
        head, so that it can be measured on unseen origins.
    """

    source: str
    head: str
    weight: float = 1.0
    targets: dict[str, tuple[str, ...]]
    withheld_origins: tuple[str, ...] = ()


class HeadRecipe(_Part):
    """One head of the network.

    labels: name of a file in label_sets/, "folders" for the class folders of its source, or None
        for the ImageNet classes. outside: whether it has an output for "none of these labels".
    teacher: weights file of the data folder; the predictions of its network for each view are the
        head's targets (distillation, Hinton et al. 2015). The head ``objects`` always has a
        teacher, see ``imagenet_tflite``.
    refit: L2 penalty with which `publish` refits the head on the int8 network's embeddings of
        uncropped photos; None leaves it as trained. refit_share: weight of the refitted head in
        the average with the head as trained.
    tags_right: share of the tags assigned by the tag rule that should be right; the floor of the
        second tag is set for it.
    """

    id: str
    name: str = ""
    labels: str | None = None
    teacher: str | None = None
    outside: bool = False
    loss_weight: float = 1.0
    refit: float | None = Field(default=None, gt=0.0)
    refit_share: float = Field(default=1.0, gt=0.0, le=1.0)
    tags_right: float | None = None


class Stage(_Part):
    """Some epochs at one input size.

    consistency: weight of a loss on the difference between the predictions for a photo and for a
        small, strongly compressed copy of it; applied to half of each batch.
    int8_aware: quantization-aware training: weights and activations are rounded as in int8.
    """

    input_size: int = Field(ge=32, le=512)
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=64, ge=1)
    consistency: float = Field(default=0.0, ge=0.0)
    int8_aware: bool = False


class Recipe(_Part):
    """All parameters of a run.

    starting_weights: the network's initial weights, see `starting_weights.py`. branch_weights:
        those of the second branch of "mobilenet_v2_branches", a bundle or a run of one branch.
    on_bundle: a published bundle; only a head is trained on its backbone, which stays frozen.
    hidden: sizes of dense layers between the network and its embedding.
    blend, blend_share: a weights file in the data folder that `publish` averages with the trained
        weights, and its share (Wortsman et al. 2022).
    train_from: first trained block ("block_7"); earlier blocks are frozen and run as int8, as in
        the published network. None trains all.
    imagenet_tflite, imagenet_labels: the teacher network of the head ``objects``, and its
        classes; files of the data folder.
    split: "committed" lists, or "drawn" by the seed for photos that are in no list.
    class_head, tag_head: the bundle's head that assigns the class, and the one that assigns tags.
    publish_after_fit: whether `fit` also publishes.
    """

    name: str
    architecture: Literal[
        "mobilenet_v2", "mobilenet_v2_branches", "vgg16", "scene_cnn", "small_cnn"
    ]
    starting_weights: str | None = None
    branch_weights: str | None = None
    on_bundle: str | None = None
    hidden: tuple[int, ...] = ()
    train_from: str | None = None
    blend: str | None = None
    blend_share: float = Field(default=0.0, ge=0.0, lt=1.0)
    seed: int
    input_size: int = 224
    imagenet_tflite: str | None = None
    imagenet_labels: str | None = None
    split: Literal["committed", "drawn"] = "committed"
    class_head: str = "scenes"
    tag_head: str | None = "camera"
    publish_after_fit: bool = False
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

    @field_validator("tag_head", "train_from", "blend")
    @classmethod
    def _empty_is_none(cls, text: str | None) -> str | None:
        # TOML has no null: a recipe that extends another one resets a field with "".
        return text or None

    @property
    def total_epochs(self) -> int:
        """Number of epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def with_architecture(self, architecture: str) -> "Recipe":
        """Return a copy that trains a complete network of this architecture.

        It starts from the best weights available for the architecture, and its bundle contains
        only the recipe's own heads.
        """
        starting_weights = {"mobilenet_v2": "bundle:scene_mobilenet_v2", "vgg16": "keras"}
        heads = {head.id for head in self.heads}
        return self.model_copy(
            update={
                "architecture": architecture,
                "starting_weights": starting_weights.get(architecture, "random"),
                "on_bundle": None,
                "hidden": (256,) if architecture == "vgg16" else (),
                "train_from": "block5" if architecture == "vgg16" else None,
                "tag_head": self.tag_head if self.tag_head in heads else None,
            }
        )

    def renamed(self, name: str) -> "Recipe":
        """Return a copy with a new bundle name; a head with the recipe's name is renamed too."""
        if not _NAME.fullmatch(name):
            raise RecipeError(
                f"A bundle cannot be called {name!r}: use lower-case letters, digits and _, "
                "beginning with a letter."
            )
        heads = tuple(
            h.model_copy(update={"id": name}) if h.id == self.name else h for h in self.heads
        )
        sources = tuple(
            s.model_copy(update={"head": name}) if s.head == self.name else s for s in self.sources
        )
        head = name if self.class_head == self.name else self.class_head
        return self.model_copy(
            update={"name": name, "heads": heads, "sources": sources, "class_head": head}
        )


def read_recipe(file: Path) -> Recipe:
    """Read a configuration; raises RecipeError that names every wrong field.

    ``extends`` names a configuration in the same folder that provides the missing fields.
    """
    try:
        return Recipe.model_validate(_fields(file))
    except OSError as error:
        raise RecipeError(f"The configuration {file} cannot be read: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"The configuration {file} is not a TOML file: {error}.") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise RecipeError(f"The configuration {file} cannot be used: {wrong}.") from error


def _fields(file: Path) -> dict[str, Any]:
    fields = tomllib.loads(file.read_text(encoding="utf-8"))
    extended = fields.pop("extends", None)
    return fields if extended is None else _fields(file.parent / extended) | fields


def read_label_set(file: Path) -> LabelSet:
    """Read a label file of ``label_sets/`` (TOML, one [[label]] per output, in order)."""
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
    """Read the 1,000 ImageNet classes: one line each, after a first line ``background``.

    A label's id is its line; a repeated line (``crane``, the bird and the machine)
    gets `` (2)`` so that ids stay unique.
    """
    occurrences: dict[str, int] = {}
    labels = []
    for line in file.read_text(encoding="utf-8").splitlines()[1:]:
        occurrences[line] = occurrences.get(line, 0) + 1
        names = [name.strip() for name in line.split(",")]
        labels.append(
            Label(
                id=line if occurrences[line] == 1 else f"{line} ({occurrences[line]})",
                name=names[0][:1].upper() + names[0][1:],
                source_name=line,
                aliases=tuple(names[1:]),
            )
        )
    return LabelSet(tuple(labels))
