"""What a backup is: one ZIP, stored, with a list of its files and their hashes.

library.db                        the rows, of one moment
originals/ab/abcd….jpg            and thumbnails/, embeddings/, as in the library's folder
backup.json                       the list, written last: a backup without it was cut off
"""

import re
import zipfile
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from scene_model.errors import BackupDamaged, BackupTooNew, NotABackup

DATABASE_NAME = "library.db"
LIST_NAME = "backup.json"
FORMAT = "scene-gallery-backup"
FORMAT_VERSION = 1
# All that a backup may hold: no name outside the library's folder can be written so.
_ID = r"[0-9a-f]{2}/[0-9a-f]{64}"
_PLAIN = r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,150}"
_NAME = re.compile(
    rf"library\.db|originals/{_ID}\.[a-z0-9]{{1,5}}|thumbnails/{_ID}\.webp"
    rf"|embeddings/(?:{_PLAIN}/)?{_PLAIN}",
    re.ASCII,
)
_ENCRYPTED = 0x1  # a bit of a member's flags (APPNOTE 4.4.4)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class BackupEntry(_Part):
    """One file of a backup and the SHA-256 of its bytes."""

    name: str
    file_bytes: int
    sha256: str


class ReferencedOriginal(_Part):
    """An original that lies outside the library and is not in the backup."""

    photo: str
    path: str


class BackupList(_Part):
    """The whole of backup.json.

    library_version: of the database. missing: photos whose original was not there to be backed
    up. changed: photos whose original was not what had been added; it is here as it was.
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


class _Header(_Part):
    format: str
    version: int


def is_backup_name(name: str) -> bool:
    """Tell whether a backup may hold a file of that name."""
    return _NAME.fullmatch(name) is not None


def read_list(archive: zipfile.ZipFile) -> BackupList:
    """Read the list of a backup and hold it against what the ZIP has.

    Raises NotABackup, BackupTooNew or BackupDamaged.
    """
    members = archive.infolist()
    names = [member.filename for member in members]
    if LIST_NAME not in names:
        raise NotABackup(
            f"The file is a ZIP, but no backup of a library: it has no {LIST_NAME}. "
            "Name a file that `library backup` wrote."
        )
    if any(m.compress_type != zipfile.ZIP_STORED or m.flag_bits & _ENCRYPTED for m in members):
        raise NotABackup(
            "The file was packed again by another program. Name the file that `library backup` "
            "wrote, as it was written."
        )
    text = archive.read(LIST_NAME)
    try:
        header = _Header.model_validate_json(text)
        if header.format != FORMAT:
            raise NotABackup(f"{LIST_NAME} is of another program.")
        if header.version > FORMAT_VERSION:
            raise BackupTooNew(
                f"The backup has version {header.version}; this program reads up to "
                f"{FORMAT_VERSION}. Update Scene Gallery."
            )
        listed = BackupList.model_validate_json(text)
    except ValidationError as error:
        raise NotABackup(f"{LIST_NAME} cannot be read; it may be another program's.") from error
    wanted = [LIST_NAME, *(entry.name for entry in listed.files)]
    for name in (*wanted[1:], *names):
        if name != LIST_NAME and not is_backup_name(name):
            raise NotABackup(f"The backup holds a file that has no place in a library: {name!r}.")
    if len(set(names)) != len(names) or sorted(names) != sorted(wanted):
        odd = sorted(set(names) ^ set(wanted)) or sorted({n for n in names if names.count(n) > 1})
        raise BackupDamaged(
            f"The backup does not hold what its list says, first {odd[0]!r}. Use another backup."
        )
    return listed
