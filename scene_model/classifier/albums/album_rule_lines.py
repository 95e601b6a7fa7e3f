"""Where an album, a rule or a key is in the text of a rule file."""

import re
from collections.abc import Sequence

_ALBUM = re.compile(r"\s*\[\[\s*album\s*\]\]")
_RULE = re.compile(r"\s*\[\[\s*album\s*\.\s*rule\s*\]\]")
_HOME = re.compile(r"\s*\[\s*home\s*\]")
_HEADER = re.compile(r"\s*\[")
# How Python's reader says where it stopped.
_AT_LINE = re.compile(r"at line (\d+)")


def line_of(text: str, path: Sequence[int | str]) -> int | None:
    """Return the line, from 1, that pydantic's path leads to; None for the file as a whole.

    The line of the key, or else of the header of its album or rule.
    """
    lines = text.splitlines()
    match path:
        case ("album", int(album), "rule", int(rule), *rest):
            start = _nth(lines, _ALBUM, album)
            header = None if start is None else _nth(lines, _RULE, rule, start)
        case ("album", int(album), *rest):
            header = _nth(lines, _ALBUM, album)
        case ("home", *rest):
            header = _nth(lines, _HOME, 0)
        case _:
            return None
    if header is None:
        return None
    return (_key_line(lines, header, str(rest[0])) if rest else None) or header


def line_of_syntax_error(message: str, text: str) -> int:
    """Return the line that an error of `tomllib` names, or the last one."""
    match = _AT_LINE.search(message)
    return int(match[1]) if match else max(1, len(text.splitlines()))


def _nth(lines: Sequence[str], header: re.Pattern[str], number: int, after: int = 0) -> int | None:
    """Return the line of a header; number: from 0, of those after a line."""
    matching = [i for i, line in enumerate(lines[after:], after + 1) if header.match(line)]
    return matching[number] if number < len(matching) else None


def _key_line(lines: Sequence[str], header: int, key: str) -> int | None:
    """Return the line of a key below a header, before the next one."""
    written = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*=""")
    for i, line in enumerate(lines[header:], header + 1):
        if _HEADER.match(line):
            return None
        if written.match(line):
            return i
    return None
