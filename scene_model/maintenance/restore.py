"""Restore a library from a backup into a new folder, checking each file's hash.

The backup is unpacked next to the library folder, which it replaces when it is complete.
"""

import contextlib
import datetime
import hashlib
import os
import re
import secrets
import shutil
import sqlite3
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_model.errors import (
    BackupDamaged,
    BackupError,
    LibraryInUse,
    NotABackup,
    PathNotFound,
    TargetExists,
    UsageError,
)
from scene_model.library.database.database_file import DATABASE_NAME
from scene_model.library.embeddings.embedding_files import remove_projections
from scene_model.library.files.held_folder import Entry, FolderTree
from scene_model.maintenance.backup_database import check_backup_database
from scene_model.maintenance.backup_file import (
    BackupEntry,
    BackupManifest,
    read_manifest,
    require_free_space,
)
from scene_model.maintenance.encryption import AskPassphrase, no_passphrase, opened_archive

_CHUNK_BYTES = 1 << 20
_LEFTOVER_AGE_S = 3600.0
_SHOWN_REFERENCES = 10
# The errors that reading a damaged ZIP raises.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)

OnProgress = Callable[[int, int], None]
"""Called with the number of files unpacked so far, and the total."""


@dataclass(frozen=True)
class RestoreResult:
    """A restored library. moved_aside: new path of the folder that it replaced."""

    folder: Path
    manifest: BackupManifest
    moved_aside: Path | None


