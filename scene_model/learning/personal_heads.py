"""Personal heads: the shipped heads retrained on people's corrections.

They are stored in the library as one choice and apply only to the model they were trained on. A
model with personal heads has an id of its own, so retagging and going back work as for any model.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import literal, select

from scene_model.classifier.bundle import FloatArray, HeadWeights
from scene_model.classifier.classify import Classifier
from scene_model.classifier.heads import Head
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.personal_head import (
    ANCHORS,
    MIN_CORRECTIONS,
    Correction,
    PersonalFigures,
    cross_validate,
    predicted_outputs,
    retrain,
)
from scene_model.errors import TooFewExamples
from scene_model.library.database.schema import class_decisions, photos, tag_decisions
from scene_model.library.edits import CLASS, TAG, is_only_by_rule
from scene_model.library.embeddings.embedding_scan import (
    embeddings_of,
    sample_embeddings,
    scan_embeddings,
)
from scene_model.library.store import Library

_CHOICE = "personal_heads"


@dataclass(frozen=True)
class PersonalHead:
    """A retrained head. figures: its accuracy on corrected photos, before and after."""

    head: Head
    figures: PersonalFigures


@dataclass(frozen=True)
class HeadCandidates:
    """Retrained heads that are not in use yet.

    would_change: number of photos without a decision for which a head's prediction would change.
    """

    heads: tuple[PersonalHead, ...]
    would_change: int


def correctable_heads(classifier: Classifier) -> list[Head]:
    """Return the heads whose labels people can correct: the class head and the tag head."""
    ids = [classifier.bundle.class_head, classifier.bundle.tag_head]
    return [classifier.heads[head_id] for head_id in dict.fromkeys(ids) if head_id is not None]


def count_corrections(library: Library, classifier: Classifier) -> dict[str, int]:
    """Count the photos with a decision on a label of a head, by head."""
    return {
        head.id: len(_corrections(library, classifier, head)[0])
        for head in correctable_heads(classifier)
    }


def learn_corrections(library: Library, shipped: Classifier) -> HeadCandidates:
    """Retrain the heads on people's decisions; nothing is saved.

    shipped: the classifier without personal heads; each training starts from it with all
    corrections. A head with fewer than `MIN_CORRECTIONS` is not retrained; raises TooFewExamples
    if no head has enough.
    """
    retrained, most, size = list[PersonalHead](), 0, shipped.bundle.backbone.embedding_size
    decided = _decided_ids(library)
    anchors = sample_embeddings(library, shipped.provenance.backbone, size, decided, ANCHORS)
    for head in correctable_heads(shipped):
        ids, corrections = _corrections(library, shipped, head)
        most = max(most, len(ids))
        if len(ids) >= MIN_CORRECTIONS:
            embeddings = embeddings_of(library, shipped.provenance.backbone, size, ids)[1]
            figures = cross_validate(head, embeddings, corrections, anchors)
            personal = retrain(head, embeddings, corrections, anchors)
            retrained.append(PersonalHead(personal, figures))
    if not retrained:
        raise TooFewExamples(
            f"There are {most} corrected photos; {MIN_CORRECTIONS} are needed. "
            f"Correct {MIN_CORRECTIONS - most} more, for instance on the Review page."
        )
    would_change = _count_changes(library, shipped, retrained, decided)
    return HeadCandidates(tuple(retrained), would_change)


def save_personal_heads(library: Library, shipped: Classifier, candidate: HeadCandidates) -> None:
    """Store retrained heads in the library, for `with_personal_heads`."""
    stored = {
        "bundle": shipped.bundle.id,
        "backbone": shipped.provenance.backbone,
        "heads": {
            personal.head.id: {
                "kernel": _encoded(personal.head.weights.kernel),
                "bias": _encoded(personal.head.weights.bias),
                "figures": asdict(personal.figures),
            }
            for personal in candidate.heads
        },
    }
    library.choose(_CHOICE, json.dumps(stored))


def delete_personal_heads(library: Library) -> None:
    """Delete the personal heads; the shipped heads apply again."""
    library.choose(_CHOICE, "")


def personal_figures(library: Library, classifier: Classifier) -> dict[str, PersonalFigures]:
    """Return the figures of the personal heads in use, by head id; empty without any."""
    heads = _stored_heads(library, classifier)
    return {head_id: PersonalFigures(**stored["figures"]) for head_id, stored in heads.items()}


def with_personal_heads(library: Library, shipped: Classifier) -> Classifier:
    """Return the classifier with its personal heads; `shipped` itself without any."""
    heads, digest = [], hashlib.sha256()
    for head_id, stored in _stored_heads(library, shipped).items():
        head = shipped.heads[head_id]
        kernel = _decoded(stored["kernel"]).reshape(head.weights.kernel.shape)
        heads.append(replace(head, weights=HeadWeights(kernel, _decoded(stored["bias"]))))
        digest.update(kernel.tobytes())
    if not heads:
        return shipped
    return shipped.with_heads(heads, f"+corrected-{digest.hexdigest()[:8]}")


def _stored_heads(library: Library, classifier: Classifier) -> Mapping[str, dict[str, Any]]:
    text = library.choice(_CHOICE)
    if not text:
        return {}
    stored = json.loads(text)
    is_same_model = (stored["bundle"], stored["backbone"]) == (
        classifier.bundle.id,
        classifier.provenance.backbone,
    )
    heads: dict[str, dict[str, Any]] = stored["heads"]
    return heads if is_same_model else {}


def _encoded(values: FloatArray) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")


def _decoded(text: str) -> FloatArray:
    values: FloatArray = np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
    return values


def _decided_ids(library: Library) -> set[str]:
    """Return the photos with a person's decision on the class or a tag."""
    with library.database.reader.begin() as connection:
        query = select(photos.c.id).where(
            photos.c.human_class.is_not(None) | (photos.c.decided_tags > 0)
        )
        return set(connection.execute(query).scalars())


