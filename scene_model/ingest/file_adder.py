"""Add the files of batches to a library, each in its way, and record what became of them."""

from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath

from scene_model.classifier.classify import Classifier
from scene_model.errors import LibraryUnavailable
from scene_model.ingest.archives.export_ingest import (
    ExportReader,
    fill_albums,
    forget_awaited,
    ingest_exported,
)
from scene_model.ingest.archives.received import keep_archive
from scene_model.ingest.incoming import IncomingBatch
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.ingest_photo import ingest_photo, photo_of_file
from scene_model.ingest.quota import Quota
from scene_model.ingest.watch.scanned_photo import ingest_scanned
from scene_model.jobs.engine import JobItem
from scene_model.jobs.job import Outcome, skipped_outcome
from scene_model.library.files.file_system import library_error
from scene_model.library.records import NewPhoto
from scene_model.library.store import Library
from scene_model.photos.content import read_content
from scene_model.photos.decode import PhotoLimits

FileListener = Callable[[IncomingFile, Outcome], None]
"""Called with each processed file, from a worker thread."""


class FileAdder:
    """Adds the files of running jobs to one library; thread-safe."""

    def __init__(self, library: Library, quota: Quota) -> None:
        """Begin without a job."""
        self._library, self._quota = library, quota
        self._readers: dict[str, ExportReader] = {}
        self._listeners: dict[str, FileListener] = {}
        self._listener: FileListener | None = None

    def listen(self, listener: FileListener) -> None:
        """Report the files of watched folders from now on."""
        self._listener = listener

    def begin(
        self, batch: IncomingBatch, limits: PhotoLimits, listener: FileListener | None
    ) -> None:
        """Prepare for the files of a batch. listener: called with each processed one."""
        if batch.is_export:
            self._readers[batch.id] = ExportReader(batch, limits)
        if listener is not None:
            self._listeners[batch.id] = listener

    def end(self, batch: IncomingBatch) -> None:
        """Do what is due once for all files of a batch: those of an export go into its albums."""
        self._listeners.pop(batch.id, None)
        reader = self._readers.pop(batch.id, None)
        if reader is not None:
            reader.close()
            fill_albums(self._library, batch)
            forget_awaited(self._library, batch)

    def close(self) -> None:
        """Close the archives that are being read."""
        for reader in list(self._readers.values()):
            reader.close()

    def item(self, classifier: Classifier, batch: IncomingBatch, file: IncomingFile) -> JobItem:
        """Return the work on one file of a batch."""
        return JobItem(
            file.name,
            partial(self._add, classifier, batch, file),
            partial(self._drop, batch, file),
        )

    def _add(self, classifier: Classifier, batch: IncomingBatch, file: IncomingFile) -> Outcome:
        outcome = self._add_and_settle(classifier, batch, file)
        if self._listener is not None and file.mtime_ns is not None:
            self._listener(file, outcome)
        listener = self._listeners.get(batch.id)
        if listener is not None:
            listener(file, outcome)
        return outcome

    def _add_and_settle(
        self, classifier: Classifier, batch: IncomingBatch, file: IncomingFile
    ) -> Outcome:
        """Add a file to the library, and record its outcome on disk."""
        try:
            try:
                outcome = self._ingest(classifier, batch, file)
            except LibraryUnavailable as error:
                # Not the fault of the file: it stays in the folder for a retry.
                return skipped_outcome(file.name, error, is_waiting=True)
            except Exception as error:
                outcome = skipped_outcome(file.name, error)
            batch.settle(file, outcome)
        except OSError as error:
            return self._waiting(file, error)
        return outcome

    def _ingest(self, classifier: Classifier, batch: IncomingBatch, file: IncomingFile) -> Outcome:
        if file.mtime_ns is not None:
            return ingest_scanned(self._library, classifier, file, self._quota)
        if file.is_archive:
            keep_archive(self._library, batch, file)
            return Outcome()
        if batch.is_export:
            reader = self._readers[batch.id]
            return ingest_exported(self._library, classifier, file, reader, self._quota)
        content = read_content(batch.path(file), classifier.limits)
        if file.source is None or file.is_from_inbox:
            folder = str(PurePosixPath(file.shown_path.replace("\\", "/")).parent)
            # Files that were not dropped in a folder have none.
            photo = NewPhoto(
                content, file.name, file.uploaded_at, folder=None if folder == "." else folder
            )
        else:
            photo = photo_of_file(batch.path(file), content, file.name, file.uploaded_at)
        reference = batch.reference(file)
        added = ingest_photo(
            self._library, classifier, photo, reference, self._quota, is_counted=True
        )
        return Outcome(added.id, added.was_known)

    def _drop(self, batch: IncomingBatch, file: IncomingFile) -> Outcome | None:
        try:
            batch.drop(file)
        except OSError as error:
            return self._waiting(file, error)
        return None

    def _waiting(self, file: IncomingFile, error: OSError) -> Outcome:
        problem = library_error(error, self._library.folder)
        return skipped_outcome(file.name, problem, is_waiting=True)
