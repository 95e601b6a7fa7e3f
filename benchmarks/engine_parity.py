"""The same network by LiteRT and by ONNX Runtime, int8 and float: its answers and its speed.

The shipped network is built from its float weights for each engine: LiteRT int8 is the published
file; the other three are made here. Embeddings and answers (the most probable label of each head,
and the class) are compared on photos; then all four run in turns, on one core, without decoding.
Fails where a float embedding has a cosine below 0.999 to that of Keras' own conversion, or the
ONNX export gives another answer.

    python -m benchmarks.engine_parity --data FOLDER [--photos 500]
"""

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from scene_model.classifier.bundle import Bundle, FloatArray, open_bundle
from scene_model.classifier.bundle_network import BackboneEntry, EngineName, InputEntry
from scene_model.classifier.classify import Classifier
from scene_model.classifier.engines.engine import Engine
from scene_model.classifier.engines.opened import open_engine
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.photos.colours import Pixels
from scene_model.photos.decode import PhotoLimits, decode_photo
from training.architectures import build_backbone
from training.int8 import convert_float
from training.onnx_export import onnx_network, read_float_weights
from training.starting_weights import load_weights

MIN_COSINE = 0.999
SUFFIXES = (".jpg", ".jpeg", ".webp")
_CALIBRATION_PHOTOS = 64
_TIMED, _WARM_UP = 120, 10
LITERT_INT8, LITERT_FLOAT = "LiteRT int8", "LiteRT float"
ONNX_FLOAT, ONNX_INT8 = "ONNX float", "ONNX int8"


class _Photos(CalibrationDataReader):
    """Hands photos to the quantization of ONNX Runtime."""

    def __init__(self, photos: list[Pixels]) -> None:
        self._left: Iterator[Pixels] = iter(photos)

    def get_next(self) -> dict[str, Pixels] | None:
        """Return the next input; None after the last."""
        photo = next(self._left, None)
        return None if photo is None else {"photo": photo[np.newaxis]}


def engines_of(shipped: Bundle, scratch: Path, photos: list[Pixels]) -> dict[str, Engine]:
    """Open the network in four ways. photos: resized; they set the ranges of ONNX int8."""
    rule, entry = shipped.description.input, shipped.description.backbone
    keras = build_backbone(entry.architecture, rule.width)
    load_weights(shipped.folder / "float_weights.npz", keras)
    exported = onnx_network(entry.architecture, read_float_weights(shipped), rule.width)
    (scratch / "float.onnx").write_bytes(exported)
    quantize_static(
        scratch / "float.onnx",
        scratch / "int8.onnx",
        _Photos(photos),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )
    as_float = rule.model_copy(update={"dtype": "float32"})

    def opened(network: bytes, engine: EngineName, its_input: InputEntry) -> Engine:
        file = scratch / hashlib.sha256(network).hexdigest()
        file.write_bytes(network)
        backbone = BackboneEntry(
            file=file.name,
            sha256=file.name,
            architecture=entry.architecture,
            embedding_size=entry.embedding_size,
            engine=engine,
        )
        update = {"backbone": backbone, "input": its_input}
        description = shipped.description.model_copy(update=update)
        return open_engine(Bundle(scratch, description, {}), 1)

    return {
        LITERT_INT8: open_engine(shipped, 1),
        LITERT_FLOAT: opened(convert_float(keras, rule.width), "litert", as_float),
        ONNX_FLOAT: opened(exported, "onnx", rule),
        ONNX_INT8: opened((scratch / "int8.onnx").read_bytes(), "onnx", rule),
    }


def answers(classifier: Classifier, embeddings: FloatArray) -> list[tuple[str, ...]]:
    """Return each photo's class and the most probable label of each head."""
    batch = classifier.predict_embeddings(embeddings)
    best = [
        np.array(part.head.labels.ids)[part.rule.first].tolist() for part in batch.by_head.values()
    ]
    classes = [photo.label for photo in batch.decided.classes]
    return list(zip(classes, *best, strict=True))


def cosines(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the cosine of each pair of rows."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    result: FloatArray = (a * b).sum(axis=1) / lengths
    return result


def timed(engines: dict[str, Engine], photos: list[Pixels]) -> dict[str, float]:
    """Return photos per second of each engine: the median of runs in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(_TIMED):
        for name, engine in engines.items():
            started = time.perf_counter()
            engine.embed_resized(photos[number % len(photos)])
            seconds[name].append(time.perf_counter() - started)
    return {name: 1 / float(np.median(times[_WARM_UP:])) for name, times in seconds.items()}


def read_photos(folder: Path, limit: int) -> list[Pixels]:
    """Decode photos of a folder, from all of its subfolders evenly."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    chosen = [files[i] for i in np.linspace(0, len(files) - 1, min(limit, len(files))).astype(int)]
    return [decode_photo(path.read_bytes()).pixels for path in chosen]


def main() -> int:
    """Print the table; 1 where the export is not the network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of photos: JPEG or WebP")
    parser.add_argument("--photos", type=int, default=500)
    options = parser.parse_args()
    shipped = open_bundle(DEFAULT_BUNDLE_DIR)
    classifier = Classifier(shipped, PhotoLimits(), 1)
    resized = classifier.encoder.preprocessing.resized
    photos = [resized(pixels) for pixels in read_photos(options.data, options.photos)]
    if len(photos) < 2:
        print(f"{options.data} has no photos.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        every = max(1, len(photos) // _CALIBRATION_PHOTOS)
        engines = engines_of(shipped, Path(scratch), photos[::every])
        embeddings = {
            name: np.stack([engine.embed_resized(photo) for photo in photos])
            for name, engine in engines.items()
        }
        speed = timed(engines, photos[:8])
    reference = embeddings[LITERT_FLOAT]
    right = answers(classifier, reference)
    print(f"{len(photos)} photos; compared with {LITERT_FLOAT}; one core, without decoding")
    print(
        f"{'':14} {'cosine, least':>14} {'mean':>8} {'same class':>11} {'same labels':>12} photos/s"
    )
    for name, values in embeddings.items():
        similarity, theirs = cosines(values, reference), answers(classifier, values)
        same_class = np.mean([a[0] == b[0] for a, b in zip(theirs, right, strict=True)])
        same_all = np.mean([a == b for a, b in zip(theirs, right, strict=True)])
        print(
            f"{name:14} {similarity.min():14.6f} {similarity.mean():8.6f} {same_class:11.1%} "
            f"{same_all:12.1%} {speed[name]:8.1f}"
        )
    least = float(cosines(embeddings[ONNX_FLOAT], reference).min())
    is_same = answers(classifier, embeddings[ONNX_FLOAT]) == right
    if least < MIN_COSINE or not is_same:
        print(f"the export differs: cosine {least:.6f}, same answers: {is_same}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
