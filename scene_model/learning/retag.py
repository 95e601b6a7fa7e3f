"""Retagging: replacing an earlier model's predictions for one photo."""

from scene_model.classifier.classify import Classifier
from scene_model.duplicates.missing_hashes import fill_missing_hash
from scene_model.learning.taught_tags import write_taught_tags
from scene_model.library.predictions import predict_stored
from scene_model.library.store import Library


def retag(library: Library, classifier: Classifier, photo_id: str, may_fetch: bool = True) -> None:
    """Replace the predictions of an earlier model in one transaction.

    People's decisions stay. may_fetch: fetch an original at a URL where another network made the
    embedding. Raises the errors of `predict_stored`; the photo is then unchanged.
    """
    prediction = predict_stored(library, classifier, photo_id, may_fetch)
    library.replace_predictions(
        photo_id,
        prediction.head_predictions,
        classifier.provenance,
        prediction.new_embedding,
        writers=[write_taught_tags],
    )
    fill_missing_hash(library, photo_id)
