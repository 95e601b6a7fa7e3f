"""IPTC records in Photoshop's resources, written anew with keywords, title, author and dates."""

from collections.abc import Iterator

from scene_model.export.strip.parts import MAX_PARTS, NotRebuildable, number, part, require
from scene_model.export.strip.text import is_harmless

HEADER = b"Photoshop 3.0\0"
_RESOURCE = b"8BIM\x04\x04\0\0"
_UTF8 = b"\x1b%G"
_TITLE, _KEYWORD, _AUTHOR, _COPYRIGHT = 5, 25, 80, 116
_DATES = {55: 8, 60: 11}  # day and time with offset, by their lengths


def rebuild(resources: bytes) -> bytes | None:
    """Return Photoshop's resources with only the harmless IPTC; None where there is none.

    resources: what follows `HEADER`.
    """
    try:
        records = b"".join(_harmless(b"".join(_iptc(resources))))
    except NotRebuildable:
        return None
    if not records:
        return None
    size = len(records).to_bytes(4, "big")
    return _RESOURCE + size + records + bytes(len(records) % 2)


def _iptc(resources: bytes) -> Iterator[bytes]:
    """Yield the content of the IPTC resources."""
    position = 0
    while position + 12 <= len(resources):
        require(resources[position : position + 4] == b"8BIM", "not a resource")
        kind = number(resources, position + 4, 2)
        name_bytes = resources[position + 6] + 1
        position += 6 + name_bytes + name_bytes % 2
        size = number(resources, position, 4)
        if kind == 0x0404:
            yield part(resources, position + 4, size)
        position += 4 + size + size % 2


def _harmless(records: bytes) -> Iterator[bytes]:
    is_utf8 = False
    position = 0
    for _ in range(MAX_PARTS):
        if position + 5 > len(records) or records[position] != 0x1C:
            return
        record, dataset = records[position + 1], records[position + 2]
        size = number(records, position + 3, 2)
        if size > 0x7FFF:  # lengths of more than two bytes
            return
        content = part(records, position + 5, size)
        is_utf8 = is_utf8 or (record, dataset, content) == (1, 90, _UTF8)
        if _is_harmless(record, dataset, content, is_utf8):
            yield records[position : position + 5 + size]
        position += 5 + size


def _is_harmless(record: int, dataset: int, content: bytes, is_utf8: bool) -> bool:
    if (record, dataset) == (1, 90):
        return content == _UTF8
    if record != 2:
        return False
    text = content.decode("utf-8" if is_utf8 else "latin-1", "replace")
    if dataset in _DATES:
        return len(text) == _DATES[dataset] and text.replace("+", "").replace("-", "").isdigit()
    return dataset in (_TITLE, _KEYWORD, _AUTHOR, _COPYRIGHT) and is_harmless(text)
