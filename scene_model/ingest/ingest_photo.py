"""Add one photo to the library. Uploads, folders, REST batches and the command line all use it."""

import datetime
from collections.abc import Sequence
from pathlib import Path

from scene_model.classifier.classify import Classifier
from scene_model.duplicates.hash_neighbours import write_hash_neighbours
from scene_model.ingest.quota import NO_QUOTA, Quota
from scene_model.learning.taught_tags import write_taught_tags
from scene_model.library.records import Added, NewPhoto
from scene_model.library.store import Library, PhotoWriter
from scene_model.photos.decode import read_photo_file
from scene_model.photos.hashes import content_hash
from scene_model.photos.xmp import sidecar_date, sidecar_rating


def ingest_photo(
    library: Library,
    classifier: Classifier,
    photo: NewPhoto,
    reference: Path | None = None,
    quota: Quota = NO_QUOTA,
    is_counted: bool = False,
    more_writers: Sequence[PhotoWriter] = (),
) -> Added:
    """Store a photo with the model's prediction; a photo already stored costs no prediction.

    reference: the file it was read from, if that is to stay the original. is_counted: its bytes
    counted when they were received, and the received file is removed when the photo is stored.
    more_writers: called when the photo is stored, in the same transaction.
    Raises PhotoError, LibraryError or QuotaExceeded.
    """
    photo_id = content_hash(photo.data)
    if library.holds(photo_id, classifier.bundle_id):
        return Added(photo_id, was_known=True)
    # Before the prediction, which is the slowest step.
    library.require_space(0 if reference else len(photo.data))
    prediction = classifier.predict(photo.data)
    writers = (write_hash_neighbours, write_taught_tags, *more_writers)
    with quota.one_photo(0 if is_counted else len(photo.data)):
        return library.add(photo, prediction, classifier.provenance, reference, writers)


def ingest_file(
    library: Library,
    classifier: Classifier,
    path: Path,
    added_at: str,
    by_reference: bool = False,
    name: str | None = None,
) -> Added:
    """Read a file of this computer and ingest it, with the rating in its sidecar.

    added_at: ISO 8601 with offset. by_reference: the file stays the original; no copy is made.
    name: of the photo; default: that of the file.
    Raises PhotoError or LibraryError.
    """
    data = read_photo_file(path, classifier.limits)
    name = (name or path.name).encode("utf-8", "replace").decode("utf-8")
    reference = path.absolute() if by_reference else None
    photo = photo_of_file(path, data, name, added_at)
    return ingest_photo(library, classifier, photo, reference)


def photo_of_file(path: Path, data: bytes, name: str, added_at: str) -> NewPhoto:
    """Return a photo of this computer with what its file says: sidecar, folder and time."""
    folder = str(path.absolute().parent).encode("utf-8", "replace").decode("utf-8")
    try:
        seconds = int(path.stat().st_mtime)
        modified_at = datetime.datetime.fromtimestamp(seconds).isoformat()
    except (OSError, ValueError, OverflowError):
        modified_at = None
    rating, taken_at = sidecar_rating(path), sidecar_date(path)
    return NewPhoto(data, name, added_at, rating, folder, modified_at, taken_at)
