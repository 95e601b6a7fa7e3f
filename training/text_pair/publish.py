"""Write a text side into a published bundle: network, tokenizer, projection and cut-off."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from scene_model.classifier.bundle import MODEL_CARD_FILE, Bundle, FloatArray, open_bundle
from scene_model.classifier.bundle_network import TextEntry
from scene_model.classifier.fitting.bundle_files import bundle_file, write_description
from scene_model.classifier.fitting.splits import Part
from scene_model.classifier.text.text_calibration import (
    DEFAULT_SPREADS,
    background_vector,
    measured_spread,
)
from scene_model.classifier.text.text_encoder import TextEncoder
from training.model_card import write_model_card
from training.recipe import Recipe
from training.text_pair.captions import Concept, concepts_of, read_glosses
from training.text_pair.fit import TextSide
from training.text_pair.held_out import fit_without
from training.text_pair.photos import EmbeddedPhotos, embedded_photos

NETWORK_FILE, TOKENIZER_FILE = "text.tflite", "tokenizer.json"
PROJECTION_FILE, CALIBRATION_FILE = "image_projection.npz", "text_calibration.json"
CONTEXT_LENGTH = 32
SOURCES = (
    "GloVe 6B: Pennington, Socher and Manning 2014, word vectors, PDDL 1.0",
    "WordNet 3.0 Copyright 2006 by Princeton University, WordNet license",
)
# Of the photos that the names of labels find, this share must have the label.
_RIGHT = 0.7
# The names of labels of these groups, which the photos of the six scenes do not show, must find
# none of these this often.
_NOT_OUTDOORS = frozenset("people animals food documents events sports indoors art".split())
_OUTDOORS, _SILENT = "scenes6", 0.9
_SPREADS = np.arange(DEFAULT_SPREADS, 20.0, 0.25)  # never below serving's own


def publish_text(
    recipe: Recipe,
    data_dir: Path,
    words_dir: Path,
    out_dir: Path,
    models_dir: Path,
    measured: Path | None = None,
) -> Path:
    """Fit a text side to all labels and write it into the recipe's published bundle.

    The rest of the bundle stays as it is. words_dir: GloVe's vectors and WordNet's ``data.noun``.
    measured: figures of `benchmarks.sentences` for the model card. Returns the bundle's folder.
    Raises BundleError, or FileNotFoundError for missing data.
    """
    folder = models_dir / recipe.name
    bundle = open_bundle(folder)
    concepts = concepts_of(bundle, read_glosses(words_dir / "data.noun"))
    photos = embedded_photos(recipe, bundle, data_dir, out_dir / "embeddings")
    side = fit_without((), bundle, concepts, photos, words_dir)
    entry = write_text_side(bundle, side)
    held_back = photos.subset(photos.of_part(Part.CALIBRATION))
    cut_off = calibrate(TextEncoder.open(open_bundle(folder)), held_back, concepts)
    calibration = {"spreads": cut_off.spreads, "spread": cut_off.spread}
    (folder / CALIBRATION_FILE).write_text(json.dumps(calibration) + "\n", encoding="utf-8")
    entry = entry.model_copy(update={"calibration": bundle_file(folder, CALIBRATION_FILE)})
    metrics = {
        "words": len(side.words.words),
        "concepts": len(concepts),
        "photos": len(photos.of_part(Part.TRAIN)),
        "bytes": sum((folder / file.file).stat().st_size for file in entry.files),
        "right": cut_off.right,
        "answered": cut_off.answered,
        "labels": cut_off.labels,
        "silent": cut_off.silent,
        "rows": json.loads(measured.read_text(encoding="utf-8")) if measured is not None else [],
    }
    description = open_bundle(folder).description
    attributions = dict.fromkeys((*description.attributions, *SOURCES))
    description = description.model_copy(
        update={
            "text": entry,
            "metrics": description.metrics | {"text": metrics},
            "attributions": tuple(attributions),
        }
    )
    write_description(folder, description)
    write_model_card(folder / MODEL_CARD_FILE, description, recipe)
    print(f"published the text side of {folder}: {cut_off}")
    return folder


def write_text_side(bundle: Bundle, side: TextSide) -> TextEntry:
    """Write a text side, without a cut-off, into a bundle's folder; returns its entry."""
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
    return entry


def text_network(table: FloatArray) -> bytes:
    """Build the network: the sum of the rows of a text's words; row 0 is padding.

    Rows are stored as int8 with a scale of their own.
    """
    scales = np.abs(table).max(axis=1, keepdims=True) / 127.0
    whole = np.rint(table / np.maximum(scales, 1e-12)).astype(np.int8)
    rows, row_scales = tf.constant(whole), tf.constant(scales.astype(np.float32))

    def encode(input_ids: tf.Tensor) -> tf.Tensor:
        vectors = tf.cast(tf.gather(rows, input_ids), tf.float32) * tf.gather(row_scales, input_ids)
        return tf.reduce_sum(vectors, axis=1)

    signature = [tf.TensorSpec((1, CONTEXT_LENGTH), tf.int32, "input_ids")]
    concrete = tf.function(encode, input_signature=signature).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    content: bytes = converter.convert()
    return content


@dataclass(frozen=True)
class CutOff:
    """From which score on photos are found, see `text_calibration`.

    right: percent of the photos found that have the label, in the mean over the labels that find
    any; answered: these labels; labels: all that were asked. silent: percent of the questions about
    what photos do not show that find none of them.
    """

    spreads: float
    spread: float
    right: float
    answered: int
    labels: int
    silent: float


def calibrate(text: TextEncoder, photos: EmbeddedPhotos, concepts: Sequence[Concept]) -> CutOff:
    """Choose the cut-off on photos that trained nothing: nothing rather than noise.

    The names of the labels that people gave are the questions. The cut-off is the lowest from
    which on enough of the photos found have the label, and enough questions about what the photos
    of six outdoor scenes do not show find none of them.
    """
    vectors = text.project(photos.embeddings.astype(np.float32))
    spread = round(measured_spread(text, vectors), 6)
    names = {c.id.removeprefix("label "): c.english[0] for c in concepts if c.is_label}
    questions = sorted({label for labels in photos.labels for label in labels})
    directions = text.encode([names[label] for label in questions]) - background_vector(text)
    scores = vectors @ directions.T / np.float32(spread)
    is_right = np.array([[q in labels for q in questions] for labels in photos.labels])
    # Only photos of a source whose labels include the question can be right or wrong.
    sources = np.array([name.split("/")[0] for name in photos.names])
    groups = {c.id.removeprefix("label "): c.group for c in concepts if c.is_label}
    is_absent = np.array([groups[label] in _NOT_OUTDOORS for label in questions])
    most_like = scores[np.ix_(sources == _OUTDOORS, is_absent)].max(axis=0)
    for source in dict.fromkeys(sources):
        rows = sources == source
        scores[np.ix_(rows, ~is_right[rows].any(axis=0))] = -np.inf
    for spreads in _SPREADS:
        silent = float((most_like < spreads).mean())
        is_match = scores >= spreads
        answered = is_match.any(axis=0)
        right = (is_match & is_right).sum(axis=0)[answered] / is_match.sum(axis=0)[answered]
        if not answered.any() or (right.mean() >= _RIGHT and silent >= _SILENT):
            break
    return CutOff(
        float(spreads),
        spread,
        round(100 * float(right.mean()), 1) if answered.any() else 0.0,
        int(answered.sum()),
        len(questions),
        round(100 * silent, 1),
    )
