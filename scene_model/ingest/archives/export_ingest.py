"""Add one file of an archive or an exported folder, with what another program knew of it."""

import threading
from dataclasses import replace
from pathlib import Path

from scene_model.classifier.classify import Classifier
from scene_model.errors import PhotoError, SceneError
from scene_model.ingest.archives.contents import open_source
from scene_model.ingest.archives.members import Source
from scene_model.ingest.archives.tar_source import TarSource
from scene_model.ingest.incoming import IncomingBatch, done_files
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.ingest_photo import ingest_photo, photo_of_file
from scene_model.ingest.quota import Quota
from scene_model.jobs.job import Outcome
from scene_model.library.albums.imported_albums import fill_album
from scene_model.library.awaited_facts import remove_awaited_facts
from scene_model.library.imported_facts import complete_photo, facts_writer
from scene_model.library.records import NewPhoto
from scene_model.library.store import Library
from scene_model.photos.content import Content, check_named_bytes, read_content
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.names import refusal_by_name


class ExportReader:
    """The archives of one job, each opened when its first file is asked for; thread-safe.

    A file of an archive is copied into the job's folder when its turn comes, so that the archive
    is never unpacked whole.
    """

    def __init__(self, batch: IncomingBatch, limits: PhotoLimits) -> None:
        """Open nothing yet."""
        self._batch, self._limits = batch, limits
        self._lock = threading.Lock()
        self._sources: dict[str, Source] = {}
        outcomes = [done for done in batch.results.values() if done.photo_id is not None]
        self._new = {str(done.photo_id): not done.was_known or done.is_copy for done in outcomes}

    def is_new(self, photo_id: str, is_stored: bool) -> bool:
        """Whether a photo was not in the library when the job met it first.

        is_stored: whether the library has it now.
        """
        with self._lock:
            return self._new.setdefault(photo_id, not is_stored)

    def path(self, file: IncomingFile, library: Library) -> Path:
        """Return the path of a file's bytes, copied from its archive if it is in one.

        Raises PhotoError, LibraryFull or OSError.
        """
        refusal = self._refusal(file)
        if refusal is not None:
            raise refusal
        path = self._batch.path(file)
        if file.member is not None:
            library.require_space(file.file_bytes or 0)
            self._source(file.source or "").copy(file.member, path)
        return path

    def close(self) -> None:
        """Close the archives."""
        with self._lock:
            for source in self._sources.values():
                source.close()
            self._sources.clear()

    def _source(self, path: str) -> Source:
        with self._lock:
            if path not in self._sources:
                source = open_source(Path(path))
                if isinstance(source, TarSource):
                    source.expect(self._targets(path))
                self._sources[path] = source
            return self._sources[path]

    def _targets(self, path: str) -> dict[int, Path]:
        """Return where the files of an archive that are still to be read are copied."""
        return {
            file.member: self._batch.path(file)
            for file in self._batch.files
            if file.source == path and file.member is not None and self._refusal(file) is None
        }

    def _refusal(self, file: IncomingFile) -> SceneError | None:
        """Return why a file is refused by its name or size, before it is copied."""
        try:
            check_named_bytes(file.name, file.file_bytes or 0, self._limits)
        except PhotoError as error:
            return error
        return refusal_by_name(file.name)


def ingest_exported(
    library: Library,
    classifier: Classifier,
    file: IncomingFile,
    reader: ExportReader,
    quota: Quota,
) -> Outcome:
    """Add a file with its facts; a photo that the library has is completed by them.

    A photo in the trash stays there: an export never brings back what a person removed. Raises
    PhotoError, LibraryError, QuotaExceeded or OSError.
    """
    if file.refusal is not None:
        return Outcome(skipped=file.refusal)
    if file.photo_id is not None:
        return _completed(library, file.photo_id, file)
    path = reader.path(file, library)
    photo = _new_photo(file, path, read_content(path, classifier.limits))
    existing = next(iter(library.records([photo.id])), None)
    if existing is not None and existing.trashed_at is not None:
        return Outcome(photo.id, was_known=True)
    is_new = reader.is_new(photo.id, existing is not None)
    reference = path if file.by_reference else None
    writers = () if file.facts is None else (facts_writer(file.facts),)
    added = ingest_photo(
        library, classifier, photo, reference, quota, is_counted=True, more_writers=writers
    )
    if not added.was_known:
        return Outcome(added.id)
    return replace(_completed(library, added.id, file), is_copy=is_new)


def fill_albums(library: Library, batch: IncomingBatch) -> None:
    """Put the photos of a batch that are done into the albums of their facts, one edit each."""
    by_album: dict[str, list[str]] = {}
    for file, outcome in done_files(batch):
        for title in () if file.facts is None else file.facts.albums:
            if outcome.photo_id is not None:
                by_album.setdefault(title, []).append(outcome.photo_id)
    for title, photo_ids in by_album.items():
        fill_album(library, title, photo_ids)


def forget_awaited(library: Library, batch: IncomingBatch) -> None:
    """Remove stored facts whose files have come: their photos have them now."""
    done = [file.awaited for file, outcome in done_files(batch) if outcome.photo_id is not None]
    remove_awaited_facts(library, {key for key in done if key is not None})


def _completed(library: Library, photo_id: str, file: IncomingFile) -> Outcome:
    if file.facts is not None:
        complete_photo(library, photo_id, file.facts)
    return Outcome(photo_id, was_known=True)


def _new_photo(file: IncomingFile, path: Path, content: Content) -> NewPhoto:
    folder = file.shown_path.rpartition("/")[0] or None
    if file.member is None:
        photo = photo_of_file(path, content, file.name, file.uploaded_at)
        return photo if folder is None else replace(photo, folder=folder)
    sidecar_date = None if file.facts is None else file.facts.sidecar_date
    return NewPhoto(
        content,
        file.name,
        file.uploaded_at,
        folder=folder,
        modified_at=file.modified_at,
        sidecar_date=sidecar_date,
    )
