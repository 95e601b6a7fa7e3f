"""Retag one photo as an item of a job."""

from scene_model.classifier.classify import Classifier
from scene_model.jobs.job import Outcome, skipped_outcome
from scene_model.learning.retag import retag
from scene_model.library.store import Library


def retag_photo(library: Library, classifier: Classifier, photo_id: str) -> Outcome:
    """Retag a photo by a classifier; an error is the outcome of this photo alone."""
    try:
        retag(library, classifier, photo_id)
    except Exception as error:
        names = [photo.name for photo in library.records([photo_id])]
        return skipped_outcome(names[0] if names else photo_id[:12], error)
    return Outcome(photo_id, was_known=True)
