"""Conditions on photos, in the form the database answers fastest.

Those on tags list the photos once instead of asking for each photo; the others look at columns
that the indexes of `schema.py` hold.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from scene_model.classifier.vocabulary import fold_case
from scene_model.gallery.schema import held_tags, photos


def has_tag(labels: Collection[str]) -> ColumnElement[bool]:
    """One of the labels holds: a person added it, or a model said it and nobody rejected it."""
    if not labels:
        return false()
    return photos.c.number.in_(
        select(held_tags.c.photo).where(held_tags.c.label.in_(sorted(labels)))
    )


def has_class(labels: Collection[str]) -> ColumnElement[bool]:
    """Its class, a person's or else the model's, is one of the labels."""
    return photos.c.photo_class.in_(sorted(labels))


def has_chosen_class(labels: Collection[str]) -> ColumnElement[bool]:
    """A person chose one of the labels as its class."""
    # Most photos have none, and that is quicker to see than what it is not.
    return and_(photos.c.human_class.is_not(None), photos.c.human_class.in_(sorted(labels)))


def name_contains(text: str) -> ColumnElement[bool]:
    """The file name holds a text, in whatever case."""
    return func.instr(photos.c.folded_name, fold_case(text)) > 0


def was_edited() -> ColumnElement[bool]:
    """A person decided its class or a tag."""
    return or_(photos.c.human_class.is_not(None), photos.c.decided_tags > 0)
