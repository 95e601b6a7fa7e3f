"""Tags that people teach by examples: trained on stored embeddings, previewed, then saved."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from sqlalchemy import Connection, Row, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.classifier.labels import TAUGHT
from scene_model.classifier.taught_head import (
    MAX_EXAMPLES,
    MIN_EXAMPLES,
    OTHERS,
    TaughtFigures,
    TaughtHead,
    teach,
)
from scene_model.classifier.text.search_model import SearchModel
from scene_model.errors import TooFewExamples
from scene_model.library.database.schema import automatic_tags, taught_tags
from scene_model.library.edits import add_tag, clean_tag
from scene_model.library.embeddings.embedding_scan import (
    embeddings_of,
    sample_embeddings,
    scan_embeddings,
)
from scene_model.library.records import WrittenPhoto
from scene_model.library.store import Library

TAGGED_FROM = 0.5
_ID_BATCH = 500
_TAUGHT = select(taught_tags).where(taught_tags.c.backbone == bindparam("backbone"))


@dataclass(frozen=True)
class TagMatch:
    """A photo and the probability that it shows a taught tag."""

    photo_id: str
    probability: float


@dataclass(frozen=True)
class TagCandidate:
    """A trained tag that is not saved yet.

    would_tag: the photos it would tag, without the examples. nearly: the photos closest below the
    threshold, for checking. Both are sorted by probability, highest first.
    """

    label: str
    examples: tuple[str, ...]
    counterexamples: tuple[str, ...]
    head: TaughtHead
    figures: TaughtFigures
    would_tag: list[TagMatch] = field(default_factory=list)
    nearly: list[TagMatch] = field(default_factory=list)


@dataclass(frozen=True)
class TaughtTag:
    """A saved tag. figures: of its training. is_current: made for a network in use.

    sentence: what it was made from, instead of examples; see `word_labels`.
    """

    label: str
    examples: tuple[str, ...]
    counterexamples: tuple[str, ...]
    figures: TaughtFigures
    made_at: str
    is_current: bool
    sentence: str | None = None


def fit_tag(
    library: Library,
    classifier: Classifier,
    label: str,
    examples: Sequence[str],
    counterexamples: Sequence[str] = (),
    nearly: int = 12,
) -> TagCandidate:
    """Train a tag on photos that show it and photos that do not; nothing is saved.

    nearly: maximum number of `TagCandidate.nearly`. Raises InvalidTag; and TooFewExamples if fewer
    than `MIN_EXAMPLES` examples have an embedding by this network.
    """
    label, size = clean_tag(label), classifier.bundle.backbone.embedding_size
    backbone = classifier.provenance.backbone
    example_ids, example_embeddings = embeddings_of(
        library, backbone, size, list(dict.fromkeys(examples))
    )
    counter_ids, counter_embeddings = embeddings_of(
        library, backbone, size, [i for i in counterexamples if i not in set(example_ids)]
    )
    if len(example_ids) < MIN_EXAMPLES:
        raise TooFewExamples(
            f"“{label}” has {len(example_ids)} examples with an embedding of the model in use; "
            f"{MIN_EXAMPLES} to {MAX_EXAMPLES} are needed. Select more photos that show it."
        )
    trained_ids = {*example_ids, *counter_ids}
    background = sample_embeddings(library, backbone, size, trained_ids, OTHERS)
    head, figures = teach(example_embeddings, counter_embeddings, background)
    would_tag, below = list[TagMatch](), list[TagMatch]()
    for chunk in scan_embeddings(library, backbone, size):
        probabilities = head.probabilities(chunk.embeddings)
        for photo_id, probability in zip(chunk.ids, probabilities, strict=True):
            if photo_id not in trained_ids:
                matches = would_tag if probability >= TAGGED_FROM else below
                matches.append(TagMatch(photo_id, float(probability)))
        below = sorted(below, key=lambda match: -match.probability)[:nearly]
    return TagCandidate(
        label,
        tuple(example_ids),
        tuple(counter_ids),
        head,
        figures,
        sorted(would_tag, key=lambda match: -match.probability),
        below,
    )


def save_taught_tag(library: Library, classifier: Classifier, candidate: TagCandidate) -> int:
    """Save a trained tag and tag all photos with it; photos added later get it too.

    The examples get it as a tag that a person added. Returns the number of other tagged photos.
    """
    now = datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds")
    backbone = classifier.provenance.backbone
    row = {
        "label": candidate.label,
        "backbone": backbone or "",
        "kernel": candidate.head.kernel.astype("<f4").tobytes(),
        "bias": candidate.head.bias,
        "threshold": candidate.head.threshold,
        "told": json.dumps(
            {
                "examples": candidate.examples,
                "counterexamples": candidate.counterexamples,
                "figures": asdict(candidate.figures),
            }
        ),
        "made_at": now,
    }
    size = classifier.bundle.backbone.embedding_size
    chunks = scan_embeddings(library, backbone, size)
    with library.database.writer.begin() as connection:
        connection.execute(
            insert(taught_tags).values(row).on_conflict_do_update(["label", "backbone"], set_=row)
        )
        for chunk in chunks:
            write_taught_tag(
                connection, candidate.label, candidate.head, chunk.ids, chunk.embeddings, now
            )
    add_tag(library, candidate.examples, candidate.label)
    return len(candidate.would_tag)


def delete_taught_tag(library: Library, label: str) -> None:
    """Delete a taught tag and its automatic tags; tags that people added stay."""
    with library.database.writer.begin() as connection:
        connection.execute(delete(taught_tags).where(taught_tags.c.label == label))
        connection.execute(
            delete(automatic_tags).where(
                automatic_tags.c.head == TAUGHT, automatic_tags.c.label == label
            )
        )


def list_taught(
    library: Library, classifier: Classifier, search: SearchModel | None = None
) -> list[TaughtTag]:
    """Return all taught tags, sorted by name; search: the search model in use."""
    in_use = {classifier.provenance.backbone or ""} | (
        set() if search is None else {search.backbone}
    )
    with library.database.reader.begin() as connection:
        rows = connection.execute(select(taught_tags).order_by(taught_tags.c.label)).all()
    tags = []
    for row in rows:
        training = json.loads(row.told)
        tags.append(
            TaughtTag(
                row.label,
                tuple(training["examples"]),
                tuple(training["counterexamples"]),
                TaughtFigures(**training["figures"]),
                row.made_at,
                row.backbone in in_use,
                training.get("sentence"),
            )
        )
    return tags


def taught_head(library: Library, classifier: Classifier, label: str) -> TaughtHead | None:
    """Return the head of a taught tag for the network in use; None if there is none."""
    with library.database.reader.begin() as connection:
        row = connection.execute(
            select(taught_tags).where(
                taught_tags.c.label == label,
                taught_tags.c.backbone == (classifier.provenance.backbone or ""),
            )
        ).first()
    return None if row is None else head_of(row)


def head_of(row: Row[tuple[object, ...]]) -> TaughtHead:
    """Return the head stored in a row of `taught_tags`."""
    kernel = np.frombuffer(row.kernel, "<f4").reshape(2, -1)
    return TaughtHead(kernel.astype(np.float32), row.bias, row.threshold)


def write_taught_tags(connection: Connection, photo: WrittenPhoto) -> None:
    """Write the taught tags of a photo that is being added, in the same transaction.

    Tags taught on another network are not changed.
    """
    rows = connection.execute(_TAUGHT, {"backbone": photo.backbone or ""}).all()
    for row in rows:
        write_taught_tag(
            connection,
            row.label,
            head_of(row),
            [photo.id],
            photo.embedding[np.newaxis],
            row.made_at,
        )


def write_taught_tag(
    connection: Connection,
    label: str,
    head: TaughtHead,
    photo_ids: Sequence[str],
    embeddings: FloatArray,
    made_at: str,
) -> None:
    """Recompute one taught tag on some photos and replace its automatic tags there.

    embeddings: float32 (len(photo_ids), embedding_size).
    """
    probabilities = head.probabilities(embeddings)
    for start in range(0, len(photo_ids), _ID_BATCH):
        batch = photo_ids[start : start + _ID_BATCH]
        connection.execute(
            delete(automatic_tags).where(
                automatic_tags.c.head == TAUGHT,
                automatic_tags.c.label == label,
                automatic_tags.c.photo_id.in_(batch),
            )
        )
    rows = [
        {
            "photo_id": photo_ids[int(index)],
            "head": TAUGHT,
            "label": label,
            "score": float(probabilities[index]),
            "bundle": f"taught {made_at[:10]}",
        }
        for index in np.flatnonzero(probabilities >= TAGGED_FROM)
    ]
    if rows:
        connection.execute(insert(automatic_tags), rows)
