"""A model's files on this computer, and what they say beside the network."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from scene_model.errors import ModelRefused
from scene_model.model_store.declared_input import DeclaredInput, declared_input, read_json
from scene_model.model_store.label_entries import labels_of_config
from scene_model.model_store.model_files import (
    CARD_FILE,
    ModelFiles,
    choose_files,
    kind_of_file,
    names_in,
)

UNKNOWN_LICENCE = "Unknown: the model's files do not name it"
_FRONT_MATTER = re.compile(r"\A---\r?\n(.*?)\r?\n---", re.DOTALL)
_LICENCE_LINE = re.compile(
    r"^(license(?:_name)?):[ \t]*['\"]?([\w.+ -]+?)['\"]?[ \t]*$", re.MULTILINE
)
_MAX_CARD_BYTES = 1_000_000
# What transformers assumes where config.json leaves the default out.
_CONTEXT_LENGTHS = {"clip": 77, "siglip": 64, "siglip2": 64}
_MAX_CONTEXT = 8_192


@dataclass(frozen=True)
class LocalModel:
    """origin: what it was added from, for people. files: names below the folder.

    hub_licence: as the hub names it; None for files that did not come from one.
    """

    folder: Path
    files: ModelFiles
    origin: str
    hub_licence: str | None = None

    def path(self, name: str) -> Path:
        """Return the path of one of the files."""
        return self.folder / name

    @property
    def size(self) -> int:
        """Bytes of all files of the model."""
        paths = [self.folder / name for name in self.files.names]
        if self.files.kind == "saved_model":
            paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return sum(path.stat().st_size for path in paths)

    @cached_property
    def config(self) -> dict[str, Any] | None:
        """config.json; raises ModelRefused."""
        return None if self.files.config is None else read_json(self.path(self.files.config))

    @property
    def declared(self) -> DeclaredInput:
        """How photos become the input, as far as the files say; raises ModelRefused."""
        processor = self.files.processor
        return declared_input(
            None if processor is None else read_json(self.path(processor)), self.config
        )

    @property
    def label_names(self) -> list[str] | None:
        """The labels that config.json names; None where it names none. Raises ModelRefused."""
        return labels_of_config(self.config)

    @property
    def licence(self) -> str:
        """The licence that the hub, or the first lines of the model card, name."""
        if self.hub_licence is not None:
            return self.hub_licence
        if self.files.card is None:
            return UNKNOWN_LICENCE
        with self.path(self.files.card).open(encoding="utf-8", errors="replace") as file:
            return licence_of_card(file.read(_MAX_CARD_BYTES)) or UNKNOWN_LICENCE

    @cached_property
    def _tokenizer_config(self) -> dict[str, Any]:
        name = self.files.tokenizer_config
        return {} if name is None else read_json(self.path(name))

    @property
    def context_length(self) -> int | None:
        """How many tokens a text has at most; None where no file says so. Raises ModelRefused."""
        config = self.config or {}
        text = config.get("text_config") or config.get("text_cfg")
        if not isinstance(text, dict):
            text = {}
        lengths = (
            self._tokenizer_config.get("model_max_length"),
            text.get("max_position_embeddings"),
            text.get("context_length"),
            _CONTEXT_LENGTHS.get(str(config.get("model_type"))),
        )
        # For "any length" transformers writes 10 to the power of 30.
        fits = [n for n in lengths if isinstance(n, int) and 2 <= n <= _MAX_CONTEXT]
        return fits[0] if fits else None

    @property
    def padding_token(self) -> str | None:
        """The token that fills up short texts; None where no file says so. Raises ModelRefused."""
        token = self._tokenizer_config.get("pad_token")
        if isinstance(token, dict):
            token = token.get("content")
        return token if isinstance(token, str) else None


def read_local(path: Path) -> LocalModel:
    """Find the model in a file or a folder. Raises ModelRefused, which names what is missing."""
    if path.is_dir():
        files = choose_files(names_in(path), str(path))
        return as_pair(LocalModel(path, files, path.resolve().name))
    kind = kind_of_file(path)
    names = names_in(path.parent)
    # Of one network among others: the configs beside it are its own only if they are for photos.
    beside = names if "preprocessor_config.json" in names else []
    files = ModelFiles(
        kind,
        path.name,
        config="config.json" if "config.json" in beside else None,
        processor="preprocessor_config.json" if beside else None,
        card=CARD_FILE if CARD_FILE in beside else None,
        weights=tuple(n for n in names if n.startswith((f"{path.name}_data", f"{path.name}.data"))),
    )
    return LocalModel(path.parent, files, path.name)


def as_pair(model: LocalModel) -> LocalModel:
    """Return the model as a pair if its one file has both sides. Raises ModelRefused."""
    config = model.config or {}
    if model.files.kind == "onnx" and "text_config" in config and "vision_config" in config:
        files = replace(model.files, kind="pair", text=model.files.network)
        model = replace(model, files=files)
    if model.files.kind == "pair" and model.files.tokenizer is None:
        raise ModelRefused(
            f"{model.origin} has an image network and a text network, but no tokenizer.json, "
            "without which no text can be read. Download it from where the model came from.",
            code="model_files_missing",
        )
    return model


def licence_of_card(text: str) -> str | None:
    """Return the licence in the first lines of a model card; ``other`` is replaced by its name."""
    front = _FRONT_MATTER.match(text)
    if front is None:
        return None
    lines = dict(_LICENCE_LINE.findall(front.group(1)))
    licence = lines.get("license")
    return lines.get("license_name", licence) if licence == "other" else licence
