"""What a visitor's cookie holds: a random key, signed, so that only this server can issue one.

On the disk a library is named by a hash of the key; who reads the disk cannot make a cookie of it.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Self

from scene_model.errors import LibraryUnavailable

COOKIE_NAME = "scene_visitor"
_SECRET_BYTES = 32


class VisitorKeys:
    """Issues cookies and tells which library one stands for."""

    def __init__(self, secret: bytes) -> None:
        """``secret``: what the server signs with; who has it can make cookies."""
        self._secret = secret

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the server's secret, or make one that its owner alone may read.

        Raises LibraryUnavailable.
        """
        path = folder / "secret"
        try:
            if not path.exists():
                _write_secret(path)
            secret = path.read_bytes()
        except OSError as error:
            raise LibraryUnavailable(
                f"The server's secret {path} cannot be used: {error.strerror}."
            ) from error
        if len(secret) != _SECRET_BYTES:
            raise LibraryUnavailable(
                f"The server's secret {path} has {len(secret)} bytes; it should have "
                f"{_SECRET_BYTES}. Remove the file to make another; every cookie ends then."
            )
        return cls(secret)

    def issue(self) -> str:
        """Make a new visitor's cookie: 256 random bits and their signature."""
        key = secrets.token_hex(32)
        return f"{key}.{self._signature(key)}"

    def owner(self, cookie: str) -> str | None:
        """Tell whose library a cookie stands for; None when this server did not issue it."""
        key, _, signature = cookie.partition(".")
        # Bytes, since comparing text refuses letters beyond ASCII with an error.
        if not hmac.compare_digest(signature.encode(), self._signature(key).encode()):
            return None
        return owner_name("visitor", key)

    def _signature(self, key: str) -> str:
        return hmac.new(self._secret, f"{COOKIE_NAME}:{key}".encode(), hashlib.sha256).hexdigest()


def owner_name(kind: str, *parts: str) -> str:
    """Name an owner by a hash of what identifies them; 64 hexadecimal digits."""
    joined = "\0".join((kind, *(f"{len(part)}:{part}" for part in parts)))
    return hashlib.sha256(joined.encode()).hexdigest()


def _write_secret(path: Path) -> None:
    """Write it whole, or leave the one that another process wrote at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"secret.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
