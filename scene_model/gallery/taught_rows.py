"""What taught heads say of photos, as rows beside the models' own: inside others' transactions."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, delete, select
from sqlalchemy.dialects.sqlite import insert

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.labels import TAUGHT
from scene_model.classifier.taught_head import TaughtHead
from scene_model.gallery.schema import automatic_tags, taught_tags

_HOLDS_FROM = 0.5
_ID_BATCH = 500


def of_no_taught_head() -> ColumnElement[bool]:
    """Tags that a bundle's heads gave."""
    return automatic_tags.c.head != TAUGHT


def head_of(row: Row[tuple[object, ...]]) -> TaughtHead:
    """The head that a row of `taught_tags` holds."""
    kernel = np.frombuffer(row.kernel, "<f4").reshape(2, -1)
    return TaughtHead(kernel.astype(np.float32), row.bias, row.threshold)


def keep_taught(
    connection: Connection, photo_ids: Sequence[str], embeddings: FloatArray, backbone: str | None
) -> None:
    """Let the tags of these photos be what the network's taught heads say now.

    embeddings: shape (N, embedding size), of that network. Tags taught on another network stay.
    """
    rows = connection.execute(
        select(taught_tags).where(taught_tags.c.backbone == (backbone or ""))
    ).all()
    for row in rows:
        say(connection, row.label, head_of(row), photo_ids, embeddings, row.made_at)


def say(
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
