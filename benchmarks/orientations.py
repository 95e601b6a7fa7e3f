"""Compare the predictions for a photo stored in all eight EXIF orientations.

For each photo of a folder: makes eight JPEGs and measures how much the confidence for the six
scenes differs between them. Each file has different JPEG noise, which changes the int8 network's
output.

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
    """Print one line per photo and the number of photos within the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    classifier = Classifier.open(DEFAULT_BUNDLE_DIR, PhotoLimits(), interpreters=1)
    within_limit = same_label = count = 0
    for path in sorted(path for path in folder.rglob("*") if has_picture_name(path)):
        data = path.read_bytes()
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        predictions = [
            classifier.predict(stored_as(upright, o)).head_predictions.class_prediction
            for o in range(1, 9)
        ]
        confidences = [prediction.confidence for prediction in predictions]
        spread = max(confidences) - min(confidences)
        labels = sorted({prediction.label for prediction in predictions})
        print(f"{path.name}  {'/'.join(labels)}  {max(confidences):.3f}  spread {spread:.3f}")
        within_limit += spread <= LIMIT
        same_label += len(labels) == 1
        count += 1
    print(f"within {LIMIT}: {within_limit} of {count}; one label: {same_label} of {count}")


if __name__ == "__main__":
    main()
