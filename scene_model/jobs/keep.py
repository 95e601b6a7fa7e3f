"""The one way a photo enters the library, whoever brings it: known already, or looked at."""

from pathlib import Path

from scene_model.classifier.classify import Classifier
from scene_model.gallery.records import Added, NewPhoto
from scene_model.gallery.store import Library
from scene_model.photos.fingerprint import content_hash


def look_and_keep(
    library: Library, classifier: Classifier, photo: NewPhoto, reference: Path | None = None
) -> Added:
    """Keep a photo with what the model says of it; one that is known already costs no look.

    reference: the file it was read from, if that is to stay the original.
    Raises PhotoError or LibraryError.
    """
    photo_id = content_hash(photo.data)
    if library.holds(photo_id, classifier.bundle_id):
        return Added(photo_id, was_known=True)
    # Before the look, which costs the most.
    library.require_space(0 if reference else len(photo.data))
    look = classifier.look(photo.data)
    return library.add(photo, look, classifier.provenance, reference)
