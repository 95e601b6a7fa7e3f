"""Codes that let a phone add photos to one library, and do nothing else.

A code of the upload page ends after hours; the password of a WebDAV inbox lasts until a person
ends it. A code is a random token. The server stores only its SHA-256, so the file below reveals
none. Codes that are over stay in the file for a day, so that a phone is told why it is refused.

LIBRARY/phone.json    the codes of a library in personal mode
VISITORS/phone.json   the codes of all visitors of a shared server
"""

import hashlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from scene_model.config import Settings
from scene_model.errors import PhoneCodeError, UsageError
from scene_model.library.files.file_system import FileSystem, library_error

MAX_LIFETIME_S = 86_400
MAX_ACTIVE = 10
# The end of 9999: of a code that lasts until a person ends it.
NO_END = 253_402_300_799.0
_KEPT_AFTER_END_S = 86_400
_TOKEN_BYTES = 20
_FILE_NAME = "phone.json"

logger = logging.getLogger(__name__)


class CodeUse(StrEnum):
    """Where a code is valid: at the upload page, or, as a password, at the WebDAV inbox."""

    PAGE = "page"
    INBOX = "inbox"


@dataclass(frozen=True)
class PhoneCode:
    """A code for phones.

    id: its public name. owner: of the library, empty in personal mode. address: of this computer in
    the local network, where the page is to be open; empty if the server's own address is used.
    made_at, ends_at: seconds since 1970. ended: whether a person ended it. files, file_bytes: what
    was received. uploads: the ids of its uploads. use: where it is valid.
    """

    id: str
    token_hash: str
    owner: str
    address: str
    made_at: float
    ends_at: float
    ended: bool = False
    files: int = 0
    file_bytes: int = 0
    uploads: tuple[str, ...] = ()
    use: str = CodeUse.PAGE


