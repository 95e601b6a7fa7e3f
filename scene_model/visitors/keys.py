"""Visitor cookies: a random key with the server's signature.

A library's folder is named by a hash of the key, so reading the disk does not give the cookie.

Where several servers share one address, a cookie begins with the name of the server that has the
library: ``NAME.KEY.SIGNATURE``. No other server accepts it, or replaces it.
"""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from scene_model.errors import LibraryUnavailable

COOKIE_NAME = "scene_visitor"
# With TLS: a browser takes it only from this host itself, and only encrypted.
SECURE_COOKIE_NAME = f"__Host-{COOKIE_NAME}"
_SECRET_BYTES = 32
_COOKIE = re.compile(
    r"(?P<prefix>[a-z0-9-]{1,32}\.)?(?P<key>[0-9a-f]{64})\.(?P<signature>[0-9a-f]{64})"
)


class VisitorKeys:
    """Issues cookies and maps them to libraries."""

    def __init__(self, secret: bytes, prefix: str = "") -> None:
        """``secret``: the signing key; anyone who has it can make valid cookies.

        prefix: the server's name and a dot, where several servers share an address.
        """
        self._secret, self._prefix = secret, prefix

    @classmethod
    def open(cls, folder: Path, prefix: str = "") -> Self:
        """Read the server's secret, or create it with file mode 0600.

        prefix: as of the constructor. Raises LibraryUnavailable.
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
        return cls(secret, prefix)

    def issue(self) -> str:
        """Create a new visitor's cookie: 256 random bits and their signature."""
        return self._cookie(secrets.token_hex(32))

    def owner(self, cookie: str) -> str | None:
        """Return the owner name of a cookie; None when this server did not issue it.

        A cookie without a server's name stays valid when its server gets a name. With the name of
        another server it is not valid even where an operator gave both servers one secret: the
        library is on that server.
        """
        parts = _COOKIE.fullmatch(cookie)
        if parts is None or parts["prefix"] not in (None, self._prefix):
            return None
        if not hmac.compare_digest(parts["signature"], self._signature(parts["key"])):
            return None
        return owner_name("visitor", parts["key"])

    def valid_cookie(self, cookies: Mapping[str, str]) -> str | None:
        """Return the visitor cookie of a request that this server issued; None without one.

        The one set with TLS comes first: the other may have been set before the server had TLS.
        One that was issued before the server had a name is returned with the name.
        """
        value = next((v for v in _values(cookies) if self.owner(v) is not None), None)
        parts = None if value is None else _COOKIE.fullmatch(value)
        return None if parts is None else self._cookie(parts["key"])

    def is_of_another_server(self, cookies: Mapping[str, str]) -> bool:
        """Whether a request's cookie names another server, which has the visitor's library."""
        if self.valid_cookie(cookies) is not None:
            return False
        matches = filter(None, map(_COOKIE.fullmatch, _values(cookies)))
        return any(parts["prefix"] not in (None, self._prefix) for parts in matches)

    def owner_of(self, cookies: Mapping[str, str]) -> str | None:
        """Return the owner that a request's cookies name; None without a valid cookie."""
        value = self.valid_cookie(cookies)
        return None if value is None else self.owner(value)

    def _cookie(self, key: str) -> str:
        return f"{self._prefix}{key}.{self._signature(key)}"

    def _signature(self, key: str) -> str:
        return hmac.new(self._secret, f"{COOKIE_NAME}:{key}".encode(), hashlib.sha256).hexdigest()


def owner_name(kind: str, *parts: str) -> str:
    """Hash what identifies an owner into a name of 64 hexadecimal digits."""
    joined = "\0".join((kind, *(f"{len(part)}:{part}" for part in parts)))
    return hashlib.sha256(joined.encode()).hexdigest()


def _values(cookies: Mapping[str, str]) -> list[str]:
    return [cookies.get(name, "") for name in (SECURE_COOKIE_NAME, COOKIE_NAME)]


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
