"""Write a backup of a library that may be in use; `backup_file` describes the format.

First the database is copied in a consistent state (SQLite's online backup), then the files its
rows refer to. When a photo is deleted from the trash meanwhile, its rows are deleted from the
copy, so that rows and files agree.
"""

import datetime
import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from scene_model import __version__
from scene_model.errors import BackupError
from scene_model.library.files.file_system import new_file
from scene_model.library.files.held_folder import open_inside
from scene_model.library.inventory import (
    StoredPhoto,
    files_below,
    original_of,
    previews_of,
    stored_photos,
)
from scene_model.library.store import Library
from scene_model.maintenance.backup_file import (
    DATABASE_NAME,
    MANIFEST_NAME,
    BackupEntry,
    BackupManifest,
    ReferencedOriginal,
    is_backup_name,
    new_member,
    require_free_space,
)
from scene_model.maintenance.backup_snapshot import adjust_rows, database_snapshot
from scene_model.maintenance.encryption import encrypted_into

_CHUNK_BYTES = 1 << 20
ZIP64_BYTES = 1 << 30  # members of this size or larger get ZIP64 headers

OnProgress = Callable[[int, int], None]
"""Called with the number of photos done so far, and the total."""


@dataclass(frozen=True)
class BackupResult:
    """A backup that was written."""

    file: Path
    file_bytes: int
    manifest: BackupManifest


@dataclass
class _BackupInProgress:
    """The archive being written, and what its manifest will contain.

    missing, changed: ids of photos by the state of their original. deleted: ids of photos deleted
    from the library meanwhile. copied_references: ids of referenced photos whose original was
    copied into the backup.
    """

    library: Library
    archive: zipfile.ZipFile
    entries: list[BackupEntry] = field(default_factory=list)
    references: list[ReferencedOriginal] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    copied_references: list[str] = field(default_factory=list)


def write_backup(
    library: Library,
    file: Path,
    with_references: bool = False,
    on_progress: OnProgress = lambda _done, _total: None,
    passphrase: SecretStr | None = None,
) -> BackupResult:
    """Back up a library to one new file; the library may be in use meanwhile.

    The backup is written to FILE.XXXX.part and renamed when it is complete. with_references: also
    copy originals outside the library that are on this computer; restoring puts them inside it.
    passphrase: encrypt the backup, so that nothing of it is written unencrypted outside the
    library. Raises TargetExists, PathNotFound or BackupError.
    """
    file = file.expanduser().absolute()
    snapshot_folder = file.parent if passphrase is None else library.files.new_dir
    try:
        with (
            new_file(file) as part,
            database_snapshot(library, snapshot_folder, f"{file.name}.") as (snapshot, photos),
        ):
            require_free_space(
                file.parent,
                sum(p.file_bytes for p in photos if p.is_copied),
                "The backup",
            )
            with (
                encrypted_into(part, passphrase) as stream,
                zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive,
            ):
                progress = _BackupInProgress(library, archive)
                # Embeddings first: a slot freed after the snapshot may be reused by another photo.
                _add_embeddings(progress)
                for done, photo in enumerate(photos, 1):
                    _add_photo(progress, photo, with_references)
                    # Opening a library removes files in its folder `new` that are an hour old.
                    os.utime(snapshot)
                    on_progress(done, len(photos))
                manifest = _add_database_and_manifest(progress, snapshot, len(photos))
    except (OSError, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error.strerror or error
        raise BackupError(
            f"The backup cannot be written: {reason} ({file.parent}). "
            "Free some space, or name a file on another disk."
        ) from error
    return BackupResult(file, file.stat().st_size, manifest)


def _add_embeddings(progress: _BackupInProgress) -> None:
    library = progress.library
    for path in files_below(library.folder / "embeddings"):
        # Short vectors are made again from the embeddings.
        if path.suffix != ".near" and is_backup_name(_member_name(library, path)):
            entry = _store(progress.archive, _member_name(library, path), library, path)
            progress.entries += [] if entry is None else [entry]


def _add_photo(progress: _BackupInProgress, photo: StoredPhoto, with_references: bool) -> None:
    library = progress.library
    # Originals at URLs are never fetched for a backup: there may be millions.
    if photo.remote_url is not None or (photo.reference is not None and not with_references):
        path = photo.remote_url or str(photo.reference)
        referenced = ReferencedOriginal(photo=photo.id, path=path)
        progress.references.append(referenced)
    elif not _add_original(progress, photo):
        return
    for file in previews_of(library, photo):
        entry = _store(progress.archive, _member_name(library, file), library, file)
        if entry is not None:
            progress.entries.append(entry)


def _add_original(progress: _BackupInProgress, photo: StoredPhoto) -> bool:
    """Store an original; returns False when the photo was deleted from the library meanwhile."""
    library = progress.library
    name = _member_name(library, library.files.copy_location(photo.id, photo.format))
    inside = library if photo.reference is None else None
    entry = _store(progress.archive, name, inside, original_of(library, photo))
    if entry is None:
        with library.database.reader.begin() as connection:
            has_row = bool(stored_photos(connection, photo.id))
        (progress.missing if has_row else progress.deleted).append(photo.id)
        return has_row
    progress.entries.append(entry)
    if entry.sha256 != photo.id:
        progress.changed.append(photo.id)
    if photo.reference is not None:
        progress.copied_references.append(photo.id)
    return True


def _add_database_and_manifest(
    progress: _BackupInProgress, snapshot: Path, photo_count: int
) -> BackupManifest:
    archive = progress.archive
    version = adjust_rows(snapshot, progress.deleted, progress.copied_references)
    database = _store(archive, DATABASE_NAME, None, snapshot)
    if database is None:
        raise BackupError("The copy of the database was removed. Try again.")
    manifest = BackupManifest(
        created_at=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        program=__version__,
        library_version=version,
        photos=photo_count - len(progress.deleted),
        files=(*progress.entries, database),
        references=tuple(progress.references),
        missing=tuple(progress.missing),
        changed=tuple(progress.changed),
    )
    archive.writestr(new_member(MANIFEST_NAME), manifest.model_dump_json(indent=1))
    return manifest


def _store(
    archive: zipfile.ZipFile, name: str, library: Library | None, path: Path
) -> BackupEntry | None:
    """Copy a file into the ZIP and hash it; returns None when it cannot be opened.

    library: the one that the file must be in; no link is followed there. A file that becomes
    unreadable part-way is stored up to there; its hash shows the damage.
    """
    try:
        source = path.open("rb") if library is None else open_inside(library.folder, path)
    except OSError:
        return None
    digest, file_bytes = hashlib.sha256(), 0
    with source:
        is_large = os.fstat(source.fileno()).st_size >= ZIP64_BYTES
        with archive.open(new_member(name, is_large), "w", force_zip64=is_large) as target:
            for chunk in _chunks(source):
                digest.update(chunk)
                file_bytes += len(chunk)
                target.write(chunk)
    return BackupEntry(name=name, file_bytes=file_bytes, sha256=digest.hexdigest())


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while True:
        try:
            chunk = source.read(_CHUNK_BYTES)
        except OSError:
            return
        if not chunk:
            return
        yield chunk


def _member_name(library: Library, path: Path) -> str:
    return path.relative_to(library.folder).as_posix()
