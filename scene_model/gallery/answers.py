"""What the model in use says of a photo the library keeps."""

from dataclasses import dataclass

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Answers, Classifier
from scene_model.errors import EmbeddingMissing
from scene_model.gallery.fingerprints import fill_fingerprint
from scene_model.gallery.store import Library


@dataclass(frozen=True)
class KeptPhotoAnswers:
    """All heads' answers for a kept photo.

    new_embedding: what the network saw, when it had to look again; None when the kept embedding
    was its own, and whole.
    """

    answers: Answers
    new_embedding: FloatArray | None


def answer_kept(library: Library, classifier: Classifier, photo_id: str) -> KeptPhotoAnswers:
    """Answer from the kept embedding if this network made it, else look at the original again.

    Raises PhotoNotFound; and, looking again, OriginalMissing, OriginalChanged or PhotoError.
    """
    try:
        kept = library.embedding(photo_id)
    except EmbeddingMissing:
        kept = None
    if kept is not None and classifier.can_read(kept.seen_by):
        return KeptPhotoAnswers(classifier.answer(kept.values), None)
    look = classifier.look(library.original_bytes(photo_id))
    return KeptPhotoAnswers(look.answers, look.embedding)


def tag_again(library: Library, classifier: Classifier, photo_id: str) -> None:
    """Put the model's answers in the place of an earlier model's, in one transaction.

    What people decided stays. Raises as `answer_kept` does; the photo then keeps what it had.
    """
    found = answer_kept(library, classifier, photo_id)
    library.replace_answers(photo_id, found.answers, classifier.provenance, found.new_embedding)
    fill_fingerprint(library, photo_id)
