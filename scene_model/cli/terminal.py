"""What a terminal is shown: progress that overwrites itself, text it cannot be tricked by."""

import sys
import time
from types import TracebackType

_PAUSE_S = 0.1
_BAR_WIDTH = 20
_FIRST_RATE_S = 1.0  # before that a rate says nothing


def printable(text: str) -> str:
    """Escape what a terminal would obey or cannot write."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def progress_text(what: str, done: int, total: int | None, failed: int, elapsed_s: float) -> str:
    """A bar where the end is known, the count, the rate, and the time left."""
    said = f"{done:,} {what}"
    if total:
        filled = round(_BAR_WIDTH * done / total)
        bar = f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}]"  # any terminal can write it
        said = f"{bar} {done:,} of {total:,} {what}"
    if elapsed_s >= _FIRST_RATE_S and done:
        rate = done / elapsed_s
        said += f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.1f}/s"
        if total and done < total:
            said += f", {_duration((total - done) / rate)} left"
    return said + (f", {failed:,} failed" if failed else "")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class ProgressLine:
    """One line on stderr that is written over; nothing where stderr is no terminal."""

    def __init__(self, what: str) -> None:
        """``what``: the plural of what is counted."""
        self._what, self._last, self._is_shown = what, 0.0, False
        self._is_terminal = sys.stderr.isatty()
        self._started = time.monotonic()

    def show(self, done: int, total: int | None = None, failed: int = 0) -> None:
        """Show how far it is; not oftener than an eye can read."""
        if not self._is_terminal or time.monotonic() - self._last < _PAUSE_S and done != total:
            return
        now = time.monotonic()
        line = progress_text(self._what, done, total, failed, now - self._started)
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)
        self._last, self._is_shown = now, True

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
