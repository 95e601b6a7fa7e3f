"""Photos by a sentence: those whose embedding is like the sentence's vector."""

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select, union_all

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.text.search_model import SearchModel
from scene_model.classifier.text.text_calibration import measured_spread
from scene_model.library.database.schema import backbone_embeddings, photos
from scene_model.library.embeddings.embedding_files import file_name
from scene_model.library.embeddings.unit_vectors import UnitVectors
from scene_model.library.store import Library

# Photos that the spread of scores is measured on.
_SAMPLE = 2_000


def scores_of(
    library: Library, model: SearchModel, sentence: str
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return the numbers of all photos with an embedding, and their scores: 1 is the cut-off."""
    vectors = _vectors(library, model)
    numbers, slots = _slots(library, model)
    products = vectors.products(model.direction(sentence))
    is_there = slots < len(products)
    numbers, slots = numbers[is_there], slots[is_there]
    scores: FloatArray = products[slots] / np.float32(cut_off(library, model))
    return numbers, scores


def cut_off(library: Library, model: SearchModel) -> float:
    """Return the least product of a photo that a sentence describes."""
    spread = model.calibration.spread
    if spread is None:
        vectors = _vectors(library, model)

        def measure() -> float:
            _, slots = _slots(library, model)
            step = max(1, len(slots) // _SAMPLE)
            return measured_spread(model.text, vectors.sample(np.sort(slots)[::step]))

        spread = vectors.measured(measure)
    return model.calibration.spreads * spread


def stamp_of(library: Library, model: SearchModel) -> object:
    """Return a value that changes when embeddings are added."""
    return _vectors(library, model).stamp()


def _vectors(library: Library, model: SearchModel) -> UnitVectors:
    return library.unit_vectors(
        model.key,
        lambda: UnitVectors(
            library.embeddings,
            file_name(model.backbone, model.size),
            model.joint_size,
            lambda embeddings: model.text.project(embeddings),
        ),
    )


def _slots(
    library: Library, model: SearchModel
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the numbers and slots of the photos outside the trash; cached."""
    file = file_name(model.backbone, model.size)
    own = select(photos.c.number, photos.c.embedding_slot.label("slot")).where(
        photos.c.embedding_file == file, photos.c.trashed_at.is_(None)
    )
    beside = (
        select(photos.c.number, backbone_embeddings.c.slot)
        .join(photos, photos.c.number == backbone_embeddings.c.photo)
        .where(backbone_embeddings.c.file == file, photos.c.trashed_at.is_(None))
    )
    both = union_all(own, beside).subquery()
    return library.number_pairs(
        select(func.group_concat(both.c.number), func.group_concat(both.c.slot))
    )
