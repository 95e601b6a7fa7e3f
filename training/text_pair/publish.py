"""Write a text side into a published bundle: network, tokenizer, projection and cut-off."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from scene_model.classifier.bundle import Bundle, FloatArray, open_bundle
from scene_model.classifier.bundle_network import TextEntry
from scene_model.classifier.fitting.bundle_files import bundle_file, write_description
from scene_model.classifier.fitting.splits import Part
from scene_model.classifier.text_calibration import (
    DEFAULT_SPREADS,
    background_vector,
    measured_spread,
)
from scene_model.classifier.text_encoder import TextEncoder
from training.recipe import Recipe
from training.text_pair.captions import Concept, concepts_of, read_glosses
from training.text_pair.fit import TextSide
from training.text_pair.held_out import fit_without
from training.text_pair.photos import EmbeddedPhotos, embedded_photos

NETWORK_FILE, TOKENIZER_FILE = "text.tflite", "tokenizer.json"
PROJECTION_FILE, CALIBRATION_FILE = "image_projection.npz", "text_calibration.json"
CONTEXT_LENGTH = 32
# Of all photos that the names of labels find, this share must have the label.
_RIGHT = 0.7
_SPREADS = np.arange(DEFAULT_SPREADS, 20.0, 0.25)


def publish_text(
    recipe: Recipe, data_dir: Path, words_dir: Path, out_dir: Path, models_dir: Path
) -> Path:
    """Fit a text side to all labels and write it into the recipe's published bundle.

    The rest of the bundle stays as it is. words_dir: GloVe's vectors and WordNet's ``data.noun``.
    Returns the bundle's folder. Raises BundleError, or FileNotFoundError for missing data.
    """
    folder = models_dir / recipe.name
    bundle = open_bundle(folder)
    concepts = concepts_of(bundle, read_glosses(words_dir / "data.noun"))
    photos = embedded_photos(recipe, bundle, data_dir, out_dir / "embeddings")
    side = fit_without((), bundle, concepts, photos, words_dir)
    write_text_side(bundle, side)
    held_back = photos.subset(photos.of_part(Part.CALIBRATION))
    text = TextEncoder.open(open_bundle(folder))
    calibration = calibrate(text, held_back, concepts)
    (folder / CALIBRATION_FILE).write_text(json.dumps(calibration) + "\n", encoding="utf-8")
    description = open_bundle(folder).description
    if description.text is not None:
        entry = description.text.model_copy(
            update={"calibration": bundle_file(folder, CALIBRATION_FILE)}
        )
        write_description(folder, description.model_copy(update={"text": entry}))
    print(f"published the text side of {folder}: {calibration}")
    return folder


def write_text_side(bundle: Bundle, side: TextSide) -> None:
    """Write a text side, without a cut-off, into a bundle's folder."""
    folder = bundle.folder
    (folder / NETWORK_FILE).write_bytes(text_network(side.table))
    side.words.tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
    np.savez_compressed(
        folder / PROJECTION_FILE,
        kernel=side.kernel.astype(np.float16),
        bias=side.bias.astype(np.float32),
    )
    entry = TextEntry(
        **bundle_file(folder, NETWORK_FILE).model_dump(),
        engine="litert",
        tokenizer=bundle_file(folder, TOKENIZER_FILE),
        context_length=CONTEXT_LENGTH,
        padding_id=0,
        embedding_size=side.table.shape[1],
        image_projection=bundle_file(folder, PROJECTION_FILE),
    )
    write_description(folder, bundle.description.model_copy(update={"text": entry}))


def text_network(table: FloatArray) -> bytes:
    """Build the network: the sum of the rows of a text's words; row 0 is padding.

    Rows are stored as int8 with a scale of their own.
    """
    scales = np.abs(table).max(axis=1, keepdims=True) / 127.0
    whole = np.rint(table / np.maximum(scales, 1e-12)).astype(np.int8)
    rows, row_scales = tf.constant(whole), tf.constant(scales.astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec((1, CONTEXT_LENGTH), tf.int32, "input_ids")])  # type: ignore[misc]
    def encode(input_ids: tf.Tensor) -> tf.Tensor:
        vectors = tf.cast(tf.gather(rows, input_ids), tf.float32) * tf.gather(row_scales, input_ids)
        return tf.reduce_sum(vectors, axis=1)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([encode.get_concrete_function()])
    content: bytes = converter.convert()
    return content


def calibrate(
    text: TextEncoder, photos: EmbeddedPhotos, concepts: Sequence[Concept]
) -> dict[str, float]:
    """Choose the cut-off on photos that trained nothing: nothing rather than noise.

    The names of the labels that people gave are the questions. The cut-off is the lowest from
    which on enough of all photos found have the label, each label counting the same.
    """
    vectors = text.project(photos.embeddings.astype(np.float32))
    spread = measured_spread(text, vectors)
    background = background_vector(text)
    names = {c.id.removeprefix("label "): c.english[0] for c in concepts if c.is_label}
    questions = sorted({label for labels in photos.labels for label in labels})
    directions = text.encode([names[label] for label in questions]) - background
    scores = vectors @ directions.T / spread
    is_right = np.array([[q in labels for q in questions] for labels in photos.labels])
    for spreads in _SPREADS:
        if _share_right(scores >= spreads, is_right) >= _RIGHT:
            break
    return {"spreads": float(spreads), "spread": round(spread, 6)}


def _share_right(is_found: npt.NDArray[np.bool_], is_right: npt.NDArray[np.bool_]) -> float:
    found = is_found.sum(axis=0)
    answered = found > 0
    if not answered.any():
        return 1.0
    return float(((is_found & is_right).sum(axis=0)[answered] / found[answered]).mean())
