"""Replacing an earlier model's predictions for one photo."""

from scene_model.classifier.classify import Classifier
from scene_model.duplicates.missing_hashes import fill_missing_hash
from scene_model.learning.taught_tags import write_taught_tags
from scene_model.library.predictions import predict_stored
from scene_model.library.store import Library


def retag(library: Library, classifier: Classifier, photo_id: str) -> None:
    """Put the model's answers in the place of an earlier model's, in one transaction.

    What people decided stays. Raises as `predict_stored` does; the photo then keeps what it had.
    """
    found = predict_stored(library, classifier, photo_id)
    library.replace_predictions(
        photo_id,
        found.head_predictions,
        classifier.provenance,
        found.new_embedding,
        writers=[write_taught_tags],
    )
    fill_missing_hash(library, photo_id)
