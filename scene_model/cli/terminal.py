"""Terminal output: a progress line on stderr, and text without control characters."""

import sys
import time
from types import TracebackType

_MIN_INTERVAL_S = 0.1
_BAR_WIDTH = 20
_FIRST_RATE_S = 1.0  # earlier rates are not meaningful


def printable(text: str) -> str:
    """Escape characters that a terminal would interpret or cannot print."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 photo``, ``1,200 photos``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def agrees(question: str) -> bool:
    """Ask for a yes on a terminal; where nobody can answer, it is a no."""
    if not sys.stdin.isatty():
        return False
    try:
        return input(f"{question} [y/N] ").strip().casefold() in ("y", "yes")
    except EOFError:
        return False


def progress_text(what: str, done: int, total: int | None, failed: int, elapsed_s: float) -> str:
    """Return the count with rate, and with a known total a bar and the time left.

    what: a plural noun first, such as "photos" or "photos checked".
    """
    text = f"{done:,} {_agreeing(what, done)}"
    if total:
        filled = round(_BAR_WIDTH * done / total)
        bar = f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}]"  # ASCII, for any terminal
        text = f"{bar} {done:,} of {total:,} {_agreeing(what, total)}"
    if elapsed_s >= _FIRST_RATE_S and done:
        rate = done / elapsed_s
        text += f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.1f}/s"
        if total and done < total:
            text += f", {_duration((total - done) / rate)} left"
    return text + (f", {failed:,} failed" if failed else "")


def _agreeing(what: str, number: int) -> str:
    """Put the first noun into the singular for 1."""
    noun, space, verb = what.partition(" ")
    return noun.removesuffix("s") + space + verb if number == 1 else what


def _duration(seconds: float) -> str:
    minutes, seconds_part = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02d}:{seconds_part:02d}" if hours else f"{minutes}:{seconds_part:02d}"
    return f"{hours}:{clock}" if hours else clock


class ProgressLine:
    """One line on stderr that overwrites itself; prints nothing unless stderr is a terminal."""

    def __init__(self, what: str) -> None:
        """``what``: the plural noun of the items, with an optional verb: "photos checked"."""
        self._what, self._last, self._is_shown = what, 0.0, False
        self._is_terminal = sys.stderr.isatty()
        self._started = time.monotonic()

    def show(self, done: int, total: int | None = None, failed: int = 0, reasons: str = "") -> None:
        """Show the progress, at most every `_MIN_INTERVAL_S`, and always at the end.

        reasons: why some failed, for the end of the line.
        """
        if (
            not self._is_terminal
            or time.monotonic() - self._last < _MIN_INTERVAL_S
            and done != total
        ):
            return
        now = time.monotonic()
        line = progress_text(self._what, done, total, failed, now - self._started)
        line += f" ({reasons})" if reasons else ""
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)
        self._last, self._is_shown = now, True

    def __enter__(self) -> "ProgressLine":
        """Return the line; leaving the block ends it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the line with a line break."""
        if self._is_shown:
            print(file=sys.stderr)


def print_summary(done: int, failed: int, ignored: int) -> None:
    """Print ignored and failed files of a run on stderr, and if there were no pictures."""
    if ignored:
        print(f"{counted(ignored, 'file')} ignored: not named like pictures.", file=sys.stderr)
    if failed:
        total = counted(done, "photo")
        print(f"{failed:,} of {total} failed, with the reason on each line.", file=sys.stderr)
    if not done:
        print("No pictures found.", file=sys.stderr)
