"""Add one file of a watched folder, if it is whole; a moved one keeps its photo."""

from pathlib import Path

from scene_model.classifier.classify import Classifier
from scene_model.errors import OriginalChanged, OriginalMissing, UnreadableFile
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.ingest_photo import ingest_photo, photo_of_file
from scene_model.ingest.quota import Quota
from scene_model.ingest.watch.folder_files import FileStamp, stamp_of
from scene_model.jobs.job import Outcome
from scene_model.library.inventory import MovedFile, update_references
from scene_model.library.store import Library
from scene_model.photos.content import read_content


def ingest_scanned(
    library: Library, classifier: Classifier, file: IncomingFile, quota: Quota
) -> Outcome:
    """Add a file as it was when it was scanned; a photo that the library has is only followed.

    Raises UnreadableFile with the code ``file_changing`` when it has changed since; PhotoError,
    LibraryError or QuotaExceeded.
    """
    path = Path(file.source or "")
    content = read_content(path, classifier.limits)
    if stamp_of(str(path)) != FileStamp(file.file_bytes or 0, file.mtime_ns or 0):
        raise UnreadableFile(
            "The file changed while it was read. It is added once it stays the same.",
            code="file_changing",
        )
    photo = photo_of_file(path, content, file.name, file.uploaded_at)
    reference = path if file.by_reference else None
    if _is_kept(library, photo.id, reference):
        return Outcome(photo.id, was_known=True)
    added = ingest_photo(library, classifier, photo, reference, quota, is_counted=True)
    return Outcome(added.id, added.was_known)


def _is_kept(library: Library, photo_id: str, reference: Path | None) -> bool:
    """Whether the library has a photo and its original, after following a moved original.

    A photo in the trash counts: a scan never brings back what a person removed.
    """
    photo = next(iter(library.records([photo_id])), None)
    if photo is None:
        return False
    if photo.remote_url is not None and photo.trashed_at is None:
        return False  # the file takes the place of the original at the URL
    if photo.reference is None:
        return photo.trashed_at is not None or library.files.has_original(photo)
    if photo.reference == reference:
        return True
    try:
        # Its content, not its size: another file may have taken the name.
        library.files.verified_original(photo)
    except (OriginalMissing, OriginalChanged):
        if reference is None:
            return photo.trashed_at is not None
        update_references(library, [MovedFile(photo_id, photo.reference, reference)])
    return True
