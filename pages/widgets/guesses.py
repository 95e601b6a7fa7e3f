"""The best guess for a photo whose class is unsure, in words."""

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library.records import PhotoRecord


def guess_text(photo: PhotoRecord, vocabulary: Vocabulary) -> str:
    """Return "perhaps: NAME" for a photo whose class is unsure, as plain text.

    Empty for other photos, and for those that an earlier version tagged, without a guess.
    """
    if photo.photo_class != UNSURE_CLASS or photo.guess is None:
        return ""
    return f"perhaps: {vocabulary.display_name(photo.guess)}"
