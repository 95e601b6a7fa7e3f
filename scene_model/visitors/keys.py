"""Visitor cookies: a random key with the server's signature.

A library's folder is named by a hash of the key, so reading the disk does not give the cookie.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from scene_model.errors import LibraryUnavailable

COOKIE_NAME = "scene_visitor"
# With TLS: a browser takes it only from this host itself, and only encrypted.
SECURE_COOKIE_NAME = f"__Host-{COOKIE_NAME}"
_SECRET_BYTES = 32


class VisitorKeys:
    """Issues cookies and maps them to libraries."""

    def __init__(self, secret: bytes) -> None:
        """``secret``: the signing key; anyone who has it can make valid cookies."""
        self._secret = secret

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the server's secret, or create it with file mode 0600.

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
                f"{_SECRET_BYTES}. Remove the file to create a new one; all existing cookies "
                "become invalid then."
            )
        return cls(secret)

    def issue(self) -> str:
        """Create a new visitor's cookie: 256 random bits and their signature."""
        key = secrets.token_hex(32)
        return f"{key}.{self._signature(key)}"

    def owner(self, cookie: str) -> str | None:
        """Return the owner name of a cookie; None when this server did not issue it."""
        key, _, signature = cookie.partition(".")
        # Compare bytes: compare_digest raises an error for text with non-ASCII letters.
        if not hmac.compare_digest(signature.encode(), self._signature(key).encode()):
            return None
        return owner_name("visitor", key)

    def valid_cookie(self, cookies: Mapping[str, str]) -> str | None:
        """Return the visitor cookie of a request that this server issued; None without one.

        The one set with TLS comes first: the other may have been set before the server had TLS.
        """
        values = (cookies.get(name, "") for name in (SECURE_COOKIE_NAME, COOKIE_NAME))
        return next((value for value in values if self.owner(value) is not None), None)

    def owner_of(self, cookies: Mapping[str, str]) -> str | None:
        """Return the owner that a request's cookies name; None without a valid cookie."""
        value = self.valid_cookie(cookies)
        return None if value is None else self.owner(value)

    def _signature(self, key: str) -> str:
        return hmac.new(self._secret, f"{COOKIE_NAME}:{key}".encode(), hashlib.sha256).hexdigest()


def owner_name(kind: str, *parts: str) -> str:
    """Hash what identifies an owner into a name of 64 hexadecimal digits."""
    joined = "\0".join((kind, *(f"{len(part)}:{part}" for part in parts)))
    return hashlib.sha256(joined.encode()).hexdigest()


def _write_secret(path: Path) -> None:
    """Write it atomically; if another process wrote one at the same time, keep that one."""
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
