"""The text side of a pair: sentences and image embeddings to unit vectors of one space."""

import io
import threading
import zipfile
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.bundle_network import TextEntry
from scene_model.classifier.engines.text_network import TextNetwork, open_text_network
from scene_model.errors import BundleDamaged, EngineMissing

# Vectors of the latest sentences: a page asks for the same ones at every click.
_CACHED_SENTENCES = 512


class TextEncoder:
    """A bundle's text network with its tokenizer; safe to share between threads."""

    def __init__(
        self,
        entry: TextEntry,
        tokenizer: Any,
        network: TextNetwork,
        projection: tuple[FloatArray, FloatArray] | None,
    ) -> None:
        """tokenizer: a `tokenizers.Tokenizer`. projection: kernel and bias, see `project`."""
        self._entry, self._tokenizer, self._network = entry, tokenizer, network
        self._projection = projection
        self._lock = threading.Lock()
        self._vectors: dict[str, FloatArray] = {}

    @classmethod
    def open(cls, bundle: Bundle) -> Self:
        """Open the text side of a bundle that has one.

        Raises EngineMissing where a package is not installed, or BundleDamaged.
        """
        entry = bundle.description.text
        if entry is None:
            raise BundleDamaged(f"The bundle {bundle.description.name} has no text side.")
        tokenizer = _tokenizer(bundle.read(entry.tokenizer), entry)
        network = open_text_network(bundle.read(entry), entry)
        return cls(entry, tokenizer, network, _projection(bundle, entry))

    @property
    def prompt(self) -> str:
        """The sentence around a label, with one {}."""
        return self._entry.prompt

    @property
    def size(self) -> int:
        """Values of a vector of the joint space."""
        return self._entry.embedding_size

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return the unit vectors of sentences, float32 (N, size).

        A sentence beyond the network's context is cut. Raises BundleDamaged.
        """
        if not texts:
            return np.empty((0, self.size), np.float32)
        vectors: FloatArray = np.stack([self._vector(text) for text in texts])
        return vectors

    def project(self, embeddings: FloatArray) -> FloatArray:
        """Return the unit vectors of image embeddings, float32 (N, embedding size)."""
        if self._projection is not None:
            kernel, bias = self._projection
            embeddings = embeddings @ kernel + bias
        return unit_vectors(embeddings)

    def pulled_back(self, direction: FloatArray) -> FloatArray:
        """Return a direction of the joint space as one of image embeddings, float32 (size,)."""
        if self._projection is None:
            return direction
        result: FloatArray = self._projection[0] @ direction
        return result

    def check(self) -> None:
        """Run the network once to detect a defect early; raises BundleDamaged."""
        self.encode([self.prompt.replace("{}", "photo")])

    def _vector(self, text: str) -> FloatArray:
        with self._lock:
            cached = self._vectors.get(text)
        if cached is not None:
            return cached
        ids, mask = self._tokens(text)
        vector: FloatArray = unit_vectors(self._network.run(ids, mask))[0]
        with self._lock:
            while len(self._vectors) >= _CACHED_SENTENCES:
                self._vectors.pop(next(iter(self._vectors)))
            self._vectors[text] = vector
        return vector

    def _tokens(self, text: str) -> tuple[Any, Any]:
        length = self._entry.context_length
        encoded = self._tokenizer.encode(text).ids[:length]
        ids = np.full((1, length), self._entry.padding_id, np.int64)
        mask = np.zeros((1, length), np.int64)
        ids[0, : len(encoded)], mask[0, : len(encoded)] = encoded, 1
        return ids, mask


def unit_vectors(vectors: FloatArray) -> FloatArray:
    """Return vectors at length one, float32; a vector of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: FloatArray = (vectors / np.maximum(lengths, 1e-6)).astype(np.float32)
    return result


def _tokenizer(data: bytes, entry: TextEntry) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise EngineMissing(
            "The search model has a text side, and the package tokenizers is not installed. "
            'Install it: pip install "scene-gallery[onnx]" (in a checkout: pip install -e '
            '".[onnx]").'
        ) from error
    try:
        tokenizer = Tokenizer.from_str(data.decode("utf-8"))
        # The closing token of a sentence is kept when it is cut.
        tokenizer.enable_truncation(entry.context_length)
        tokenizer.no_padding()
    except Exception as error:  # the package raises plain Exception
        raise BundleDamaged(
            f"{entry.tokenizer.file} is no tokenizer for the package tokenizers: {error}."
        ) from error
    return tokenizer


def _projection(bundle: Bundle, entry: TextEntry) -> tuple[FloatArray, FloatArray] | None:
    if entry.image_projection is None:
        return None
    file = entry.image_projection
    try:
        with np.load(io.BytesIO(bundle.read(file)), allow_pickle=False) as arrays:
            kernel = np.asarray(arrays["kernel"], np.float32)
            has_bias = "bias" in arrays.files
            bias = np.asarray(
                arrays["bias"] if has_bias else np.zeros(kernel.shape[1:]), np.float32
            )
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BundleDamaged(f"{file.file} cannot be read: {error}.") from error
    shape = bundle.description.backbone.embedding_size, entry.embedding_size
    if kernel.shape != shape or bias.shape != shape[1:]:
        raise BundleDamaged(
            f"{file.file} has the shapes {kernel.shape} and {bias.shape}; bundle.json says {shape}."
        )
    return kernel, bias
