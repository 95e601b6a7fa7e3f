"""Add the photos of a batch to the library: its embeddings are kept, and no network runs.

A file is read once: to compare it with its hash in the batch, for its metadata and its thumbnail.
It stays where it is, here or at its URL; members of tars are copied. A file that changed since the
batch is an error of that file: its embedding is of other bytes, and `batch` reads it again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier, Provenance
from scene_model.errors import BatchError, BatchRowError, PathNotFound
from scene_model.ingest.ingest_photo import photo_of_file, store_prediction
from scene_model.jobs.in_order import in_order
from scene_model.jobs.job import Skipped, reported_error, skipped
from scene_model.library.records import Added, NewPhoto
from scene_model.library.store import Library
from scene_model.photos.content import Content, content_id
from scene_model.scale.items import SourceItem, TarPlace
from scene_model.scale.read_batch import BatchRow, open_manifest, read_rows
from scene_model.scale.reading.fetcher import Fetcher
from scene_model.scale.reading.urls import is_photo_url, read_url

_MEMBER = re.compile(r"(?P<tar>.*?\.tar)#.", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class AddedRow:
    """The result for one row: what was added, or why nothing was. file: as the batch names it."""

    file: str
    added: Added | None = None
    error: Skipped | None = None


@dataclass(frozen=True)
class BatchAdder:
    """Adds the rows of batches to one library.

    fetcher: reads the files. added_at: ISO 8601 with offset.
    """

    library: Library
    classifier: Classifier
    fetcher: Fetcher
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
        item = _item(file, row)
        with self.fetcher.fetched(item) as fetched:
            content = fetched.content
            if content_id(content) != row.sha256:
                raise BatchRowError(
                    "The file changed since the batch read it. Run the batch again, which reads "
                    "changed files, or add the photo itself: `library add`."
                )
            photo, reference = self._photo(item, content)
            prediction = self.classifier.predict_with(content, embedding)
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

    def _photo(self, item: SourceItem, content: Content) -> tuple[NewPhoto, Path | None]:
        """Return the photo of an item, and its path if it is a file of its own here."""
        file = item.location
        if item.place is not None:  # of a tar, which cannot be opened photo by photo: copied
            name, folder = PurePosixPath(file.rpartition("#")[2]).name, item.place.tar
            return NewPhoto(content, name, self.added_at, folder=folder), None
        if is_photo_url(file):
            place = read_url(file)
            name, folder, url = place.name, place.folder, place.text
            photo = NewPhoto(content, name, self.added_at, folder=folder, remote_url=url)
            return photo, None
        path = Path(file)
        name = path.name.encode("utf-8", "replace").decode("utf-8")
        return photo_of_file(path, content, name, self.added_at), path.absolute()


def _item(file: str, row: BatchRow) -> SourceItem:
    """Return what a row was read from; raises PathNotFound."""
    if is_photo_url(file) and not _MEMBER.match(file):
        return SourceItem(read_url(file).text, size=row.bytes)
    if member := _MEMBER.match(file):
        version, _, offset = row.version.rpartition("@")
        if offset.isdecimal() and row.bytes is not None:
            place = TarPlace(member["tar"], version, int(offset))
            return SourceItem(file, row.version, size=row.bytes, place=place)
    if not Path(file).exists():
        raise PathNotFound(
            "There is no such file. A batch names files as its source was given: run the command "
            "in the folder in which the batch was run."
        )
    return SourceItem(file)