class PhoneCodes:
    """The codes of one server; thread-safe. Each change is one atomic write."""

    def __init__(
        self, folder: Path, clock: Callable[[], float] = time.time, token_prefix: str = ""
    ) -> None:
        """Read the codes of a folder, if it has any.

        clock: seconds since 1970. token_prefix: what new tokens begin with.
        """
        self._file, self._clock, self._token_prefix = folder / _FILE_NAME, clock, token_prefix
        self._file_system = FileSystem()
        self._changed = threading.Condition()
        self._key, codes = _read(self._file)
        self._codes = {code.id: code for code in codes}
        self._version = 0

    @classmethod
    def of(cls, settings: Settings) -> "PhoneCodes":
        """Read the codes of a server."""
        folder = settings.visitors if settings.is_shared else settings.library
        prefix = settings.server_prefix if settings.is_shared else ""
        return cls(folder.expanduser().absolute(), token_prefix=prefix)

    def make(self, owner: str, lifetime_s: float, address: str = "") -> tuple[PhoneCode, str]:
        """Make a code; returns it and its token, which is not stored.

        Raises UsageError for a lifetime that is not allowed, PhoneCodeError when too many are in
        use, and LibraryUnavailable.
        """
        if not 0 < lifetime_s <= MAX_LIFETIME_S:
            raise UsageError(
                f"A code cannot last {lifetime_s:,.0f} seconds; the limit is {MAX_LIFETIME_S:,}."
            )
        return self._make(owner, address, lifetime_s, CodeUse.PAGE)

    def make_inbox(self, owner: str, address: str) -> tuple[PhoneCode, str]:
        """Make a code for the WebDAV inbox that lasts until it is ended; raises as `make`."""
        return self._make(owner, address, None, CodeUse.INBOX)

    def _make(
        self, owner: str, address: str, lifetime_s: float | None, use: CodeUse
    ) -> tuple[PhoneCode, str]:
        token = self._token_prefix + secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._clock()
        ends_at = NO_END if lifetime_s is None else now + lifetime_s
        code = PhoneCode(
            secrets.token_hex(8), _hash(token), owner, address, now, ends_at, use=use.value
        )
        with self._changed:
            if len(self.active(owner)) >= MAX_ACTIVE:
                raise PhoneCodeError(
                    f"{MAX_ACTIVE} codes for phones are in use, the limit. End one first.",
                    code="too_many_phone_codes",
                )
            self._forget_old(now)
            self._save({**self._codes, code.id: code})
        return code, token

    def find(self, token: str, use: CodeUse = CodeUse.PAGE) -> PhoneCode:
        """Return the code of a token; raises PhoneCodeError when there is none, or it is over.

        use: a code that is valid elsewhere is none.
        """
        digest, matching = _hash(token), None
        for code in list(self._codes.values()):
            # Always compare with all of them, so that the time taken reveals nothing.
            if hmac.compare_digest(digest, code.token_hash) and code.use == use:
                matching = code
        if matching is None:
            raise PhoneCodeError(
                "This code is not valid here. On the computer, open Classify, “From a phone”, and "
                "scan the code that is shown there."
            )
        return self.require_active(matching.id)

    def require_active(self, code_id: str) -> PhoneCode:
        """Return a code that is in use; raises PhoneCodeError when it is over."""
        code = self._codes.get(code_id)
        again = "Make a new code on the computer: Classify, “From a phone”."
        if code is None or code.ended:
            raise PhoneCodeError(
                f"This code was ended on the computer. {again}", code="phone_code_ended"
            )
        if self._clock() >= code.ends_at:
            raise PhoneCodeError(
                f"The time of this code is over. {again}", code="phone_code_expired"
            )
        return code

    def active(self, owner: str | None = None, use: CodeUse | None = None) -> list[PhoneCode]:
        """Return the codes in use, oldest first; owner, use: only those of one library or use."""
        now = self._clock()
        return [
            code
            for code in list(self._codes.values())
            if not code.ended
            and now < code.ends_at
            and owner in (None, code.owner)
            and use in (None, code.use)
        ]

    def move(self, code_id: str, owner: str, address: str) -> None:
        """Let a code of an owner be used at another address of this computer."""
        with self._changed:
            code = self._codes.get(code_id)
            if code is not None and code.owner == owner:
                self._save({**self._codes, code_id: replace(code, address=address)})

    def end(self, code_id: str, owner: str) -> PhoneCode | None:
        """End a code of an owner at once; returns it, None when the owner has no such code."""
        with self._changed:
            code = self._codes.get(code_id)
            if code is None or code.owner != owner:
                return None
            ends_at = min(code.ends_at, self._clock())
            self._save({**self._codes, code_id: replace(code, ended=True, ends_at=ends_at)})
            return code

    def add_upload(self, code_id: str, upload_id: str) -> None:
        """Record that an upload belongs to a code."""
        with self._changed:
            code = self._codes.get(code_id)
            if code is not None:
                uploads = (*code.uploads, upload_id)
                self._save({**self._codes, code_id: replace(code, uploads=uploads)})

    def count(self, code_id: str, files: int, file_bytes: int) -> None:
        """Count what a code received; written with the next change, since it is called often.

        A file that failed is taken off by negative numbers.
        """
        with self._changed:
            code = self._codes.get(code_id)
            if code is not None:
                files, file_bytes = code.files + files, code.file_bytes + file_bytes
                self._codes[code_id] = replace(code, files=files, file_bytes=file_bytes)

    def upload_ids(self) -> frozenset[str]:
        """Return the ids of all uploads that phones began."""
        return frozenset(id for code in list(self._codes.values()) for id in code.uploads)

    def library_key(self, owner: str) -> str:
        """Return a name of a library, by which a phone remembers what it sent there."""
        return hashlib.sha256(f"{self._key}:{owner}".encode()).hexdigest()[:16]

    def wait_for_change(self, version: int, timeout_s: float) -> int:
        """Wait until the codes differ from a version, or one in use is over; returns the version.

        Begin with version 0.
        """
        with self._changed:
            ends = [code.ends_at - self._clock() for code in self.active()]
            if version == self._version:
                self._changed.wait(max(0.05, min([timeout_s, *ends])))
            return self._version

    def _forget_old(self, now: float) -> None:
        self._codes = {
            id: code for id, code in self._codes.items() if now - code.ends_at < _KEPT_AFTER_END_S
        }

    def _save(self, codes: dict[str, PhoneCode]) -> None:
        """Write the codes, then use them; the caller holds the lock."""
        rows = {"key": self._key, "codes": [asdict(code) for code in codes.values()]}
        try:
            self._file_system.write_whole(
                self._file, json.dumps(rows).encode("utf-8"), self._file.parent
            )
        except OSError as error:
            raise library_error(error, self._file.parent) from error
        self._codes = codes
        self._version += 1
        self._changed.notify_all()


def _read(file: Path) -> tuple[str, list[PhoneCode]]:
    """Return the stored key and codes; new ones where there are none that can be read."""
    try:
        rows: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        codes = [PhoneCode(**{**row, "uploads": tuple(row["uploads"])}) for row in rows["codes"]]
        return str(rows["key"]), codes
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.warning("the codes for phones are forgotten, since they cannot be read: %s", error)
    return secrets.token_hex(16), []


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
