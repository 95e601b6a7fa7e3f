"""Embeddings by further networks, beside the one that belongs to a photo's tags.

They are in the same files as the photos' own embeddings (`embedding_files`), with rows of their
own. The slots are written and flushed before the rows, so that a kill leaves slots that no row
refers to, which get overwritten. A photo whose own embedding is by a network needs no other by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select

from scene_model.classifier.bundle import FloatArray
from scene_model.errors import EmbeddingMissing
from scene_model.library.database.schema import backbone_embeddings, free_slots, photos
from scene_model.library.edits import chosen_ids
from scene_model.library.embeddings.embedding_files import file_name, packed, slot_bytes
from scene_model.library.embeddings.embedding_slots import count_free_slots, take_slots
from scene_model.library.files.file_system import library_error
from scene_model.library.records import WrittenPhoto
from scene_model.library.store import Library, PhotoWriter

_INSERT = insert(backbone_embeddings)


@dataclass(frozen=True)
class Network:
    """A network whose embeddings the library stores. size: values of one embedding."""

    backbone: str
    size: int

    @property
    def file(self) -> str:
        """Name of its embedding file, without suffix."""
        return file_name(self.backbone, self.size)

    @classmethod
    def of_file(cls, file: str) -> "Network":
        """Return the network of an embedding file, the inverse of `file`."""
        backbone, _, size = file.rpartition("-")
        return cls(backbone, int(size))


@dataclass(frozen=True)
class NetworkState:
    """How much of a library a network has embedded; photos in the trash do not count.

    missing: photos without an embedding by it. missing_bytes: by how much its file grows when these
    are added. file_bytes: size of its file. is_own: whether photos have their own embedding from
    it, which `remove_embeddings` leaves.
    """

    embedded: int
    missing: int
    missing_bytes: int
    file_bytes: int
    is_own: bool


def network_state(library: Library, network: Network) -> NetworkState:
    """Count the photos with and without an embedding by a network."""
    with library.database.reader.begin() as connection:
        total = _count(connection, photos.c.trashed_at.is_(None))
        missing = _count(connection, _lacks(network.file))
        free = count_free_slots(connection, network.file)
        is_own = _count(connection, photos.c.embedding_file == network.file) > 0
    missing_bytes = max(0, missing - free) * slot_bytes(network.file)
    file_bytes = library.embeddings.slot_count(network.file) * slot_bytes(network.file)
    return NetworkState(total - missing, missing, missing_bytes, file_bytes, is_own)


def stored_networks(library: Library) -> dict[Network, int]:
    """Return the networks whose embeddings are beside the photos' own, and how many each has."""
    file = backbone_embeddings.c.file
    query = select(file, func.count()).group_by(file).order_by(file)
    with library.database.reader.begin() as connection:
        return {Network.of_file(name): count for name, count in connection.execute(query)}


def photos_without(library: Library, network: Network) -> list[str]:
    """Return the photos outside the trash without an embedding by a network, newest first."""
    query = select(photos.c.id).where(_lacks(network.file)).order_by(photos.c.number.desc())
    with library.database.reader.begin() as connection:
        return list(connection.execute(query).scalars())


def write_embeddings(
    library: Library,
    network: Network,
    embeddings: Mapping[str, FloatArray],
    writers: Sequence[PhotoWriter] = (),
) -> int:
    """Store embeddings by photo id, float32 (size,) each; returns how many were written.

    writers: called for each photo in the same transaction. Photos that were deleted meanwhile, or
    have one by this network, are left out. Raises LibraryUnavailable or LibraryFull; nothing is
    stored then.
    """
    file = network.file
    library.require_space(len(embeddings) * slot_bytes(file))
    try:
        with library.database.writer.begin() as connection:
            query = select(photos.c.number, photos.c.id).where(
                photos.c.id.in_(chosen_ids(list(embeddings))), _has_none(file)
            )
            rows = connection.execute(query.order_by(photos.c.number)).all()
            slots = take_slots(connection, file, len(rows))
            placed = sorted(zip(slots, rows, strict=True), key=lambda item: item[0])
            # Consecutive slots are one write.
            for _, run in groupby(enumerate(placed), lambda item: item[1][0] - item[0]):
                items = [item for _, item in run]
                data = b"".join(packed(row.id, embeddings[row.id]) for _, row in items)
                library.embeddings.write(file, items[0][0], data)
            if rows:
                connection.execute(
                    _INSERT,
                    [{"photo": row.number, "file": file, "slot": slot} for slot, row in placed],
                )
            for row in rows:
                written = WrittenPhoto(row.id, None, embeddings[row.id], network.backbone)
                for write in writers:
                    write(connection, written)
    except OSError as error:
        raise library_error(error, library.folder) from error
    return len(rows)


