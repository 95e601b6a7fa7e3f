"""What the process that prepares networks is asked, and what it answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.bundle_network import InputEntry
from scene_model.model_store.declared_input import DeclaredInput

NETWORK_STEM, TEXT_FILE = "backbone", "text.onnx"


@dataclass(frozen=True)
class Task:
    """Which files to make a bundle's networks of.

    network, text, tokenizer: paths of the source's files; "" where there are none. kind: "onnx",
    "pair" or "tflite". folder: where the networks go. head_id: of the classifier's head; "" for a
    pair. output: name of the network's output, None to find it. context_length, padding_token: of
    the text network; None for what its files say.
    """

    kind: str
    network: str
    folder: str
    max_bytes: int
    declared: DeclaredInput
    head_id: str = ""
    output: str | None = None
    text: str = ""
    tokenizer: str = ""
    context_length: int | None = None
    padding_token: str | None = None


@dataclass(frozen=True)
class Prepared:
    """The networks, written into the folder.

    label_count: outputs of the head. has_last_layer: whether the head is the network's own last
    layer; else the embedding is what the network answers. joint_size: of the text's space, 0
    without text.
    """

    engine: str
    file: str
    embedding_size: int
    photo_input: InputEntry
    label_count: int = 0
    has_last_layer: bool = False
    joint_size: int = 0
    context_length: int = 0
    padding_id: int = 0

    def as_fields(self) -> dict[str, Any]:
        """Return the answer as JSON can write it."""
        return vars(self) | {"photo_input": self.photo_input.model_dump()}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> "Prepared":
        """Read an answer."""
        return cls(**fields | {"photo_input": InputEntry(**fields["photo_input"])})


@dataclass(frozen=True)
class Trial:
    """What a bundle's network took on a test picture; peak_bytes: None where it is not measured."""

    seconds: float
    peak_bytes: int | None


def are_equal(first: FloatArray, second: FloatArray) -> bool:
    """Return whether two answers differ by rounding alone, however small their numbers are."""
    size = float(np.abs(first).max())
    return bool(np.abs(first - second).max() <= 1e-5 * size)
