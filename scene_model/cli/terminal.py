"""What a terminal is shown: progress that overwrites itself, text it cannot be tricked by."""

import sys
import time
from types import TracebackType

_PAUSE_S = 0.1


def printable(text: str) -> str:
    """Escape what a terminal would obey or cannot write."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class ProgressLine:
    """One line on stderr that is written over; nothing where stderr is no terminal."""

    def __init__(self, what: str) -> None:
        """``what``: the plural of what is counted."""
        self._what, self._last, self._is_shown = what, 0.0, False

    def show(self, done: int, total: int | None = None, failed: int = 0) -> None:
        """Show how far it is; not oftener than an eye can read."""
        if not sys.stderr.isatty() or time.monotonic() - self._last < _PAUSE_S and done != total:
            return
        of_all = "" if total is None else f" of {total:,}"
        note = f", {failed:,} failed" if failed else ""
        print(f"\r{done:,}{of_all} {self._what}{note}", end="", file=sys.stderr, flush=True)
        self._last, self._is_shown = time.monotonic(), True

    def __enter__(self) -> "ProgressLine":
        """Begin; the end leaves the line, however it comes."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the line."""
        if self._is_shown:
            print(file=sys.stderr)


def say_end(done: int, failed: int, ignored: int) -> None:
    """Say on stderr what a run over files came to, as far as it was not all well."""
    if ignored:
        print(f"{ignored} files ignored: no pictures by their names.", file=sys.stderr)
    if failed:
        print(f"{failed} of {done} photos failed; each line says why.", file=sys.stderr)
    if not done:
        print("No pictures found.", file=sys.stderr)
