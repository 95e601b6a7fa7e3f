"""What people decided about one photo, and when: the provenance a model's tags carry anyway."""

from dataclasses import dataclass

from sqlalchemy import select

from scene_model.library.schema import class_decisions, photos, tag_decisions
from scene_model.library.store import Library


@dataclass(frozen=True)
class TagDecision:
    """A person's word on one tag. at: ISO 8601 with offset."""

    label: str
    is_rejected: bool
    at: str


@dataclass(frozen=True)
class Decisions:
    """All a person decided about a photo. class_at: when its class was chosen, if it was."""

    tags: tuple[TagDecision, ...]
    class_at: str | None


def decisions_on(library: Library, photo_id: str) -> Decisions:
    """Read what people decided about a photo; of an unknown one, nothing."""
    with library.database.reader.begin() as connection:
        tags = connection.execute(
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
        tuple(TagDecision(row.label, row.verdict == "rejected", row.at) for row in tags), class_at
    )
