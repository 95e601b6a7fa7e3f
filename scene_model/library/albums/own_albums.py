"""The albums that people made, as records."""

from dataclasses import dataclass

from sqlalchemy import and_, func, select

from scene_model.library.database.schema import album_photos, albums, photos
from scene_model.library.sort_order import Sort
from scene_model.library.store import Library

HAND = "hand"


@dataclass(frozen=True)
class OwnAlbum:
    """An album that a person made.

    id: does not change when the album is renamed. query: the search that it follows; None for an
    album of chosen photos. sort: HAND, or a sort order as text. cover: id of the chosen photo while
    it is in the album.
    """

    id: int
    name: str
    query: str | None
    sort: str
    cover: str | None

    @property
    def order(self) -> Sort | None:
        """The order of its photos; None for that by hand."""
        return None if self.sort == HAND else Sort.read(self.sort)


def own_albums(library: Library) -> list[OwnAlbum]:
    """Return the albums of a library, sorted by name."""
    is_cover = and_(
        photos.c.number == albums.c.cover,
        photos.c.trashed_at.is_(None),
        photos.c.number.in_(
            select(album_photos.c.photo)
            .where(album_photos.c.album_id == albums.c.id)
            .correlate(albums)
        ),
    )
    query = (
        select(albums, photos.c.id.label("cover_id"))
        .select_from(albums.outerjoin(photos, is_cover))
        .where(albums.c.deleted_at.is_(None))
        .order_by(albums.c.folded_name)
    )
    with library.database.reader.begin() as connection:
        rows = connection.execute(query).all()
    return [OwnAlbum(row.id, row.name, row.query, row.sort, row.cover_id) for row in rows]


def count_placed(library: Library) -> dict[int, int]:
    """Count the photos of every album of chosen photos, without those in the trash."""
    query = (
        select(album_photos.c.album_id, func.count())
        .join(photos, photos.c.number == album_photos.c.photo)
        .where(photos.c.trashed_at.is_(None))
        .group_by(album_photos.c.album_id)
    )
    with library.database.reader.begin() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query)}
