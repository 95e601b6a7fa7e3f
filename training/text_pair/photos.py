"""Labelled photos with their embeddings, kept between runs."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.engines.opened import open_engine
from scene_model.classifier.fitting.splits import Part, read_split
from scene_model.classifier.labels import LabelSet
from training.data import load_source
from training.labelled import SPLITS_DIR
from training.recipe import Recipe
from training.text_pair.captions import Concept

# The heads whose labels people gave to the photos; those of the others are predicted.
LABELLED_HEADS = frozenset({"scenes", "camera", "camsdd"})


@dataclass(frozen=True)
class EmbeddedPhotos:
    """Photos of all sources of a recipe.

    names: "source/CLASS/FILE". labels: ids of the labels that each photo has, first and further
    ones. embeddings: shape (N, embedding), float16.
    """

    names: tuple[str, ...]
    labels: tuple[frozenset[str], ...]
    embeddings: FloatArray

    def of_part(self, part: Part) -> list[int]:
        """Return the positions of a part of the committed split."""
        split = read_split(SPLITS_DIR)
        return [i for i, name in enumerate(self.names) if split.part(name) is part]

    def subset(self, positions: Sequence[int]) -> "EmbeddedPhotos":
        """Return the photos at some positions."""
        return EmbeddedPhotos(
            tuple(self.names[i] for i in positions),
            tuple(self.labels[i] for i in positions),
            self.embeddings[list(positions)],
        )

    def of_source(self, source: str, positions: list[int]) -> list[int]:
        """Keep the positions of one source."""
        return [i for i in positions if self.names[i].startswith(f"{source}/")]


def embedded_photos(
    recipe: Recipe, bundle: Bundle, data_dir: Path, cache_dir: Path
) -> EmbeddedPhotos:
    """Embed the photos of a recipe's sources; embeddings are kept in ``cache_dir``.

    Raises FileNotFoundError when a source is not in ``data_dir``.
    """
    sets = {entry.id: bundle.label_set(entry) for entry in bundle.description.heads}
    names: list[str] = []
    labels: list[frozenset[str]] = []
    embeddings: list[FloatArray] = []
    for source in recipe.sources:
        digest = hashlib.sha256((data_dir / source.file).read_bytes()).hexdigest()[:16]
        file = cache_dir / f"{source.id}-{digest}-{bundle.description.backbone.sha256[:16]}.npz"
        if not file.exists():
            _embed(recipe, source.id, bundle, data_dir, file)
        with np.load(file) as arrays:
            names += arrays["names"].tolist()
            embeddings.append(arrays["embeddings"])
            rows = zip(arrays["labels"].tolist(), arrays["also"].tolist(), strict=True)
            labels += [_ids(sets[source.head], label, also) for label, also in rows]
    return EmbeddedPhotos(tuple(names), tuple(labels), np.concatenate(embeddings))


def with_true_labels(
    shown: FloatArray, concepts: Sequence[Concept], bundle: Bundle, photos: EmbeddedPhotos
) -> FloatArray:
    """Return probabilities with 1 for what a photo is labelled as, its kinds and group too."""
    ids = {
        (head.id, output): label.id
        for head in bundle.description.heads
        for output, label in enumerate(head.labels)
    }
    columns: dict[str, list[int]] = {}
    for column, concept in enumerate(concepts):
        for head_id, output in concept.columns:
            if head_id in LABELLED_HEADS:
                columns.setdefault(ids[head_id, output], []).append(column)
    result = shown.copy()
    for row, photo_labels in enumerate(photos.labels):
        for label in photo_labels:
            result[row, columns[label]] = 1.0
    return result


def _ids(labels: LabelSet, label: str, also: str) -> frozenset[str]:
    by_source_name = {entry.source_name: entry.id for entry in labels.labels}
    further = (name for name in also.split(";") if name in by_source_name)
    return frozenset({by_source_name[label], *(by_source_name[name] for name in further)})


def _embed(recipe: Recipe, source_id: str, bundle: Bundle, data_dir: Path, file: Path) -> None:
    source = next(s for s in recipe.sources if s.id == source_id)
    examples, skipped = load_source(source, data_dir)
    for line in skipped:
        print("skipped", line)
    engine = open_engine(bundle, 2)
    with ThreadPoolExecutor(2) as pool:
        embeddings = list(pool.map(lambda example: engine.embed(example.pixels), examples))
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        file,
        embeddings=np.stack(embeddings).astype(np.float16),
        names=[e.name for e in examples],
        labels=[e.label for e in examples],
        also=[";".join(e.also) for e in examples],
    )
