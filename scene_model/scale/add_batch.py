"""Add the photos of a batch to the library: its embeddings are kept, and no network runs.

A file is read once: to compare it with its hash in the batch, for its metadata and its thumbnail.
It stays where it is, here or at its URL. A file that changed since the batch is an error of that
file: its embedding is of other bytes, and `batch` reads it again.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier, Provenance
from scene_model.errors import BatchError, BatchRowError, FileTooLarge, PathNotFound
from scene_model.ingest.ingest_photo import photo_of_file, store_prediction
from scene_model.ingest.stores.fetched_content import fetched_content
from scene_model.ingest.stores.urls import is_url, read_url
from scene_model.jobs.in_order import in_order
from scene_model.jobs.job import Skipped, reported_error, skipped
from scene_model.library.records import Added, NewPhoto
from scene_model.library.remote_originals import FetchOriginal
from scene_model.library.store import Library
from scene_model.photos.content import Content, content_id, most_bytes, read_content
from scene_model.scale.read_batch import BatchRow, open_manifest, read_rows

_CHANGED = (
    "The file changed since the batch read it. Run the batch again, which reads changed files, or "
    "add the photo itself: `library add`."
)


@dataclass(frozen=True)
class AddedRow:
    """The result for one row: what was added, or why nothing was. file: as the batch names it."""

    file: str
    added: Added | None = None
    error: Skipped | None = None


@dataclass(frozen=True)
class BatchAdder:
    """Adds the rows of batches to one library.

    fetch: fetches files at URLs. added_at: ISO 8601 with offset.
    """

    library: Library
    classifier: Classifier
    fetch: FetchOriginal
    added_at: str

    def add(self, out: str, workers: int) -> Iterator[AddedRow]:
        """Add the photos of an output, a folder or URL; yields each row's result, in order.

        Raises BatchError where no row can be added: no batch, another network, no embeddings.
        """
        self._require_usable(out)
        yield from in_order(read_rows(out), self._result, workers)

    def _require_usable(self, out: str) -> None:
        model = open_manifest(out).model
        if not model.with_embeddings:
            raise BatchError(
                f"{out} was written with --no-embeddings, which the library needs. Run the batch "
                "without it into another output, or add the photos themselves: `library add`.",
                code="batch_without_embeddings",
            )
        if not self.classifier.can_read(Provenance(model.bundle, model.backbone)):
            raise BatchError(
                f"The embeddings in {out} are of the network {model.backbone} ({model.bundle}); "
                f"the library's model has {self.classifier.provenance.backbone} "
                f"({self.classifier.bundle_id}). Choose that model on the page Model, or add the "
                "photos themselves: `library add`.",
                code="batch_differs",
            )

    def _result(self, row: BatchRow) -> AddedRow:
        """Add the photo of a row; an error is the result of this row alone."""
        file = str(row.record["file"])
        if failed := row.record["error"]:
            return AddedRow(file, error=Skipped(file, failed["code"], failed["message"]))
        try:
            return AddedRow(file, self._added(file, row))
        except Exception as error:
            return AddedRow(file, error=skipped(file, reported_error(error)))

    def _added(self, file: str, row: BatchRow) -> Added:
        # Without reading the file: a photo that is stored already costs a look into the database.
        if row.sha256 and self.library.holds(row.sha256, self.classifier.bundle_id, is_remote=True):
            return Added(row.sha256, was_known=True)
        embedding = self._embedding(row)
        with self._content(file, row) as content:
            if content_id(content) != row.sha256:
                raise BatchRowError(_CHANGED)
            photo = self._photo(file, content)
            prediction = self.classifier.predict_with(content, embedding)
            reference = None if photo.remote_url else Path(file).absolute()
            return store_prediction(self.library, self.classifier, photo, prediction, reference)

    def _embedding(self, row: BatchRow) -> FloatArray:
        size = self.classifier.bundle.backbone.embedding_size
        values = row.embedding
        if values is None or values.shape != (size,) or not np.isfinite(values).all():
            raise BatchRowError(
                f"The row has no embedding of {size:,} numbers. Run the batch again, or add the "
                "photo itself: `library add`.",
                code="embedding_unusable",
            )
        return values.astype(np.float32)

    @contextlib.contextmanager
    def _content(self, file: str, row: BatchRow) -> Iterator[Content]:
        limits = self.classifier.limits
        if is_url(file):
            max_bytes = row.bytes or most_bytes(read_url(file).name, limits)
            try:
                with fetched_content(self.library, self.fetch, file, limits, max_bytes) as content:
                    yield content
            except FileTooLarge as error:
                raise BatchRowError(_CHANGED) from error
            return
        path = Path(file)
        if not path.exists():
            raise _not_here(file)
        yield read_content(path, limits)

    def _photo(self, file: str, content: Content) -> NewPhoto:
        if is_url(file):
            place = read_url(file)
            name, folder, url = place.name, place.folder, place.text
            return NewPhoto(content, name, self.added_at, folder=folder, remote_url=url)
        path = Path(file)
        name = path.name.encode("utf-8", "replace").decode("utf-8")
        return photo_of_file(path, content, name, self.added_at)


def _not_here(file: str) -> Exception:
    if "#" in file and Path(file.partition("#")[0]).is_file():
        return BatchRowError(
            "The photo is in an archive, not a file of its own. Add the archive: `library add`.",
            code="photo_in_archive",
        )
    return PathNotFound(
        "There is no such file. A batch names files as its source was given: run the command in "
        "the folder in which the batch was run."
    )
