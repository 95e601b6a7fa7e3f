"""What people corrected, learned: heads of their own on top of the shipped ones, kept or let go.

They are kept with the library as one choice, for the model they were made of alone. With them the
model has another id, so that tagging again, and going back, are what they are for any model.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import select

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
from scene_model.library.embedding_scan import embeddings_of, sample_embeddings, scan_embeddings
from scene_model.library.schema import class_decisions, photos, tag_decisions
from scene_model.library.store import Library

_CHOICE = "personal_heads"


@dataclass(frozen=True)
class PersonalHead:
    """A head as retrained, with what it answers of decided photos, before and after."""

    head: Head
    figures: PersonalFigures


@dataclass(frozen=True)
class HeadCandidates:
    """Heads that were retrained and are not used yet.

    would_change: of so many photos nobody decided about, a head's answer would be another.
    """

    heads: tuple[PersonalHead, ...]
    would_change: int


def correctable_heads(classifier: Classifier) -> list[Head]:
    """The heads whose labels people correct: the class head and the tag head."""
    ids = [classifier.bundle.class_head, classifier.bundle.tag_head]
    return [classifier.heads[head_id] for head_id in dict.fromkeys(ids) if head_id is not None]


def count_corrections(library: Library, classifier: Classifier) -> dict[str, int]:
    """Of how many photos people decided what one of the heads could have said, by head."""
    return {
        head.id: len(_corrections(library, classifier, head)[0])
        for head in correctable_heads(classifier)
    }


def learn_corrections(library: Library, shipped: Classifier) -> HeadCandidates:
    """Retrain the heads on what people decided; nothing is kept.

    shipped: the classifier without personal heads: corrections go on top of it, all of them each
    time. A head with fewer than `MIN_CORRECTIONS` stays as it is; raises TooFewExamples when
    that is so of each.
    """
    made, most, size = list[PersonalHead](), 0, shipped.bundle.backbone.embedding_size
    decided = _decided(library)
    anchors = sample_embeddings(library, shipped.provenance.backbone, size, decided, ANCHORS)
    for head in correctable_heads(shipped):
        ids, corrections = _corrections(library, shipped, head)
        most = max(most, len(ids))
        if len(ids) >= MIN_CORRECTIONS:
            embeddings = embeddings_of(library, shipped.provenance.backbone, size, ids)[1]
            figures = cross_validate(head, embeddings, corrections, anchors)
            made.append(PersonalHead(retrain(head, embeddings, corrections, anchors), figures))
    if not made:
        raise TooFewExamples(
            f"People decided about {most} photos; it takes {MIN_CORRECTIONS}. "
            f"Decide about {MIN_CORRECTIONS - most} more, for instance on the review page."
        )
    return HeadCandidates(tuple(made), _would_change(library, shipped, made, decided))


def save_personal_heads(library: Library, shipped: Classifier, candidate: HeadCandidates) -> None:
    """Keep retrained heads with the library; `with_personal_heads` then finds them."""
    kept = {
        "bundle": shipped.bundle.id,
        "backbone": shipped.provenance.backbone,
        "heads": {
            one.head.id: {
                "kernel": _packed(one.head.weights.kernel),
                "bias": _packed(one.head.weights.bias),
                "figures": asdict(one.figures),
            }
            for one in candidate.heads
        },
    }
    library.choose(_CHOICE, json.dumps(kept))


def delete_personal_heads(library: Library) -> None:
    """Go back to the shipped heads."""
    library.choose(_CHOICE, "")


def personal_figures(library: Library, classifier: Classifier) -> dict[str, PersonalFigures]:
    """What was measured of the personal heads in use, by head; none when none is."""
    heads = _kept(library, classifier)
    return {head_id: PersonalFigures(**kept["figures"]) for head_id, kept in heads.items()}


def with_personal_heads(library: Library, shipped: Classifier) -> Classifier:
    """The classifier with the heads people made of it; itself where there are none."""
    heads, said = [], hashlib.sha256()
    for head_id, kept in _kept(library, shipped).items():
        head = shipped.heads[head_id]
        kernel = _unpacked(kept["kernel"]).reshape(head.weights.kernel.shape)
        heads.append(replace(head, weights=HeadWeights(kernel, _unpacked(kept["bias"]))))
        said.update(kernel.tobytes())
    if not heads:
        return shipped
    return shipped.with_heads(heads, f"+corrected-{said.hexdigest()[:8]}")


def _kept(library: Library, classifier: Classifier) -> Mapping[str, dict[str, Any]]:
    text = library.choice(_CHOICE)
    if not text:
        return {}
    kept = json.loads(text)
    same = (kept["bundle"], kept["backbone"]) == (
        classifier.bundle.id,
        classifier.provenance.backbone,
    )
    heads: dict[str, dict[str, Any]] = kept["heads"]
    return heads if same else {}


def _packed(values: FloatArray) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")


def _unpacked(text: str) -> FloatArray:
    values: FloatArray = np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
    return values


def _decided(library: Library) -> set[str]:
    """Photos of which people said anything."""
    with library.database.reader.begin() as connection:
        query = select(photos.c.id).where(
            photos.c.human_class.is_not(None) | (photos.c.decided_tags > 0)
        )
        return set(connection.execute(query).scalars())


def _corrections(
    library: Library, classifier: Classifier, head: Head
) -> tuple[list[str], list[Correction]]:
    """What people said that this head could have said, of photos the network saw."""
    outputs = {label: place for place, label in enumerate(head.labels.ids)}
    classes, wanted, refused = _said(library)
    is_class_head = head.id == classifier.bundle.class_head
    found: dict[str, Correction] = {}
    for photo_id in dict.fromkeys([*classes, *wanted, *refused]):
        chosen = classes.get(photo_id)
        right = [outputs[label] for label in wanted.get(photo_id, ()) if label in outputs]
        wrong = [outputs[label] for label in refused.get(photo_id, ()) if label in outputs]
        if chosen in outputs:
            right = [outputs[chosen]]
        elif chosen not in (None, UNSURE_CLASS) and is_class_head and head.outside_threshold:
            right = [len(outputs)]  # filed as what this head cannot say: none of its labels
        if right or wrong:
            found[photo_id] = Correction(tuple(right), tuple(wrong))
    size = classifier.bundle.backbone.embedding_size
    ids, _ = embeddings_of(library, classifier.provenance.backbone, size, sorted(found))
    return ids, [found[photo_id] for photo_id in ids]


def _said(
    library: Library,
) -> tuple[dict[str, str], dict[str, list[str]], dict[str, list[str]]]:
    """What people filed photos under, tags they added, tags they rejected; by photo."""
    wanted, refused = dict[str, list[str]](), dict[str, list[str]]()
    with library.database.reader.begin() as connection:
        classes = {row.photo_id: row.label for row in connection.execute(select(class_decisions))}
        for row in connection.execute(select(tag_decisions).order_by(tag_decisions.c.label)):
            side = wanted if row.verdict == "added" else refused
            side.setdefault(row.photo_id, []).append(row.label)
    return classes, wanted, refused


def _would_change(
    library: Library, shipped: Classifier, made: list[PersonalHead], decided: set[str]
) -> int:
    count, size = 0, shipped.bundle.backbone.embedding_size
    for piece in scan_embeddings(library, shipped.provenance.backbone, size):
        changes = np.zeros(len(piece.ids), np.bool_)
        for one in made:
            before = predicted_outputs(shipped.heads[one.head.id], piece.embeddings)
            changes |= before != predicted_outputs(one.head, piece.embeddings)
        count += sum(
            bool(change) and photo_id not in decided
            for photo_id, change in zip(piece.ids, changes, strict=True)
        )
    return count
