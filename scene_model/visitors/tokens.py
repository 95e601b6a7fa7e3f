"""API tokens, which remote clients must send.

``SCENE_API_TOKENS`` holds ``NAME:HASH,NAME:HASH``: each token's name and the SHA-256 of the token,
so reading the setting does not reveal the token. A token has 256 random bits, so a slow password
hash is not needed.
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
        """Parse the setting; raises InvalidSetting, whose message never contains a token."""
        hashes: dict[str, str] = {}
        for number, entry in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
            name, _, digest = entry.partition(":")
            if not _NAME.fullmatch(name) or not _HASH.fullmatch(digest.lower()):
                raise InvalidSetting(
                    f"SCENE_API_TOKENS: entry {number} is not NAME:HASH, where HASH is the token's "
                    "SHA-256. `python -m scene_model token NAME` creates one."
                )
            if name in hashes:
                raise InvalidSetting(f"SCENE_API_TOKENS has the name {name!r} twice.")
            hashes[name] = digest.lower()
        return cls(hashes)

    def name_of(self, token: str) -> str | None:
        """Return the name of a token; None when it is not in the setting."""
        digest, matching_name = token_hash(token), None
        for name, valid_digest in self.hashes.items():
            # Always compare with all of them, so that the time taken reveals nothing.
            if hmac.compare_digest(digest, valid_digest):
                matching_name = name
        return matching_name


def new_token(name: str, prefix: str = "") -> tuple[str, str]:
    """Create a token; returns it and its entry for SCENE_API_TOKENS. Raises UsageError.

    prefix: what it begins with (`Settings.server_prefix`).
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a token name: use 1 to 64 letters, digits, '.', '_' or '-'."
        )
    token = prefix + _PREFIX + secrets.token_urlsafe(32)
    return token, f"{name}:{token_hash(token)}"


def token_hash(token: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