def restore_backup(
    file: Path,
    folder: Path,
    replace: bool = False,
    on_progress: OnProgress = lambda _done, _total: None,
    accept_references: bool = False,
    ask_passphrase: AskPassphrase = no_passphrase,
) -> RestoreResult:
    """Restore a backup to ``folder``, which must not exist or be empty.

    replace: first move an existing folder to FOLDER.before-DATE. accept_references: also when the
    backup refers to files outside the library, which the library would then read and show.
    ask_passphrase: called when the backup is encrypted.
    Raises PathNotFound, TargetExists, LibraryInUse, NotABackup, BackupTooNew, BackupDamaged,
    BackupError or UsageError; the existing folder is then unchanged.
    """
    if not file.is_file():
        raise PathNotFound(f"There is no file {file}.")
    folder = Path(os.path.realpath(folder.expanduser()))
    if not _is_free(folder) and not replace:
        raise TargetExists(
            f"{folder} is not empty. Name another folder with --library, or add --replace to move "
            "this one aside."
        )
    require_not_in_use(folder)
    for left in unfinished_restores(folder):
        shutil.rmtree(left, ignore_errors=True)
    unpacked = folder.with_name(f"{folder.name}.restoring-{secrets.token_hex(4)}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unpacked.mkdir(mode=0o700)
        manifest = _unpack(file, unpacked, on_progress, ask_passphrase)
        references = check_backup_database(unpacked / DATABASE_NAME, manifest)
        if references and not accept_references:
            raise _unconfirmed(references)
        remove_projections(unpacked)
        _pause_writing_rules(unpacked / DATABASE_NAME)
        if hasattr(os, "sync"):
            os.sync()
        require_not_in_use(folder)
        moved_aside = _move_into_place(unpacked, folder, replace)
    except OSError as error:
        raise BackupError(
            f"The backup cannot be restored: {error.strerror or error} ({folder.parent}). "
            "Check its free space and permissions."
        ) from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return RestoreResult(folder, manifest, moved_aside)


def unfinished_restores(folder: Path) -> list[Path]:
    """Return what killed restores to a folder left beside it.

    A restore in progress writes something every hour, and is not among them.
    """
    name = re.compile(rf"{re.escape(folder.name)}\.restoring-[0-9a-f]{{8}}")
    left = []
    with contextlib.suppress(OSError):
        for path in folder.parent.iterdir():
            is_ours = name.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
            if is_ours and time.time() - _last_change(path) > _LEFTOVER_AGE_S:
                left.append(path)
    return left


def _last_change(folder: Path) -> float:
    """Return the time of the last change in a folder or its subfolders, in seconds since 1970."""
    return max(Path(path).stat().st_mtime for path, _, _ in os.walk(folder))


def _unpack(
    file: Path, target: Path, on_progress: OnProgress, ask_passphrase: AskPassphrase
) -> BackupManifest:
    try:
        # No folder below the one that the library folder is in may become a link meanwhile.
        with (
            opened_archive(file, target.parent, ask_passphrase) as archive,
            FolderTree(str(target.parent)) as tree,
        ):
            manifest = read_manifest(archive)
            require_free_space(
                target.parent, sum(entry.file_bytes for entry in manifest.files), "The library"
            )
            for done, entry in enumerate(manifest.files, 1):
                # `read_manifest` rejects names that lead outside the folder.
                _unpack_entry(archive, entry, tree.entry(str(target / entry.name)))
                on_progress(done, len(manifest.files))
    except _ZIP_ERRORS as error:
        if not _starts_like_zip(file):
            raise NotABackup(
                f"{file.name} is not a backup of a library. Name a file that `library backup` "
                "wrote."
            ) from error
        raise BackupDamaged(
            f"{file.name} is damaged or truncated ({error}). Use another backup."
        ) from error
    return manifest


def _unpack_entry(archive: zipfile.ZipFile, entry: BackupEntry, target: Entry) -> None:
    target.folder.create()
    digest, file_bytes = hashlib.sha256(), 0
    descriptor = target.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as unpacked, archive.open(entry.name) as source:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            file_bytes += len(chunk)
            unpacked.write(chunk)
    if (digest.hexdigest(), file_bytes) != (entry.sha256, entry.file_bytes):
        raise BackupDamaged(
            f"{entry.name} in the backup is damaged: its hash differs from the manifest. "
            "Use another backup."
        )


def _pause_writing_rules(database: Path) -> None:
    """Let rules write files of this computer only after somebody saw where.

    The backup may come from another computer, or from a stranger; so a sidecar that it was about to
    remove stays, and a row that names another file goes.
    """
    reason = "The library was restored from a backup. Check the folder, and make the rule active."
    written = "The library was restored from a backup. Try the rule, and make it active."
    stays = "The library was restored from a backup; the sidecars of this run stay."
    is_writing = (
        "CASE WHEN json_valid(actions) THEN EXISTS "
        "(SELECT 1 FROM json_each(actions) "
        "WHERE json_extract(value, '$[0]') IN ('copy', 'sidecar')) ELSE 1 END"
    )
    pause = f"UPDATE rules SET is_active = 0, pause_reason = ? WHERE is_active AND {is_writing}"  # noqa: S608
    stop = "UPDATE rule_runs SET copy_state = 'failed', copy_note = ? WHERE copy_state = 'pending'"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(pause, (reason,))
        connection.execute(stop, (reason,))
        for state, then, note in (("pending", "failed", written), ("undoing", "undone", stays)):
            connection.execute(
                "UPDATE rule_runs SET sidecar_state = ?, sidecar_note = ? WHERE sidecar_state = ?",
                (then, note, state),
            )
        connection.execute(
            "DELETE FROM rule_sidecars WHERE run_id IN "
            "(SELECT id FROM rule_runs WHERE sidecar_state = 'undone') "
            "OR lower(path) NOT LIKE '%.xmp' OR token GLOB '*[^0-9a-f]*'"
        )


def _unconfirmed(references: Sequence[str]) -> UsageError:
    shown = ", ".join(references[:_SHOWN_REFERENCES])
    others = len(references) - _SHOWN_REFERENCES
    return UsageError(
        f"The backup refers to {len(references):,} files or URLs outside it, which the library "
        f"would read: {shown}{f' and {others:,} more' if others > 0 else ''}. If these are your "
        "photos, add --accept-references.",
        code="references_unconfirmed",
    )


def _move_into_place(unpacked: Path, folder: Path, replace: bool) -> Path | None:
    """Rename the unpacked folder to ``folder``; returns where an existing one was moved."""
    if _is_free(folder):
        if folder.is_dir():
            folder.rmdir()
        unpacked.rename(folder)
        return None
    if not replace:
        raise TargetExists(f"{folder} is no longer empty. Name another folder with --library.")
    moved_aside = _free_name_beside(folder)
    folder.rename(moved_aside)
    try:
        unpacked.rename(folder)
    except BaseException:
        moved_aside.rename(folder)
        raise
    return moved_aside


def _free_name_beside(folder: Path) -> Path:
    """Return a path for an existing folder; two restores of one second get different ones."""
    now = datetime.datetime.now().astimezone()
    path = dated = folder.with_name(f"{folder.name}.before-{now:%Y-%m-%dT%H%M%S}")
    number = 1
    while os.path.lexists(path):
        number += 1
        path = dated.with_name(f"{dated.name}-{number}")
    return path


def _is_free(folder: Path) -> bool:
    """Whether the path does not exist or is an empty folder."""
    return not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir()))


def require_not_in_use(folder: Path) -> None:
    """Raise LibraryInUse when another process has the library open."""
    database = folder / DATABASE_NAME
    if not database.is_file():
        return
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=0)) as connection:
            # Leaving WAL mode fails while any other connection is open.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            return  # a damaged library may be replaced
        raise LibraryInUse(
            f"The library {folder} is open in another program, such as the web server. Stop it "
            "and try again."
        ) from error
    except sqlite3.DatabaseError:
        return


def _starts_like_zip(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(2) == b"PK"
