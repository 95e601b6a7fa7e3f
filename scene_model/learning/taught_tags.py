"""Tags that people teach by examples: learned on kept embeddings, tried, and only then kept."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from sqlalchemy import Connection, Row, delete, select
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
from scene_model.errors import TooFewExamples
from scene_model.library.edits import add_tag, clean_tag
from scene_model.library.embedding_scan import embeddings_of, sample_embeddings, scan_embeddings
from scene_model.library.records import WrittenPhoto
from scene_model.library.schema import automatic_tags, taught_tags
from scene_model.library.store import Library
from scene_model.search.similar import Similar

_HOLDS_FROM = 0.5
_ID_BATCH = 500


@dataclass(frozen=True)
class TagCandidate:
    """A tag that was learned and not kept yet.

    would_tag: the photos it would tag, the examples aside, surest first. nearly: those just
    below, to be looked at: nearest first.
    """

    label: str
    examples: tuple[str, ...]
    counterexamples: tuple[str, ...]
    head: TaughtHead
    figures: TaughtFigures
    would_tag: list[Similar] = field(default_factory=list)
    nearly: list[Similar] = field(default_factory=list)


@dataclass(frozen=True)
class TaughtTag:
    """A tag as kept, with what was told at the time. is_current: the network in use reads it."""

    label: str
    examples: tuple[str, ...]
    counterexamples: tuple[str, ...]
    figures: TaughtFigures
    made_at: str
    is_current: bool


def fit_tag(
    library: Library,
    classifier: Classifier,
    label: str,
    examples: Sequence[str],
    counterexamples: Sequence[str] = (),
    nearly: int = 12,
) -> TagCandidate:
    """Learn a tag from photos that show it; nothing is kept.

    Raises InvalidTag, and TooFewExamples unless `MIN_EXAMPLES` of them were seen by this network.
    """
    label, size = clean_tag(label), classifier.bundle.backbone.embedding_size
    backbone = classifier.provenance.backbone
    shown, seen = embeddings_of(library, backbone, size, list(dict.fromkeys(examples)))
    refused, seen_refused = embeddings_of(
        library, backbone, size, [one for one in counterexamples if one not in set(shown)]
    )
    if len(shown) < MIN_EXAMPLES:
        raise TooFewExamples(
            f"“{label}” has {len(shown)} examples that this network has seen; it takes "
            f"{MIN_EXAMPLES} to {MAX_EXAMPLES}. Select more photos that show it."
        )
    others = sample_embeddings(library, backbone, size, {*shown, *refused}, OTHERS)
    head, figures = teach(seen, seen_refused, others)
    would_tag, below = list[Similar](), list[Similar]()
    known = {*shown, *refused}
    for piece in scan_embeddings(library, backbone, size):
        for photo_id, sure in zip(piece.ids, head.probabilities(piece.embeddings), strict=True):
            if photo_id not in known:
                (would_tag if sure >= 0.5 else below).append(Similar(photo_id, float(sure)))
        below = sorted(below, key=lambda one: -one.likeness)[:nearly]
    return TagCandidate(
        label,
        tuple(shown),
        tuple(refused),
        head,
        figures,
        sorted(would_tag, key=lambda one: -one.likeness),
        below,
    )


def save_taught_tag(library: Library, classifier: Classifier, candidate: TagCandidate) -> int:
    """Keep a learned tag: it joins the tags of all photos, and of those to come.

    The examples get it as a person's word. Returns how many photos have it beside them.
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
    pieces = scan_embeddings(library, backbone, size)
    with library.database.writer.begin() as connection:
        connection.execute(
            insert(taught_tags).values(row).on_conflict_do_update(["label", "backbone"], set_=row)
        )
        for piece in pieces:
            write_taught_tag(
                connection, candidate.label, candidate.head, piece.ids, piece.embeddings, now
            )
    add_tag(library, candidate.examples, candidate.label)
    return len(candidate.would_tag)


def delete_taught_tag(library: Library, label: str) -> None:
    """Forget a taught tag: what it said goes, what people said of it stays."""
    with library.database.writer.begin() as connection:
        connection.execute(delete(taught_tags).where(taught_tags.c.label == label))
        connection.execute(
            delete(automatic_tags).where(
                automatic_tags.c.head == TAUGHT, automatic_tags.c.label == label
            )
        )


def list_taught(library: Library, classifier: Classifier) -> list[TaughtTag]:
    """All taught tags, by name."""
    with library.database.reader.begin() as connection:
        rows = connection.execute(select(taught_tags).order_by(taught_tags.c.label)).all()
    found = []
    for row in rows:
        told = json.loads(row.told)
        found.append(
            TaughtTag(
                row.label,
                tuple(told["examples"]),
                tuple(told["counterexamples"]),
                TaughtFigures(**told["figures"]),
                row.made_at,
                row.backbone == (classifier.provenance.backbone or ""),
            )
        )
    return found


def taught_head(library: Library, classifier: Classifier, label: str) -> TaughtHead | None:
    """The head of a taught tag for the network in use; None where there is none."""
    with library.database.reader.begin() as connection:
        row = connection.execute(
            select(taught_tags).where(
                taught_tags.c.label == label,
                taught_tags.c.backbone == (classifier.provenance.backbone or ""),
            )
        ).first()
    return None if row is None else head_of(row)


def head_of(row: Row[tuple[object, ...]]) -> TaughtHead:
    """The head that a row of `taught_tags` holds."""
    kernel = np.frombuffer(row.kernel, "<f4").reshape(2, -1)
    return TaughtHead(kernel.astype(np.float32), row.bias, row.threshold)


def write_taught_tags(connection: Connection, photo: WrittenPhoto) -> None:
    """Write the taught tags of a photo that is being added, in the same transaction.

    Tags taught on another network stay.
    """
    rows = connection.execute(
        select(taught_tags).where(taught_tags.c.backbone == (photo.backbone or ""))
    ).all()
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
    """Write down which of some photos have a taught tag."""
    sure = head.probabilities(embeddings)
    for start in range(0, len(photo_ids), _ID_BATCH):
        batch = photo_ids[start : start + _ID_BATCH]
        connection.execute(
            delete(automatic_tags).where(
                automatic_tags.c.head == TAUGHT,
                automatic_tags.c.label == label,
                automatic_tags.c.photo_id.in_(batch),
            )
        )
    said = [
        {
            "photo_id": photo_ids[int(place)],
            "head": TAUGHT,
            "label": label,
            "score": float(sure[place]),
            "bundle": f"taught {made_at[:10]}",
        }
        for place in np.flatnonzero(sure >= _HOLDS_FROM)
    ]
    if said:
        connection.execute(insert(automatic_tags), said)
