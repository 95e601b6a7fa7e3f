"""The format of a backup: an uncompressed ZIP with a manifest of its files and their hashes.

library.db                        a consistent copy of the database
originals/ab/abcd….jpg            and thumbnails/, embeddings/, as in the library folder
backup.json                       the manifest, written last: without it a backup is incomplete
"""

import datetime
import re
import shutil
import zipfile
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from scene_model.errors import BackupDamaged, BackupError, BackupTooNew, NotABackup

DATABASE_NAME = "library.db"
MANIFEST_NAME = "backup.json"
FORMAT = "scene-gallery-backup"
FORMAT_VERSION = 1
# The only names a backup may contain; none of them leads outside the library folder.
_ID = r"[0-9a-f]{2}/[0-9a-f]{64}"
_PLAIN = r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,150}"
_NAME = re.compile(
    rf"library\.db|originals/{_ID}\.[a-z0-9]{{1,5}}|thumbnails/{_ID}(?:\.frames)?\.webp"
    rf"|embeddings/(?:{_PLAIN}/)?{_PLAIN}",
    re.ASCII,
)
_ENCRYPTED = 0x1  # bit 0 of a member's general purpose flags (APPNOTE 4.4.4)
_ZIP64_VERSION = 45  # of the format: 4.5


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class BackupEntry(_Frozen):
    """One file of a backup. sha256: of its bytes, in hexadecimal."""

    name: str
    file_bytes: int
    sha256: str


class ReferencedOriginal(_Frozen):
    """An original outside the library that is not in the backup. path: or its URL."""

    photo: str
    path: str


class BackupManifest(_Frozen):
    """The content of backup.json.

    library_version: schema version of the database. missing: ids of photos whose original did not
    exist. changed: ids of photos whose original had been changed; the backup contains it changed.
    """

    format: Literal["scene-gallery-backup"] = "scene-gallery-backup"
    version: int = FORMAT_VERSION
    created_at: str
    program: str
    library_version: int
    photos: int
    files: tuple[BackupEntry, ...]
    references: tuple[ReferencedOriginal, ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class _Header(_Frozen):
    format: str
    version: int


def is_backup_name(name: str) -> bool:
    """Whether a backup may contain a file of that name."""
    return _NAME.fullmatch(name) is not None


def new_member(name: str, is_large: bool = False) -> zipfile.ZipInfo:
    """Describe a member of a backup: of now, and for its owner to write.

    is_large: it gets ZIP64 headers.
    """
    now = datetime.datetime.now()
    date = (now.year, now.month, now.day, now.hour, now.minute, now.second)
    member = zipfile.ZipInfo(name, date)
    member.external_attr = 0o644 << 16  # the file mode when unpacked on Unix
    if is_large:
        # Python before 3.11.4 names it only for members of 2 GB and more.
        member.extract_version = _ZIP64_VERSION
    return member


def is_repacked(archive: zipfile.ZipFile) -> bool:
    """Whether a ZIP has compressed or encrypted members, which `library backup` never writes."""
    return any(
        member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _ENCRYPTED
        for member in archive.infolist()
    )


def read_manifest(archive: zipfile.ZipFile) -> BackupManifest:
    """Read a backup's manifest and check it against the members of the ZIP.

    Raises NotABackup, BackupTooNew or BackupDamaged.
    """
    names = archive.namelist()
    if MANIFEST_NAME not in names:
        raise NotABackup(
            f"The file is a ZIP, but not a backup of a library: it has no {MANIFEST_NAME}. "
            "Name a file that `library backup` wrote."
        )
    if is_repacked(archive):
        raise NotABackup(
            "The file was repacked by another program. Name the unchanged file that "
            "`library backup` wrote."
        )
    text = archive.read(MANIFEST_NAME)
    try:
        header = _Header.model_validate_json(text)
        if header.format != FORMAT:
            raise NotABackup(f"{MANIFEST_NAME} belongs to another program.")
        if header.version > FORMAT_VERSION:
            raise BackupTooNew(
                f"The backup has version {header.version}; this program reads up to "
                f"{FORMAT_VERSION}. Update Scene Gallery."
            )
        manifest = BackupManifest.model_validate_json(text)
    except ValidationError as error:
        raise NotABackup(
            f"{MANIFEST_NAME} cannot be read; it may belong to another program."
        ) from error
    expected_names = [MANIFEST_NAME, *(entry.name for entry in manifest.files)]
    for name in (*expected_names[1:], *names):
        if name != MANIFEST_NAME and not is_backup_name(name):
            raise NotABackup(f"The backup has a file that does not belong in a library: {name!r}.")
    if len(set(names)) != len(names) or sorted(names) != sorted(expected_names):
        repeated = {name for name in names if names.count(name) > 1}
        differing = sorted(set(names) ^ set(expected_names)) or sorted(repeated)
        raise BackupDamaged(
            f"The files in the backup differ from its manifest, first {differing[0]!r}. "
            "Use another backup."
        )
    return manifest


def require_free_space(folder: Path, needed_bytes: int, what: str) -> None:
    """Raise BackupError unless a folder's disk has room for what is written to it.

    what: what needs the room, as the first words of the message.
    """
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise BackupError(
            f"{what} needs {needed_bytes / 1e6:,.0f} MB; {free_bytes / 1e6:,.0f} MB are free in "
            f"{folder}. Free some space, or use another disk."
        )
