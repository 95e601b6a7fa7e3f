"""Replacing an earlier model's predictions for one photo."""

from scene_model.classifier.classify import Classifier
from scene_model.duplicates.missing_hashes import fill_fingerprint
from scene_model.learning.taught_tags import write_taught_tags
from scene_model.library.predictions import answer_kept
from scene_model.library.store import Library


def tag_again(library: Library, classifier: Classifier, photo_id: str) -> None:
    """Put the model's answers in the place of an earlier model's, in one transaction.

    What people decided stays. Raises as `answer_kept` does; the photo then keeps what it had.
    """
    found = answer_kept(library, classifier, photo_id)
    library.replace_answers(
        photo_id,
        found.answers,
        classifier.provenance,
        found.new_embedding,
        writers=[write_taught_tags],
    )
    fill_fingerprint(library, photo_id)
