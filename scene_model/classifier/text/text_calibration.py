"""From which score on a sentence describes a photo.

The cosine of a sentence and a photo is comparable only within one photo: some photos are close to
every sentence. So the score of a photo is its cosine with the sentence less its mean cosine with
neutral background sentences. How far scores of wrong sentences spread is measured on the photos
themselves, with the background sentences in turn as the question; a few of these do describe a
photo, so the spread is that of the median (1.4826 × MAD). The cut-off is a number of such spreads.
"""

import json
from dataclasses import dataclass

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.text.text_encoder import TextEncoder
from scene_model.errors import BundleDamaged

# Nothing rather than noise: of scores with a normal distribution, 3 in 100,000 lie above.
DEFAULT_SPREADS = 4.0
_MAD_TO_DEVIATION = 1.4826
_SMALLEST_SPREAD = 1e-4
BACKGROUND = (
    "a photo",
    "people at a table",
    "a portrait of a woman",
    "a man outdoors",
    "children playing",
    "a crowd in a hall",
    "a dog",
    "a cat on a sofa",
    "a bird on a branch",
    "a horse in a field",
    "a fish under water",
    "an insect on a leaf",
    "a flower in a garden",
    "a tree",
    "a forest path",
    "mountains with snow",
    "a lake at dawn",
    "waves at the beach",
    "a waterfall",
    "a desert",
    "clouds in the sky",
    "a sunset",
    "the night sky",
    "a city street",
    "a tall building",
    "an old church",
    "a bridge over a river",
    "a train at a station",
    "a car on a road",
    "an aeroplane",
    "a boat in a harbour",
    "a bicycle",
    "a kitchen",
    "a bedroom",
    "an office desk",
    "a shop window",
    "a plate of food",
    "a cup of coffee",
    "fruit in a bowl",
    "a cake with candles",
    "a football match",
    "a concert on a stage",
    "a wedding",
    "a page of printed text",
    "a screenshot of a program",
    "a map",
    "a drawing",
    "a machine with tools",
)


@dataclass(frozen=True)
class Calibration:
    """The cut-off of a pair. spreads: how many spreads above the background a photo must be.

    spread: of scores of wrong sentences; None to measure it on the photos of the library.
    """

    spreads: float = DEFAULT_SPREADS
    spread: float | None = None


def read_calibration(bundle: Bundle) -> Calibration:
    """Return the calibration of a bundle, the default where it has none; raises BundleDamaged."""
    entry = None if bundle.description.text is None else bundle.description.text.calibration
    if entry is None:
        return Calibration()
    try:
        values = json.loads(bundle.read(entry))
        spread = values.get("spread")
        calibration = Calibration(
            float(values.get("spreads", DEFAULT_SPREADS)), None if spread is None else float(spread)
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise BundleDamaged(f"{entry.file} is no calibration: {error}.") from error
    numbers = [calibration.spreads, *([] if spread is None else [calibration.spread])]
    if not all(number is not None and 0 < number < 1e6 for number in numbers):
        raise BundleDamaged(
            f"{entry.file} is no calibration: spreads is {calibration.spreads} and spread "
            f"{calibration.spread}; both must be above 0."
        )
    return calibration


def background_vector(text: TextEncoder) -> FloatArray:
    """Return the mean of the background sentences' vectors, float32 (joint,)."""
    mean: FloatArray = text.encode(BACKGROUND).mean(axis=0)
    return mean


def measured_spread(text: TextEncoder, photos: FloatArray) -> float:
    """Measure the spread of scores of wrong sentences on photos' unit vectors, (N, joint).

    Returns a small number above 0 for no photos.
    """
    if not len(photos):
        return _SMALLEST_SPREAD
    cosines = photos @ text.encode(BACKGROUND).T
    count = len(BACKGROUND)
    # Each sentence less the mean of the others.
    scores = (cosines - cosines.mean(axis=1, keepdims=True)) * (count / (count - 1))
    middle = float(np.median(scores))
    deviation = float(np.median(np.abs(scores - middle)))
    return max(_MAD_TO_DEVIATION * deviation, _SMALLEST_SPREAD)
