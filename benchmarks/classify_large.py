"""Classify 24 photos of 12 megapixels, compared with a simple Keras pipeline.

The reference decodes each photo at full size with Pillow, resizes it, and predicts one photo at a
time with Keras. Ours is `Classifier.predict`, which also reads EXIF and runs every head.

    python -m benchmarks.classify_large [--rounds 3]
"""

import argparse
import io
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
from PIL import Image

from benchmarks.photos import PHOTOS, SIZE, make_photos
from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.classify import Classifier
from scene_model.config import DEFAULT_BUNDLE_DIR, PROJECT_DIR
from scene_model.photos.decode import PhotoLimits
from training.architectures import build_backbone
from training.starting_weights import load_weights


def keras_pipeline() -> Callable[[bytes], int]:
    """Return a predictor with the float Keras model of the same bundle."""
    bundle = open_bundle(DEFAULT_BUNDLE_DIR)
    weights = bundle.head_weights["scenes"]
    backbone = build_backbone(bundle.description.backbone.architecture, 224)
    load_weights(DEFAULT_BUNDLE_DIR / "float_weights.npz", backbone)
    dense = keras.layers.Dense(weights.kernel.shape[1], activation="softmax")
    model = keras.Sequential([backbone, dense])
    dense.set_weights([weights.kernel, weights.bias])

    def predict(data: bytes) -> int:
        picture = Image.open(io.BytesIO(data)).convert("RGB").resize((224, 224))
        pixels = np.asarray(picture, np.float32)[np.newaxis] / 127.5 - 1.0
        return int(model.predict(pixels, verbose=0).argmax())

    return predict


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    photos = make_photos(PROJECT_DIR / "tests" / "assets")
    workers = os.cpu_count() or 1
    classifier = Classifier.open(DEFAULT_BUNDLE_DIR, PhotoLimits(), workers)
    reference = keras_pipeline()
    print(f"{PHOTOS} photos of {SIZE[0]}×{SIZE[1]}, {sum(map(len, photos)) / 1e6:.0f} MB")
    ratios = []
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(classifier.predict, photos[: 2 * workers]))  # warm up both
        reference(photos[0])
        for _ in range(rounds):
            ours_s = seconds(lambda: list(pool.map(classifier.predict, photos)))
            keras_s = seconds(lambda: [reference(photo) for photo in photos])
            ratios.append(keras_s / ours_s)
            print(
                f"ours {PHOTOS / ours_s:6.1f} photos/s   Keras {PHOTOS / keras_s:6.1f} photos/s   "
                f"ratio {ratios[-1]:.1f}"
            )
    print(f"median ratio {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    main()
