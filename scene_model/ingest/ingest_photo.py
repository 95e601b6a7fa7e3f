"""The one way a photo enters the library, whoever brings it: known already, or looked at."""

from pathlib import Path

from scene_model.classifier.classify import Classifier
from scene_model.duplicates.hash_neighbours import write_hash_neighbours
from scene_model.learning.taught_tags import write_taught_tags
from scene_model.library.records import Added, NewPhoto
from scene_model.library.store import Library
from scene_model.photos.hashes import content_hash


def ingest_photo(
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
    look = classifier.predict(photo.data)
    writers = (write_hash_neighbours, write_taught_tags)
    return library.add(photo, look, classifier.provenance, reference, writers)
