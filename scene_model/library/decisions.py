"""When people decided about a photo's tags and class."""

from dataclasses import dataclass

from sqlalchemy import select

from scene_model.library.database.schema import class_decisions, photos, tag_decisions
from scene_model.library.store import Library


@dataclass(frozen=True)
class TagDecision:
    """A person's decision on one tag. at: ISO 8601 with offset."""

    label: str
    is_rejected: bool
    at: str


@dataclass(frozen=True)
class Decisions:
    """All decisions on one photo. class_at: when its class was set; None when it was not."""

    tags: tuple[TagDecision, ...]
    class_at: str | None


def decisions_on(library: Library, photo_id: str) -> Decisions:
    """Return the decisions on a photo; empty for an unknown id."""
    with library.database.reader.begin() as connection:
        tag_rows = connection.execute(
            select(tag_decisions)
            .where(tag_decisions.c.photo_id == photo_id)
            .order_by(tag_decisions.c.label)
        ).all()
        class_at = connection.execute(
            select(class_decisions.c.at)
            .join(photos, photos.c.id == class_decisions.c.photo_id)
            .where(photos.c.id == photo_id)
        ).scalar()
    return Decisions(
        tuple(TagDecision(row.label, row.verdict == "rejected", row.at) for row in tag_rows),
        class_at,
    )
