"""The result of checking a library."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One problem in a library.

    code: for scripts. message: for people. photo: id of the photo concerned. file: absolute path
    of the file concerned. is_repaired: it was repaired, and the message says how.
    """

    code: str
    message: str
    photo: str | None = None
    file: Path | None = None
    is_repaired: bool = False


@dataclass(frozen=True)
class VerifyResult:
    """Result of a check.

    orphans_dir: where a repair moved files and rows without a photo. remote_unchecked: number of
    photos whose original is at a URL and was not fetched.
    """

    photo_count: int
    problems: tuple[Problem, ...] = ()
    orphans_dir: Path | None = None
    remote_unchecked: int = 0

    @property
    def unrepaired(self) -> tuple[Problem, ...]:
        """The problems that were not repaired."""
        return tuple(problem for problem in self.problems if not problem.is_repaired)
