"""The passphrase of an encrypted backup: from the settings, or typed on a terminal."""

import getpass
import sys

from pydantic import SecretStr

from scene_model.config import Settings
from scene_model.errors import UsageError
from scene_model.maintenance.encryption import require_encryption


def new_passphrase(settings: Settings) -> SecretStr:
    """Return the passphrase to encrypt a backup by; it is asked for twice.

    Raises UsageError, and BackupError when encryption is not installed.
    """
    require_encryption()
    if settings.backup_passphrase.get_secret_value():
        return _usable(settings.backup_passphrase)
    first = _ask("Passphrase (without it, nobody can restore the backup): ")
    if first != _ask("The same passphrase again: "):
        raise UsageError("The two passphrases differ. Try again.", code="passphrase_needed")
    return first


def passphrase_of_backup(settings: Settings) -> SecretStr:
    """Return the passphrase to decrypt a backup by. Raises UsageError."""
    if settings.backup_passphrase.get_secret_value():
        return _usable(settings.backup_passphrase)
    return _ask("Passphrase of the backup: ")


def _ask(prompt: str) -> SecretStr:
    if not sys.stdin.isatty():
        raise UsageError(
            "An encrypted backup needs a passphrase. Set SCENE_BACKUP_PASSPHRASE, or run the "
            "command on a terminal.",
            code="passphrase_needed",
        )
    try:
        return _usable(SecretStr(getpass.getpass(prompt)))
    except EOFError:
        return _usable(SecretStr(""))


def _usable(passphrase: SecretStr) -> SecretStr:
    """Return the passphrase; raises UsageError when it is empty or no valid text."""
    text = passphrase.get_secret_value()
    if not text:
        raise UsageError("The passphrase is empty.", code="passphrase_needed")
    try:
        text.encode()
    except UnicodeEncodeError:
        # Without the error as cause: it contains the passphrase.
        raise UsageError(
            "The passphrase has characters that are no valid text.", code="passphrase_needed"
        ) from None
    return passphrase
