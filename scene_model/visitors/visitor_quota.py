"""The quota of each visitor, and of all visitors together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from scene_model.config import Settings
from scene_model.errors import QuotaExceeded
from scene_model.library.store import Library
from scene_model.visitors.usage import Usage


class Receiving:
    """The bytes of one request of a visitor while it is received; see `Reception`."""

    def __init__(self, settings: Settings, usage: Usage, owner: str, announced_bytes: int) -> None:
        """announced_bytes: counted already."""
        self._settings, self._usage, self._owner = settings, usage, owner
        self._announced_bytes, self._received_bytes = announced_bytes, 0
        self._has_ended = False

    def __enter__(self) -> Self:
        """Return the reception."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the reception."""
        self.end()

    def received(self, file_bytes: int) -> None:
        """Count bytes that arrive; raises QuotaExceeded when they exceed a limit."""
        announced = min(file_bytes, self._announced_bytes)
        self._announced_bytes -= announced
        self._received_bytes += file_bytes
        total = self._usage.arrive(self._owner, file_bytes, announced)
        if file_bytes > announced and total > self._settings.visitor_max_bytes:
            raise _too_many_bytes(self._settings, total - file_bytes, file_bytes)
        require_room_on_server(self._settings, self._usage, 0)

    def finish(self) -> None:
        """Keep counting what has arrived."""
        self._end(kept=True)

    def end(self) -> None:
        """Count nothing of it any more, unless it was finished."""
        self._end(kept=False)

    def _end(self, kept: bool) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._usage.end_arrival(self._owner, self._received_bytes, self._announced_bytes, kept)


@dataclass(frozen=True)
class VisitorQuota:
    """The limits of one visitor, and of all visitors together."""

    settings: Settings
    usage: Usage
    owner: str
    folder: Path
    library: Library
    _storing: threading.Lock = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Share the lock with the quotas of this owner that are still in use."""
        object.__setattr__(self, "_storing", self.usage.storing_lock(self.owner))

    def require(self, photos: int, file_bytes: int) -> None:
        """Raise QuotaExceeded when that many more would exceed a limit."""
        if photos:
            self._require_photos(photos)
        limit, in_flight = self.settings.visitor_max_bytes, self.usage.in_flight(self.owner)
        stored_bytes = self.usage.stored_bytes(self.owner, self.folder)
        if stored_bytes + in_flight + file_bytes > limit:
            stored_bytes = self.usage.measure(self.owner, self.folder)
        if stored_bytes + in_flight + file_bytes > limit:
            raise _too_many_bytes(self.settings, stored_bytes + in_flight, file_bytes)
        require_room_on_server(self.settings, self.usage, file_bytes)

    def receiving(self, file_bytes: int) -> Receiving:
        """Hold room for bytes that a sender announces; raises QuotaExceeded without room."""
        self.require(0, file_bytes)
        # Another request may have been faster.
        limit = self.settings.visitor_max_bytes
        if not self.usage.announce(self.owner, file_bytes, limit):
            in_use = self.usage.stored_bytes(self.owner, self.folder)
            in_use += self.usage.in_flight(self.owner)
            raise _too_many_bytes(self.settings, in_use, file_bytes)
        return Receiving(self.settings, self.usage, self.owner, file_bytes)

    @contextmanager
    def one_photo(self, file_bytes: int) -> Iterator[None]:
        """Hold the place of one photo while it is stored; raises QuotaExceeded without one."""
        with self._storing:
            self._require_photos(1)
            with self.receiving(file_bytes) as reception:
                reception.received(file_bytes)
                yield
                reception.finish()

    def _require_photos(self, photos: int) -> None:
        limit, stored = self.settings.visitor_max_photos, self.photos()
        if stored + photos > limit:
            added = "1 photo" if photos == 1 else f"{photos:,} photos"
            raise QuotaExceeded(
                f"The library holds {stored:,}, and {added} would be added; the limit is "
                f"{limit:,} for each visitor. Send fewer, or remove some and empty the trash."
            )

    def photos(self) -> int:
        """Count the stored photos; those in the trash take space as well."""
        return self.library.count() + self.library.count(trashed=True)


def require_room_on_server(settings: Settings, usage: Usage, file_bytes: int) -> None:
    """Raise QuotaExceeded when all visitors together would exceed the server's limit."""
    if usage.total() + file_bytes > settings.server_max_bytes:
        raise QuotaExceeded(
            f"The limit for all visitors together is {_gb(settings.server_max_bytes)}, and it is "
            "reached. Try again later, when photos of other visitors have been removed."
        )


def _too_many_bytes(settings: Settings, stored_bytes: int, file_bytes: int) -> QuotaExceeded:
    return QuotaExceeded(
        f"The library takes {_gb(stored_bytes)}, and {_gb(file_bytes)} would be added; "
        f"the limit is {_gb(settings.visitor_max_bytes)} for each visitor. Send fewer, or "
        "remove some and empty the trash."
    )


def _gb(file_bytes: int) -> str:
    return f"{file_bytes / 1e9:,.2f} GB" if file_bytes >= 1e9 else f"{file_bytes / 1e6:,.1f} MB"
