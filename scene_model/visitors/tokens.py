"""Tokens: what a program shows, or a person at a browser, who is not at this computer.

``SCENE_API_TOKENS`` holds ``NAME:HASH,NAME:HASH``: each token's name and the SHA-256 of the token,
so who reads the setting cannot use it. A token has 256 random bits, which no hash need be slow for.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Self

from scene_model.errors import InvalidSetting, UsageError

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_PREFIX = "scene_"


@dataclass(frozen=True)
class Tokens:
    """The tokens of a server: their hashes by name."""

    hashes: dict[str, str]

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the setting; raises InvalidSetting, which shows names and never what follows."""
        hashes: dict[str, str] = {}
        for number, entry in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
            name, _, digest = entry.partition(":")
            if not _NAME.fullmatch(name) or not _HASH.fullmatch(digest.lower()):
                raise InvalidSetting(
                    f"SCENE_API_TOKENS: entry {number} is no NAME:HASH, where HASH is the token's "
                    "SHA-256. `python -m scene_model token NAME` makes one."
                )
            if name in hashes:
                raise InvalidSetting(f"SCENE_API_TOKENS has the name {name!r} twice.")
            hashes[name] = digest.lower()
        return cls(hashes)

    def name_of(self, token: str) -> str | None:
        """Tell whose token it is; None when it is none of these."""
        asked, found = token_hash(token), None
        for name, digest in self.hashes.items():
            # All of them, always: how long it takes tells nothing.
            if hmac.compare_digest(asked, digest):
                found = name
        return found


def new_token(name: str) -> tuple[str, str]:
    """Make a token; returns it and its entry for SCENE_API_TOKENS. Raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a token: 1 to 64 letters, digits, '.', '_' or '-'."
        )
    token = _PREFIX + secrets.token_urlsafe(32)
    return token, f"{name}:{token_hash(token)}"


def token_hash(token: str) -> str:
    """The SHA-256 of a token, in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
