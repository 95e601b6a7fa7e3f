"""Clutter: screenshots, documents and the like, which people may set apart from their photos.

The program only proposes a kind; a photo is apart once a person accepted that.
"""

from enum import StrEnum

from sqlalchemy import ColumnElement, select

from scene_model.library.database.schema import photos

# What `human_clutter` has for a photo that is no clutter, whatever the program takes it for.
NO_CLUTTER = ""


class ClutterKind(StrEnum):
    """What a photo is, if it is no photo of what people want to remember.

    OTHER: a person set it apart, and the program takes it for nothing in particular.
    """

    SCREENSHOT = "screenshot"
    DOCUMENT = "document"
    RECEIPT = "receipt"
    MEME = "meme"
    BLURRED = "blurred"
    BLACK = "black"
    OTHER = "other"


def is_clutter(kind: ClutterKind | None = None) -> ColumnElement[bool]:
    """SQL condition: the photo is apart, or may be clutter and no person said that it is not.

    kind: only of this one.
    """
    row = photos.alias()
    is_kind = row.c.clutter.is_not(None) if kind is None else row.c.clutter == str(kind)
    return photos.c.number.in_(select(row.c.number).where(is_kind))


def is_apart() -> ColumnElement[bool]:
    """SQL condition: a person set the photo apart."""
    row = photos.alias()
    return photos.c.number.in_(
        select(row.c.number).where(row.c.clutter.is_not(None), row.c.human_clutter.is_not(None))
    )
