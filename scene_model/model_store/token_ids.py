"""Texts to token ids, by a tokenizer.json, to try a text network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scene_model.errors import ModelRefused

Tokens = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def token_ids(tokenizer: Any, texts: Sequence[str], length: int, padding_id: int) -> list[Tokens]:
    """Return ids and mask of each text, int64 (length,), cut or filled up."""
    tokenizer.enable_truncation(length)
    tokenizer.no_padding()
    rows = []
    for text in texts:
        encoded = tokenizer.encode(text).ids
        ids = np.full(length, padding_id, np.int64)
        ids[: len(encoded)] = encoded
        rows.append((ids, (np.arange(length) < len(encoded)).astype(np.int64)))
    return rows


def padding_of(tokenizer: Any, token: str | None) -> int:
    """Return the id that fills up short texts; token: as the config names it. Raises ModelRefused.

    As the tokenizer's own file says where no config does; else 0.
    """
    if token is None:
        own = tokenizer.padding
        return int(own["pad_id"]) if own else 0
    number = tokenizer.token_to_id(token)
    if number is None:
        raise ModelRefused(
            f"The config fills up texts with {token[:40]!r}, which the tokenizer does not have. "
            "Its files are not of one model; download them again.",
            code="model_options",
        )
    return int(number)


def open_tokenizer(file: Path) -> Any:
    """Open a tokenizer.json; raises ModelRefused."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ModelRefused(
            "An image and text network (such as CLIP) needs another package. Run pip install "
            '"scene-gallery[onnx]".',
            code="model_package_missing",
        ) from error
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises only this class
        raise ModelRefused(
            f"{file.name} is no tokenizer: {str(error)[:200]}. Copy or download it again.",
            code="model_damaged",
        ) from error
