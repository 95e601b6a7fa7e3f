"""Encryption of backups by a passphrase, in the format of age (https://age-encryption.org/v1).

An encrypted backup is an uncompressed ZIP of two files: ``key.age``, a fresh age identity encrypted
by the passphrase, and ``backup.age``, the backup encrypted to that identity. So the program `age`
opens it too: ``age -d -i key.age backup.age > backup.zip``. age's encryption by a passphrase alone
would need the whole backup in memory.
"""

import contextlib
import os
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pydantic import SecretStr

from scene_model.errors import BackupDamaged, BackupError, NotABackup, UsageError
from scene_model.maintenance.backup_file import is_repacked, new_member, require_free_space

KEY_NAME = "key.age"
DATA_NAME = "backup.age"
MAX_KEY_BYTES = 10_000  # it has about 300
_CHUNK_BYTES = 1 << 20
_ANOTHER = "Use another backup."

AskPassphrase = Callable[[], SecretStr]


def no_passphrase() -> SecretStr:
    """Raise UsageError: for callers that know no passphrase."""
    raise UsageError("The backup is encrypted. Give its passphrase.", code="passphrase_needed")


@contextlib.contextmanager
def encrypted_into(target: BinaryIO, passphrase: SecretStr | None) -> Iterator[BinaryIO]:
    """Yield a stream whose bytes are encrypted into ``target``; without a passphrase, ``target``.

    Raises BackupError when encryption is not installed, and OSError.
    """
    if passphrase is None:
        yield target
        return
    age = _age()
    identity = age.x25519.Identity.generate()
    key = age.passphrase.encrypt(f"{identity}\n".encode(), passphrase.get_secret_value())

    def encrypt(source: BinaryIO) -> None:
        _run(age.encrypt_io, source, output, identity.to_public(), _not_encrypted)

    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(new_member(KEY_NAME), key)
        with (
            archive.open(new_member(DATA_NAME, is_large=True), "w", force_zip64=True) as output,
            _read_in_thread(encrypt) as stream,
        ):
            yield stream


@contextlib.contextmanager
def opened_archive(
    file: Path, folder: Path, ask_passphrase: AskPassphrase
) -> Iterator[zipfile.ZipFile]:
    """Open a backup; an encrypted one is decrypted first.

    That needs a temporary file in ``folder``, which has no name there, so that it vanishes when the
    process ends, however it ends. ask_passphrase: called for an encrypted backup only. Raises what
    it raises, BackupError, OSError and the errors of `zipfile`.
    """
    with zipfile.ZipFile(file) as archive:
        if not {KEY_NAME, DATA_NAME} & {*archive.namelist()}:
            yield archive
            return
        _check_members(archive)
        with tempfile.TemporaryFile(dir=folder) as plain:
            _decrypt(archive, plain, folder, ask_passphrase)
            with zipfile.ZipFile(plain) as decrypted:
                yield decrypted


def _check_members(archive: zipfile.ZipFile) -> None:
    members = {member.filename: member for member in archive.infolist()}
    for name in (KEY_NAME, DATA_NAME):
        if name not in members:
            raise BackupDamaged(f"The encrypted backup lacks {name}. {_ANOTHER}")
    if len(archive.infolist()) > 2 or is_repacked(archive):
        raise NotABackup(
            "The encrypted backup was repacked by another program. Name the unchanged file that "
            "`library backup` wrote."
        )
    key_bytes = members[KEY_NAME].file_size
    if key_bytes > MAX_KEY_BYTES:
        raise NotABackup(
            f"{KEY_NAME} in the backup has {key_bytes:,} bytes; the limit is {MAX_KEY_BYTES:,}. "
            f"{_ANOTHER}"
        )


def _decrypt(
    archive: zipfile.ZipFile, plain: BinaryIO, folder: Path, ask_passphrase: AskPassphrase
) -> None:
    age = _age()
    key = archive.read(KEY_NAME)
    # As much again for the library that is unpacked from it.
    require_free_space(
        folder, 2 * archive.getinfo(DATA_NAME).file_size, "Decrypting and restoring the backup"
    )
    identity = _identity(age, key, ask_passphrase())

    def decrypt(source: BinaryIO) -> None:
        _run(age.decrypt_io, source, plain, identity, _damaged)

    with archive.open(DATA_NAME) as data, _read_in_thread(decrypt) as stream:
        shutil.copyfileobj(data, stream, _CHUNK_BYTES)
    plain.flush()


def _identity(age: Any, key: bytes, passphrase: SecretStr) -> Any:
    """Decrypt the key of a backup; returns age's identity."""
    try:
        text = age.passphrase.decrypt(key, passphrase.get_secret_value())
    except age.DecryptError as error:
        # Damage by accident is found earlier: the ZIP has a checksum of the key.
        raise BackupError(
            f"The passphrase does not open the backup ({' '.join(str(error).split())}). Try again.",
            code="wrong_passphrase",
        ) from error
    try:
        return age.x25519.Identity.from_str(text.decode("ascii").strip())
    except (age.IdentityError, UnicodeDecodeError) as error:
        raise NotABackup(f"{KEY_NAME} in the backup holds no key. {_ANOTHER}") from error


def require_encryption() -> None:
    """Raise BackupError when the package that encrypts is not installed."""
    _age()


def _age() -> Any:
    try:
        import pyrage
    except ImportError as error:
        raise BackupError(
            "Encrypted backups need another package. Run "
            'pip install "scene-gallery[encryption]" and try again.',
            code="encryption_unavailable",
        ) from error
    return pyrage


def _not_encrypted(error: Exception) -> BackupError:
    return BackupError(f"The backup cannot be encrypted: {error}.")


def _damaged(error: Exception) -> BackupError:
    return BackupDamaged(f"{DATA_NAME} in the backup is damaged or truncated ({error}). {_ANOTHER}")


class _HasWrite(Protocol):
    def write(self, data: bytes, /) -> int: ...


class _Output:
    """A file for age to write to; keeps the error of a write, which age reduces to its text."""

    def __init__(self, file: _HasWrite) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Do nothing: whoever opened the file flushes it."""


def _run(
    function: Callable[[BinaryIO, _Output, list[Any]], None],
    source: BinaryIO,
    target: _HasWrite,
    key: Any,
    failure: Callable[[Exception], BackupError],
) -> None:
    """Call a function of age. Raises the OSError of ``target``, or else ``failure``."""
    output = _Output(target)
    try:
        function(source, output, [key])
    except Exception as error:
        raise output.error or failure(error) from error
    if output.error is not None:
        raise output.error  # age ignores it when it is that of the last write


@contextlib.contextmanager
def _read_in_thread(read: Callable[[BinaryIO], None]) -> Iterator[BinaryIO]:
    """Yield a stream that ``read`` reads in a thread of its own; raises the error of ``read``.

    age takes a file to read, while a backup writes one. And it would make any exception that Ctrl-C
    raises in it an error of its own, which cannot happen in a thread.
    """
    read_end, write_end = os.pipe()
    errors = list[BaseException]()

    def run() -> None:
        with os.fdopen(read_end, "rb") as source:
            try:
                read(source)
            except BaseException as error:
                errors.append(error)

    thread = threading.Thread(target=run)
    stream = os.fdopen(write_end, "wb")
    thread.start()
    try:
        yield stream
        stream.close()
    except Exception as error:
        # The pipe broke because its reader failed.
        if errors:
            raise errors[0] from error
        raise
    finally:
        with contextlib.suppress(OSError):
            stream.close()
        thread.join()
    if errors:
        raise errors[0]
