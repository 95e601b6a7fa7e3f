"""Totals of a library, for ``library stats``."""

from dataclasses import dataclass

from sqlalchemy import func, select

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library.database.schema import photos
from scene_model.library.groups import count_by_group
from scene_model.library.inventory import files_below
from scene_model.library.store import Library
from scene_model.search.conditions import was_edited
from scene_model.statistics.tag_counts import count_by_tag


@dataclass(frozen=True)
class LibraryStatistics:
    """Totals of one library.

    photos: number of photos outside the trash; the next six count only these. by_class, by_group
    and by_tag: photos by class, group and shown tag, most frequent first. unsure: photos without
    a sure class. edited: photos with a class or tag decided by a person. bundles: photos by the
    model that classified them. trash: photos in the trash. referenced: photos whose original is
    outside the library's folder, the trash included. file_bytes: sizes on disk, by kind of file.
    """

    photos: int
    by_class: dict[str, int]
    by_group: dict[str, int]
    by_tag: dict[str, int]
    unsure: int
    edited: int
    bundles: dict[str, int]
    trash: int
    referenced: int
    file_bytes: dict[str, int]


def library_statistics(library: Library, vocabulary: Vocabulary) -> LibraryStatistics:
    """Count the photos and the bytes of a library."""
    by_class = library.count_by_class()
    with library.database.reader.begin() as connection:
        bundles = connection.execute(
            select(photos.c.bundle, func.count())
            .where(photos.c.trashed_at.is_(None))
            .group_by(photos.c.bundle)
            .order_by(func.count().desc(), photos.c.bundle)
        ).all()
        referenced = connection.execute(
            select(func.count()).where(
                photos.c.reference.is_not(None) | photos.c.remote_url.is_not(None)
            )
        ).scalar_one()
    return LibraryStatistics(
        photos=library.count(),
        by_class=by_class,
        by_group=count_by_group(library, vocabulary),
        by_tag=count_by_tag(library, None),
        unsure=by_class.get(UNSURE_CLASS, 0),
        edited=library.count(was_edited()),
        bundles={row[0]: int(row[1]) for row in bundles},
        trash=library.count(trashed=True),
        referenced=int(referenced),
        file_bytes=_file_bytes(library),
    )


def _file_bytes(library: Library) -> dict[str, int]:
    """Sum the sizes of the files in each folder of the library, and of the database."""
    sizes = {}
    received = ("incoming", "inbox", "archives")
    for name in ("originals", "thumbnails", "embeddings", "trash", *received, "copies"):
        sizes[name] = sum(path.lstat().st_size for path in files_below(library.folder / name))
    database = library.folder.glob("library.db*")
    sizes["database"] = sum(path.stat().st_size for path in database)
    return sizes
