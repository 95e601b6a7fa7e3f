"""Add one photo to the library. Uploads, folders, REST batches and the command line all use it."""

import datetime
from collections.abc import Sequence
from pathlib import Path

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.duplicates.hash_neighbours import write_hash_neighbours
from scene_model.duplicates.stacks import write_stack
from scene_model.ingest.quota import NO_QUOTA, Quota
from scene_model.learning.taught_tags import write_taught_tags
from scene_model.library.photo_places import write_place
from scene_model.library.records import Added, NewPhoto
from scene_model.library.store import Library, PhotoWriter
from scene_model.photos.content import Content, content_bytes, read_content
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
    is_remote = photo.remote_url is not None
    if library.holds(photo.id, classifier.bundle_id, is_remote):
        return Added(photo.id, was_known=True)
    # Before the prediction, which is the slowest step.
    is_copied = reference is None and not is_remote
    library.require_space(library.files.copied_bytes(photo.data) if is_copied else 0)
    prediction = classifier.predict(photo.data)
    return store_prediction(
        library, classifier, photo, prediction, reference, quota, is_counted, more_writers
    )


def store_prediction(
    library: Library,
    classifier: Classifier,
    photo: NewPhoto,
    prediction: Prediction,
    reference: Path | None = None,
    quota: Quota = NO_QUOTA,
    is_counted: bool = False,
    more_writers: Sequence[PhotoWriter] = (),
) -> Added:
    """Store a photo with a prediction that was made; arguments as of `ingest_photo`.

    Raises LibraryError or QuotaExceeded.
    """
    # The place last: facts of an export may bring the position.
    writers = (
        *(write_hash_neighbours, write_taught_tags, write_stack, *more_writers),
        write_place(library.gazetteer),
    )
    with quota.one_photo(0 if is_counted else content_bytes(photo.data)):
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
    content = read_content(path, classifier.limits)
    name = (name or path.name).encode("utf-8", "replace").decode("utf-8")
    reference = path.absolute() if by_reference else None
    photo = photo_of_file(path, content, name, added_at)
    return ingest_photo(library, classifier, photo, reference)


def photo_of_file(path: Path, content: Content, name: str, added_at: str) -> NewPhoto:
    """Return a photo of this computer with what its file says: sidecar, folder and time."""
    folder = str(path.absolute().parent).encode("utf-8", "replace").decode("utf-8")
    try:
        seconds = int(path.stat().st_mtime)
        modified_at = datetime.datetime.fromtimestamp(seconds).isoformat()
    except (OSError, ValueError, OverflowError):
        modified_at = None
    rating, taken_at = sidecar_rating(path), sidecar_date(path)
    return NewPhoto(content, name, added_at, rating, folder, modified_at, taken_at)
