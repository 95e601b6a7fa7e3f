"""How sure the class of a photo is, kept beside it so that it can be sorted by."""

from sqlalchemy import Connection, case, exists, update

from scene_model.gallery.schema import class_decisions, photos

# A person is sure, and a photo that no head was sure of is at the other end: so "least sure
# first" begins with what wants looking at, and ends with what has been looked at.
DECIDED_BY_A_PERSON = 1.0


def keep_class_score(connection: Connection, photo_id: str) -> None:
    """Bring ``class_score`` in line with who decides the photo's class now."""
    decided = exists().where(class_decisions.c.photo_id == photo_id)
    connection.execute(
        update(photos)
        .where(photos.c.id == photo_id)
        .values(class_score=case((decided, DECIDED_BY_A_PERSON), else_=photos.c.auto_class_score))
    )
