"""The photos on which two models are compared, and the predictions of both."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select

from scene_model.classifier.classify import Classifier, HeadPredictions
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.errors import EmbeddingMissing, SceneError, UnusableFolders
from scene_model.learning.model_comparison import (
    ComparedPhoto,
    FailedPhoto,
    Judge,
    Judges,
    Level,
)
from scene_model.learning.personal_heads import people_decisions
from scene_model.library.database.schema import photos
from scene_model.library.records import StoredEmbedding
from scene_model.library.store import Library
from scene_model.photos.content import Content, read_content
from scene_model.photos.sniff import has_picture_name

_SEED = 0
# How many photos without a decision show what would change.
UNDECIDED_SAMPLE = 200
_TIMED_S, _MOST_RUNS, _WARM_UP = 1.5, 24, 2
_TIMED_SIZE = (480, 640)


@dataclass(frozen=True)
class PhotoToCompare:
    """A photo of the library, or a file; truth: what people say it is, if anybody does."""

    name: str
    photo_id: str | None
    path: Path | None
    truth: str | None


def decided_photos(library: Library, limit: int) -> list[PhotoToCompare]:
    """Return photos whose class a person chose, outside the trash: all, or a random sample.

    Classes that rules set, and *unsure*, say nothing about the right label.
    """
    classes = {
        photo_id: label
        for photo_id, label in people_decisions(library)[0].items()
        if label != UNSURE_CLASS
    }
    return _sampled(library, limit, classes)


def undecided_photos(library: Library, limit: int) -> list[PhotoToCompare]:
    """Return a random sample of the photos outside the trash on whose class nobody decided."""
    return _sampled(library, limit, None)


def _sampled(library: Library, limit: int, classes: dict[str, str] | None) -> list[PhotoToCompare]:
    query = select(photos.c.id, photos.c.name).where(photos.c.trashed_at.is_(None))
    is_decided = photos.c.human_class.is_not(None)
    query = query.where(~is_decided if classes is None else is_decided).order_by(photos.c.id)
    with library.database.reader.begin() as connection:
        rows = [row for row in connection.execute(query) if classes is None or row.id in classes]
    chosen = np.random.default_rng(_SEED).permutation(len(rows))[:limit]
    return [
        PhotoToCompare(row.name, row.id, None, None if classes is None else classes[row.id])
        for row in (rows[index] for index in sorted(chosen.tolist()))
    ]


def labelled_files(folder: Path, limit: int) -> list[PhotoToCompare]:
    """Return the pictures of a folder of class folders: all, or a random sample.

    The name of a class folder is what its photos show. Raises UnusableFolders.
    """
    try:
        files = _files_of_classes(folder.expanduser())
    except (OSError, RuntimeError) as error:  # RuntimeError: no user has the name after "~"
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnusableFolders(
            f"{folder} cannot be read: {reason}. Name a folder that you may read."
        ) from error
    if not files:
        raise UnusableFolders(
            f"{folder} has no folders with pictures. Put the photos of each class into a folder "
            "of its own, named as the class."
        )
    chosen = np.random.default_rng(_SEED).permutation(len(files))[:limit]
    return [files[index] for index in sorted(chosen.tolist())]


def _files_of_classes(folder: Path) -> list[PhotoToCompare]:
    if not folder.is_dir():
        raise UnusableFolders(f"There is no folder {folder}. Name one whose folders are classes.")
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    for of_class in classes:
        # `rglob` passes over a folder that it may not read.
        with os.scandir(of_class):
            pass
    return [
        PhotoToCompare(path.relative_to(folder).as_posix(), None, path, of_class.name)
        for of_class in classes
        for path in sorted(of_class.rglob("*"))
        if path.is_file() and has_picture_name(path)
    ]


class Comparer:
    """Predicts photos by two models and judges the answers; safe to share between threads."""

    def __init__(
        self,
        current: Classifier,
        candidate: Classifier,
        library: Library | None = None,
        by_head: bool = False,
    ) -> None:
        """Prepare a comparison. by_head: see `Judge`. library: of photos with an id."""
        self._models = current, candidate
        self._library = library
        self.judges = Judges(Judge(current, by_head), Judge(candidate, by_head))

    def compare(self, photo: PhotoToCompare) -> ComparedPhoto | FailedPhoto:
        """Compare both models on a photo; one that cannot be read fails alone."""
        try:
            current, candidate = self._predictions(photo)
        except SceneError as error:
            return FailedPhoto(photo.name, error)
        level, first, second = self.judges.compare(photo.truth, current, candidate)
        return ComparedPhoto(photo.name, photo.photo_id, photo.truth, level, first, second)

    def require_any_word(self, to_compare: list[PhotoToCompare], folder: Path) -> None:
        """Raise UnusableFolders when no class folder has a name that can be compared."""
        words = sorted({photo.truth for photo in to_compare if photo.truth is not None})
        if all(self.judges.level_of(word) is Level.NONE for word in words):
            raise UnusableFolders(
                f"No folder name in {folder} is a label, or of a group, of both models "
                f"({', '.join(words[:8])}). Name the folders as labels of the page Model."
            )

    def _predictions(self, photo: PhotoToCompare) -> tuple[HeadPredictions, HeadPredictions]:
        stored, content = self._stored(photo), None
        results: list[HeadPredictions] = []
        for model in self._models:
            if stored is not None and model.can_read(stored.provenance):
                results.append(model.predict_embedding(stored.values))
                continue
            content = self._content(photo) if content is None else content
            results.append(model.predict_embedding(model.encoder.encode(content)))
        return results[0], results[1]

    def _stored(self, photo: PhotoToCompare) -> StoredEmbedding | None:
        if self._library is None or photo.photo_id is None:
            return None
        try:
            return self._library.embedding(photo.photo_id)
        except EmbeddingMissing:
            return None

    def _content(self, photo: PhotoToCompare) -> Content:
        if self._library is not None and photo.photo_id is not None:
            return self._library.original_content(photo.photo_id)
        return read_content(photo.path or Path(photo.name), self._models[0].limits)


def photos_per_s(models: tuple[Classifier, Classifier]) -> tuple[float, float]:
    """Return how many pictures a second each network embeds, without decoding, on one core.

    Both run in turns on pictures of noise, for a few seconds; the median counts.
    """
    rng = np.random.default_rng(_SEED)
    picture = rng.integers(0, 256, (*_TIMED_SIZE, 3), np.uint8)
    seconds: tuple[list[float], list[float]] = ([], [])
    ends = time.perf_counter() + 2 * _TIMED_S
    while len(seconds[0]) <= _WARM_UP or (
        len(seconds[0]) < _MOST_RUNS and time.perf_counter() < ends
    ):
        for model, times in zip(models, seconds, strict=True):
            started = time.perf_counter()
            model.encoder.embed(picture)
            times.append(time.perf_counter() - started)
    first, second = (1 / float(np.median(times[_WARM_UP:])) for times in seconds)
    return first, second
