"""Colour profiles, reduced to the tags that describe colours (ICC.1:2022)."""

from scene_model.export.strip.parts import NotRebuildable, number, part, require
from scene_model.export.strip.text import has_coordinates

_HEADER_BYTES, _ENTRY_BYTES, _MAX_BYTES, _MAX_TAGS = 128, 12, 8 << 20, 100
_MAX_TEXT_BYTES = 1 << 16
_COLOURS = frozenset(
    b"A2B0 A2B1 A2B2 A2B3 B2A0 B2A1 B2A2 B2A3 B2D0 B2D1 B2D2 B2D3 D2B0 D2B1 D2B2 D2B3 "
    b"rXYZ gXYZ bXYZ rTRC gTRC bTRC kTRC wtpt bkpt chad chrm cicp gamt lumi meas pre0 pre1 "
    b"pre2 rig0 rig2 tech view".split()
)
# Names of the profile and its maker; their text is checked.
_TEXTS = frozenset(b"desc dscm cprt dmnd dmdd vued".split())
_TEXT_TYPES = (b"desc", b"text", b"mluc")


def rebuild(profile: bytes) -> bytes | None:
    """Return a profile with its harmless tags, the same bytes if it has no others.

    None for what is no profile.
    """
    try:
        return _rebuilt(profile)
    except NotRebuildable:
        return None


def _rebuilt(profile: bytes) -> bytes:
    require(len(profile) <= _MAX_BYTES, "a profile of this size is none")
    require(profile[36:40] == b"acsp", "no profile")
    count = number(profile, _HEADER_BYTES, 4)
    require(count <= _MAX_TAGS, "too many tags")
    table_end = _HEADER_BYTES + 4 + count * _ENTRY_BYTES
    contents: dict[bytes, bytes] = {}
    places: dict[int, int] = {}
    for start in range(_HEADER_BYTES + 4, table_end, _ENTRY_BYTES):
        entry = part(profile, start, _ENTRY_BYTES)
        offset, size = number(entry, 4, 4), number(entry, 8, 4)
        require(offset >= table_end, "a tag inside the table")
        content = part(profile, offset, size)
        if _is_harmless(entry[:4], content):
            contents.setdefault(entry[:4], content)
            places[offset] = size + -size % 4
    is_whole = len(contents) == count and table_end + sum(places.values()) == len(profile)
    if is_whole and not any(profile[100:_HEADER_BYTES]):
        return profile
    return _written(profile[:_HEADER_BYTES], contents)


def _is_harmless(tag: bytes, content: bytes) -> bool:
    if tag in _COLOURS:
        return content[:4] not in _TEXT_TYPES
    return tag in _TEXTS and content[:4] in _TEXT_TYPES and _is_harmless_text(content)


def _is_harmless_text(content: bytes) -> bool:
    text = content.replace(b"\0", b"").decode("latin-1")  # ASCII, also of UTF-16
    return len(content) <= _MAX_TEXT_BYTES and not has_coordinates(text)


def _written(header: bytes, contents: dict[bytes, bytes]) -> bytes:
    offset = _HEADER_BYTES + 4 + _ENTRY_BYTES * len(contents)
    places: dict[bytes, int] = {}
    table, body = [len(contents).to_bytes(4, "big")], bytearray()
    for tag, content in contents.items():
        if content not in places:  # tags may share a content: often the three curves
            places[content] = offset + len(body)
            body += content + bytes(-len(content) % 4)
        table.append(tag + places[content].to_bytes(4, "big") + len(content).to_bytes(4, "big"))
    size = offset + len(body)
    # The 16 bytes from 84 are a checksum of the profile, 44 bytes at most; 0 is none.
    return b"".join([size.to_bytes(4, "big"), header[4:84], bytes(44), *table, body])
