"""Access for phones as the pages give it, around services of a test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scene_model.ingest.phone.codes import PhoneCodes
from scene_model.ingest.phone.phone_uploads import PhoneLimits, PhoneUploads
from scene_model.services import Services

LIMITS = PhoneLimits(files=20, file_bytes=4_000_000)


class Phones:
    """Codes in a folder, and the libraries they belong to by their owners."""

    def __init__(
        self,
        folder: Path,
        services_of: Callable[[str], Services],
        clock: Callable[[], float],
        limits: PhoneLimits = LIMITS,
    ) -> None:
        self.codes = PhoneCodes(folder, clock)
        self.uploads = PhoneUploads(self.codes, limits)
        self._services_of = services_of
        self.present_owners: list[str] = []

    def services(self, owner: str) -> Services:
        assert owner in self.present_owners, "the library may be closed during the request"
        return self._services_of(owner)

    @contextmanager
    def present(self, owner: str) -> Iterator[None]:
        self.present_owners.append(owner)
        yield
        self.present_owners.remove(owner)


class Clock:
    """A clock that the test sets: seconds since 1970."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now
