"""Which files of a folder, or of a repository of a hub, make up a model."""

import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from scene_model.errors import ModelRefused

ModelKind = Literal["onnx", "pair", "tflite", "keras", "saved_model"]

CONFIG_FILES = ("config.json",)
PROCESSOR_FILES = ("preprocessor_config.json", "visual/preprocess_cfg.json")
TOKENIZER_FILES = ("tokenizer.json", "textual/tokenizer.json")
TOKENIZER_CONFIG_FILES = ("tokenizer_config.json", "textual/tokenizer_config.json")
CARD_FILE = "README.md"
# What a network may be called, the first there is counts; float32 before smaller ones.
_NETWORKS = ("model.onnx", "onnx/model.onnx")
_PAIRS = (
    ("vision_model.onnx", "text_model.onnx"),
    ("onnx/vision_model.onnx", "onnx/text_model.onnx"),
    ("visual/model.onnx", "textual/model.onnx"),
)
_WEIGHTS_WITHOUT_GRAPH = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".msgpack", ".h5")
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib")
_LICENCE = re.compile(r"(licen[cs]e|copying)([-_.].*)?", re.IGNORECASE)
# A folder of a model has few files; somebody may have named their home folder.
_MAX_NAMES = 10_000
_EXPORT = (
    "Export it: `pip install optimum-onnx`, then `optimum-cli export onnx --model {} FOLDER`, "
    "and add FOLDER."
)


@dataclass(frozen=True)
class ModelFiles:
    """The files of one model, by their names below its folder.

    network: the classifier, or the image side of a pair; both sides where ``text`` is the same.
    text: the text network of a pair. Others are None where there is no such file.
    """

    kind: ModelKind
    network: str
    text: str | None = None
    config: str | None = None
    processor: str | None = None
    tokenizer: str | None = None
    tokenizer_config: str | None = None
    card: str | None = None
    licence: str | None = None
    weights: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, each once."""
        chosen = (
            self.network,
            self.text,
            self.config,
            self.processor,
            self.tokenizer,
            self.tokenizer_config,
            self.card,
            self.licence,
            *self.weights,
        )
        return tuple(dict.fromkeys(name for name in chosen if name is not None))


def names_in(folder: Path) -> list[str]:
    """Return the names of the files of a folder and of the folders in it, sorted.

    Raises ModelRefused for a folder with far more than a model has.
    """
    names = []
    for count, path in enumerate(itertools.chain(folder.glob("*"), folder.glob("*/*"))):
        if count >= _MAX_NAMES:
            raise ModelRefused(
                f"{folder} has more than {_MAX_NAMES:,} files. Name the folder of one model.",
                code="model_files_missing",
            )
        if path.is_file():
            names.append(path.relative_to(folder).as_posix())
    return sorted(names)


def choose_files(names: Collection[str], source: str) -> ModelFiles:
    """Find the model among file names; source: what it was asked for as, for messages.

    Raises ModelRefused, which names the files that are missing.
    """
    named = set(names)
    pair = next((pair for pair in _PAIRS if set(pair) <= named), None)
    if pair is not None:
        return _with_others("pair", pair[0], pair[1], named)
    half = next((n for pair in _PAIRS for n in pair if n in named), None)
    network = next((n for n in _NETWORKS if n in named), None) or _only(named, ".onnx")
    if network is not None and (half is None or network in _NETWORKS):
        return _with_others("onnx", network, None, named)
    if half is not None:
        other = next(n for pair in _PAIRS for n in pair if half in pair and n != half)
        raise ModelRefused(
            f"{source} has {half}, but not {other}: an image and text network (such as CLIP) needs "
            "both.",
            code="model_files_missing",
        )
    if "saved_model.pb" in named:
        return _with_others("saved_model", ".", None, named)
    for kind, ending in (("tflite", ".tflite"), ("keras", ".keras")):
        if (file := _only(named, ending)) is not None:
            return _with_others("tflite" if kind == "tflite" else "keras", file, None, named)
    raise _nothing_to_run(named, source)


def kind_of_file(path: Path) -> ModelKind:
    """Return what a single file is, by its name; raises ModelRefused."""
    ending = path.suffix.lower()
    if ending in (".onnx", ".tflite", ".keras"):
        return "onnx" if ending == ".onnx" else "tflite" if ending == ".tflite" else "keras"
    if ending in _PICKLES:
        raise ModelRefused(
            f"{path.name} may hold a pickle, which runs code when it is opened, so it is never "
            f"opened. {_EXPORT.format('ORG/NAME')}"
        )
    if ending == ".h5":
        raise ModelRefused(
            f"{path.name} is in an old format of Keras. Save it with `model.save('NAME.keras')` "
            "and add that."
        )
    raise ModelRefused(
        f"{path.name} is no network that can be added. Add an .onnx, .tflite or .keras file, or "
        "the folder of a SavedModel or of a model of Hugging Face."
    )


def _with_others(
    kind: ModelKind, network: str, text: str | None, named: Collection[str]
) -> ModelFiles:
    licences = [n for n in sorted(named) if _LICENCE.fullmatch(n)]
    networks = [n for n in (network, text) if n is not None]
    return ModelFiles(
        kind,
        network,
        text,
        config=_first(CONFIG_FILES, named),
        processor=_first(PROCESSOR_FILES, named),
        tokenizer=_first(TOKENIZER_FILES, named),
        tokenizer_config=_first(TOKENIZER_CONFIG_FILES, named),
        card=CARD_FILE if CARD_FILE in named else None,
        licence=licences[0] if licences else None,
        weights=tuple(
            n
            for n in sorted(named)
            if any(n.startswith((f"{name}_data", f"{name}.data")) for name in networks)
        ),
    )


def _first(candidates: Collection[str], named: Collection[str]) -> str | None:
    return next((name for name in candidates if name in named), None)


def _only(named: Collection[str], ending: str) -> str | None:
    """Return the only file of an ending; None where there are none, or several."""
    matching = [n for n in named if PurePosixPath(n).suffix.lower() == ending]
    return matching[0] if len(matching) == 1 else None


def _nothing_to_run(named: Collection[str], source: str) -> ModelRefused:
    several = sorted(n for n in named if n.lower().endswith((".onnx", ".tflite", ".keras")))
    if several:
        return ModelRefused(
            f"{source} has several networks and none is called model.onnx: "
            f"{', '.join(several[:5])}. Name one file.",
            code="model_files_missing",
        )
    weights = sorted(n for n in named if n.lower().endswith(_WEIGHTS_WITHOUT_GRAPH))
    if weights:
        return ModelRefused(
            f"{source} has weights ({weights[0]}) without a graph, which cannot be run here: an "
            "ONNX file is needed, model.onnx or onnx/model.onnx; for search vision_model.onnx and "
            f"text_model.onnx. {_EXPORT.format(source)}",
            code="model_files_missing",
        )
    return ModelRefused(
        f"{source} holds no network. A model needs model.onnx (or onnx/model.onnx, or "
        "vision_model.onnx and text_model.onnx), a .tflite or .keras file, or saved_model.pb.",
        code="model_files_missing",
    )