def embedding_by(library: Library, network: Network, photo_id: str) -> FloatArray:
    """Return a photo's embedding by a network, its own or one beside it; float32 (size,).

    Raises EmbeddingMissing.
    """
    query = select(photos.c.embedding_slot).where(
        photos.c.id == photo_id, photos.c.embedding_file == network.file
    )
    with library.database.reader.begin() as connection:
        slot = connection.execute(query).scalar()
    if slot is None:
        return embedding_beside(library, network, photo_id)
    return library.embeddings.read(network.file, slot, photo_id)


def embedding_beside(library: Library, network: Network, photo_id: str) -> FloatArray:
    """Return a photo's embedding by a network beside its own; raises EmbeddingMissing."""
    query = (
        select(backbone_embeddings.c.slot)
        .join(photos, photos.c.number == backbone_embeddings.c.photo)
        .where(photos.c.id == photo_id, backbone_embeddings.c.file == network.file)
    )
    with library.database.reader.begin() as connection:
        slot = connection.execute(query).scalar()
    return library.embeddings.read(network.file, slot, photo_id)


def remove_embeddings(library: Library, network: Network) -> int:
    """Remove the embeddings by a network that are not photos' own; returns the bytes freed.

    The file goes with them; where photos have their own embeddings in it, it stays, and the slots
    are used for the next photos. After a kill between the two, another call removes the file.
    Raises LibraryUnavailable.
    """
    file = network.file
    path = library.embeddings.path(file)
    try:
        with library.database.writer.begin() as connection:
            connection.execute(
                delete(backbone_embeddings).where(backbone_embeddings.c.file == file)
            )
        # With the write lock: whoever writes a slot holds it until the row is there.
        with library.database.writer.begin() as connection:
            if _is_used(connection, file) or not path.exists():
                return 0
            # The embeddings last: while they are there, another call removes what is left.
            paths = [*library.embeddings.projections(file), path]
            freed_bytes = sum(each.stat().st_size for each in paths)
            connection.execute(delete(free_slots).where(free_slots.c.file == file))
            for each in paths:
                library.file_system.remove(each)
        return freed_bytes
    except OSError as error:
        raise library_error(error, library.folder) from error


def damaged_embeddings(library: Library, photo_id: str) -> list[str]:
    """Return the files in which a photo's embedding is not where its row says, or is damaged."""
    query = (
        select(backbone_embeddings.c.file, backbone_embeddings.c.slot)
        .join(photos, photos.c.number == backbone_embeddings.c.photo)
        .where(photos.c.id == photo_id)
    )
    with library.database.reader.begin() as connection:
        rows = connection.execute(query).all()
    damaged = []
    for row in rows:
        try:
            library.embeddings.read(row.file, row.slot, photo_id)
        except EmbeddingMissing:
            damaged.append(row.file)
    return damaged


def forget_damaged(library: Library, photo_id: str) -> None:
    """Delete the rows of a photo's damaged embeddings; the next job computes them again."""
    damaged = damaged_embeddings(library, photo_id)
    number = select(photos.c.number).where(photos.c.id == photo_id).scalar_subquery()
    with library.database.writer.begin() as connection:
        connection.execute(
            delete(backbone_embeddings).where(
                backbone_embeddings.c.photo == number, backbone_embeddings.c.file.in_(damaged)
            )
        )


def _lacks(file: str) -> ColumnElement[bool]:
    return and_(photos.c.trashed_at.is_(None), _has_none(file))


def _has_none(file: str) -> ColumnElement[bool]:
    beside = select(backbone_embeddings.c.photo).where(backbone_embeddings.c.file == file)
    return and_(photos.c.embedding_file.is_distinct_from(file), photos.c.number.not_in(beside))


def _count(connection: Connection, where: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).where(where)).scalar_one())


def _is_used(connection: Connection, file: str) -> bool:
    own = select(photos.c.number).where(photos.c.embedding_file == file).limit(1)
    beside = select(backbone_embeddings.c.photo).where(backbone_embeddings.c.file == file).limit(1)
    return any(connection.execute(query).first() for query in (own, beside))
