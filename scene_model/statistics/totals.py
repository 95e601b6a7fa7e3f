"""What a library holds, in numbers."""

from dataclasses import dataclass

from sqlalchemy import func, select

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.library.inventory import files_below
from scene_model.library.schema import photos
from scene_model.library.store import Library
from scene_model.search.conditions import was_edited


@dataclass(frozen=True)
class LibraryStatistics:
    """Numbers of one library.

    photos: outside the trash; the next four speak of them. by_class: most first. unsure: filed
    under no label. edited: photos with a class or tag of a person's. bundles: photos by the
    model that answered. trash: photos in the trash. referenced: photos whose original is not in
    the library's folder, those in the trash too. file_bytes: sizes on disk, by kind of file.
    """

    photos: int
    by_class: dict[str, int]
    unsure: int
    edited: int
    bundles: dict[str, int]
    trash: int
    referenced: int
    file_bytes: dict[str, int]


def library_statistics(library: Library) -> LibraryStatistics:
    """Count what a library holds."""
    by_class = library.count_by_class()
    with library.database.reader.begin() as connection:
        bundles = connection.execute(
            select(photos.c.bundle, func.count())
            .where(photos.c.trashed_at.is_(None))
            .group_by(photos.c.bundle)
            .order_by(func.count().desc(), photos.c.bundle)
        ).all()
        referenced = connection.execute(
            select(func.count()).where(photos.c.reference.is_not(None))
        ).scalar_one()
    return LibraryStatistics(
        photos=library.count(),
        by_class=by_class,
        unsure=by_class.get(UNSURE_CLASS, 0),
        edited=library.count(was_edited()),
        bundles={row[0]: int(row[1]) for row in bundles},
        trash=library.count(trashed=True),
        referenced=int(referenced),
        file_bytes=_file_bytes(library),
    )


def _file_bytes(library: Library) -> dict[str, int]:
    sizes = {}
    for name in ("originals", "thumbnails", "embeddings", "trash", "incoming"):
        sizes[name] = sum(path.lstat().st_size for path in files_below(library.folder / name))
    database = library.folder.glob("library.db*")
    sizes["database"] = sum(path.stat().st_size for path in database)
    return sizes
