"""Texts to token ids, by a tokenizer.json, to try a text network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scene_model.errors import ModelRefused


def token_ids(
    file: Path, texts: Sequence[str], length: int, padding_id: int
) -> list[npt.NDArray[Any]]:
    """Return the ids of each text, int64 (length,), cut or filled up. Raises ModelRefused."""
    tokenizer = _opened(file)
    tokenizer.enable_truncation(length)
    tokenizer.no_padding()
    rows = []
    for text in texts:
        ids = tokenizer.encode(text).ids
        rows.append(np.array(ids + [padding_id] * (length - len(ids)), np.int64))
    return rows


def token_id(file: Path, token: str) -> int | None:
    """Return the id of a token; None where the tokenizer has no such token."""
    number: int | None = _opened(file).token_to_id(token)
    return number


def _opened(file: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ModelRefused(
            'A pair for search needs another package. Run pip install "scene-gallery[onnx]".',
            code="model_package_missing",
        ) from error
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises only this class
        raise ModelRefused(
            f"{file.name} is no tokenizer: {str(error)[:200]}. Copy or download it again.",
            code="model_damaged",
        ) from error
