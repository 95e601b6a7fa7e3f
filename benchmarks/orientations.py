"""How steady answers are when one photo is stored in all eight EXIF orientations.

For each photo of a folder: eight JPEGs of one original, and by how much the six-scene
confidence differs among them. Each way to store it has JPEG noise of its own, which the int8
network passes on.

    python -m benchmarks.orientations FOLDER
"""

import argparse
import io
from pathlib import Path

from PIL import Image, ImageOps

from scene_model.classifier.classify import Classifier
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.sniff import has_picture_name
from tests.pictures import stored_as

LIMIT = 0.03


def main() -> None:
    """Print one line a photo and the share within the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    classifier = Classifier.open(DEFAULT_BUNDLE_DIR, PhotoLimits(), interpreters=1)
    steady = same_label = count = 0
    for path in sorted(path for path in folder.rglob("*") if has_picture_name(path)):
        data = path.read_bytes()
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        predictions = [
            classifier.predict(stored_as(upright, o)).head_predictions.class_prediction
            for o in range(1, 9)
        ]
        confidences = [look.confidence for look in predictions]
        spread = max(confidences) - min(confidences)
        labels = sorted({look.label for look in predictions})
        print(f"{path.name}  {'/'.join(labels)}  {max(confidences):.3f}  spread {spread:.3f}")
        steady += spread <= LIMIT
        same_label += len(labels) == 1
        count += 1
    print(f"within {LIMIT}: {steady} of {count}; one label: {same_label} of {count}")


if __name__ == "__main__":
    main()