def _corrections(
    library: Library, classifier: Classifier, head: Head
) -> tuple[list[str], list[Correction]]:
    """Return the photos with decisions on labels of a head, and the corrections.

    Photos without an embedding by this network are left out.
    """
    outputs = {label: index for index, label in enumerate(head.labels.ids)}
    classes, added, rejected = people_decisions(library)
    is_class_head = head.id == classifier.bundle.class_head
    corrections: dict[str, Correction] = {}
    for photo_id in dict.fromkeys([*classes, *added, *rejected]):
        chosen_class = classes.get(photo_id)
        right = [outputs[label] for label in added.get(photo_id, ()) if label in outputs]
        wrong = [outputs[label] for label in rejected.get(photo_id, ()) if label in outputs]
        if chosen_class in outputs:
            right = [outputs[chosen_class]]
        elif chosen_class not in (None, UNSURE_CLASS) and is_class_head and head.outside_threshold:
            right = [len(outputs)]  # a class this head does not have: the output for "outside"
        if right or wrong:
            corrections[photo_id] = Correction(tuple(right), tuple(wrong))
    size = classifier.bundle.backbone.embedding_size
    ids, _ = embeddings_of(library, classifier.provenance.backbone, size, sorted(corrections))
    return ids, [corrections[photo_id] for photo_id in ids]


def people_decisions(
    library: Library,
) -> tuple[dict[str, str], dict[str, list[str]], dict[str, list[str]]]:
    """Return people's classes, added tags and rejected tags, by photo id.

    Not those that standing rules gave: most follow from what the model says itself.
    """
    added, rejected = dict[str, list[str]](), dict[str, list[str]]()
    classes_of_people = select(class_decisions).where(
        ~is_only_by_rule(CLASS, class_decisions.c.photo_id, literal(""))
    )
    tags_of_people = (
        select(tag_decisions)
        .where(~is_only_by_rule(TAG, tag_decisions.c.photo_id, tag_decisions.c.label))
        .order_by(tag_decisions.c.label)
    )
    with library.database.reader.begin() as connection:
        classes = {row.photo_id: row.label for row in connection.execute(classes_of_people)}
        for row in connection.execute(tags_of_people):
            tags = added if row.verdict == "added" else rejected
            tags.setdefault(row.photo_id, []).append(row.label)
    return classes, added, rejected


def _count_changes(
    library: Library, shipped: Classifier, retrained: list[PersonalHead], decided: set[str]
) -> int:
    count, size = 0, shipped.bundle.backbone.embedding_size
    for chunk in scan_embeddings(library, shipped.provenance.backbone, size):
        changes = np.zeros(len(chunk.ids), np.bool_)
        for personal in retrained:
            before = predicted_outputs(shipped.heads[personal.head.id], chunk.embeddings)
            changes |= before != predicted_outputs(personal.head, chunk.embeddings)
        count += sum(
            bool(change) and photo_id not in decided
            for photo_id, change in zip(chunk.ids, changes, strict=True)
        )
    return count
