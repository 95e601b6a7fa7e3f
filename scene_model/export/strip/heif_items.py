"""The items of HEIF and AVIF, as their ``meta`` box lists them (ISO/IEC 23008-12)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from scene_model.export.strip.boxes import Reader, boxes
from scene_model.export.strip.parts import MAX_PARTS, part, require

_MAX_ITEMS = 10_000


@dataclass
class Item:
    """One picture or metadata: its type, properties as (number, essential), and extents.

    in_idat: the extents count from the ``idat`` box, not from the beginning of the file.
    """

    kind: bytes
    content_type: bytes = b""
    is_hidden: bool = False
    properties: list[tuple[int, bool]] = field(default_factory=list)
    in_idat: bool = False
    extents: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Items:
    """All items by id, the primary one, references by kind and source, properties in order."""

    primary: int = 0
    items: dict[int, Item] = field(default_factory=dict)
    references: dict[tuple[bytes, int], list[int]] = field(default_factory=dict)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    idat: memoryview = field(default_factory=lambda: memoryview(b""))

    def targets(self, kind: bytes, source: int) -> list[int]:
        """Return the items that one refers to."""
        return self.references.get((kind, source), [])

    def content(self, item: Item, file: memoryview) -> bytes:
        """Return the bytes of an item; raises NotRebuildable."""
        source = self.idat if item.in_idat else file
        extents = item.extents
        if len(extents) == 1 and not extents[0][1]:  # up to the end
            extents = [(extents[0][0], len(source) - extents[0][0])]
        require(sum(size for _, size in extents) <= len(source), "extents that overlap")
        return b"".join(part(source, start, size) for start, size in extents)


def read_items(meta: memoryview) -> Items:
    """Read a ``meta`` box; raises NotRebuildable."""
    parts: dict[bytes, memoryview] = {}
    for kind, content in boxes(meta[4:]):
        require(kind not in parts or kind not in _READERS, "a box twice")
        parts[kind] = content
    require(all(kind in parts for kind in (b"pitm", b"iinf", b"iloc", b"iprp")), "no items")
    read = Items(idat=parts.get(b"idat", memoryview(b"")))
    for kind, reader in _READERS.items():  # in this order: the items come first
        if kind in parts:
            reader(read, parts[kind])
    return read


def _read_primary(read: Items, content: memoryview) -> None:
    reader = Reader(content)
    version = reader.number(4) >> 24
    read.primary = reader.number(4 if version else 2)


def _read_infos(read: Items, content: memoryview) -> None:
    version = content[0] if content else 0
    for kind, entry in boxes(content[8 if version else 6 :]):
        require(kind == b"infe" and len(read.items) < _MAX_ITEMS, "an unknown item")
        reader = Reader(entry)
        head = reader.number(4)
        require(head >> 24 in (2, 3), "items of an old version")
        item_id = reader.number(4 if head >> 24 == 3 else 2)
        require(item_id not in read.items, "an item twice")
        is_protected = reader.number(2) != 0
        item = Item(b"" if is_protected else reader.content(4), is_hidden=bool(head & 1))
        if item.kind == b"mime":
            reader.text()  # its name
            item.content_type = reader.text()
        read.items[item_id] = item


def _read_references(read: Items, content: memoryview) -> None:
    id_bytes, total = 4 if content and content[0] else 2, 0
    for kind, entry in boxes(content[4:]):
        reader = Reader(entry)
        source, count = reader.number(id_bytes), reader.number(2)
        targets = read.references.setdefault((kind, source), [])
        targets += [reader.number(id_bytes) for _ in range(count)]
        total += count
        require(total <= MAX_PARTS, "too many references")


def _read_locations(read: Items, content: memoryview) -> None:
    reader = Reader(content)
    version = reader.number(4) >> 24
    sizes = reader.number(2)
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes, total = sizes & 15 if version else 0, 0
    for _ in range(reader.number(4 if version == 2 else 2)):
        item = read.items.get(reader.number(4 if version == 2 else 2), Item(b""))
        method = reader.number(2) & 15 if version else 0
        is_elsewhere = reader.number(2) != 0
        if method > 1 or is_elsewhere:
            item.kind = b""
        item.in_idat, base = method == 1, reader.number(base_bytes)
        require(not item.extents, "a location twice")
        for _ in range(reader.number(2)):
            reader.number(index_bytes)
            start = base + reader.number(offset_bytes)
            item.extents.append((start, reader.number(length_bytes)))
            total += 1
            require(total <= MAX_PARTS, "too many extents")


def _read_properties(read: Items, content: memoryview) -> None:
    total = 0
    for kind, entry in boxes(content):
        if kind == b"ipco":
            read.properties += [(kind, bytes(content)) for kind, content in boxes(entry)]
        else:
            require(kind == b"ipma", "an unknown box of properties")
            for item_id, number, is_essential in _associations(Reader(entry)):
                total += 1
                require(total <= MAX_PARTS, "too many properties")
                if item_id in read.items and number:
                    read.items[item_id].properties.append((number - 1, is_essential))


def _associations(reader: Reader) -> Iterator[tuple[int, int, bool]]:
    head = reader.number(4)
    id_bytes, size = 4 if head >> 24 else 2, 2 if head & 1 else 1
    for _ in range(reader.number(4)):
        item_id = reader.number(id_bytes)
        for _ in range(reader.number(1)):
            value = reader.number(size)
            top = 0x8000 if size == 2 else 0x80
            yield item_id, value & top - 1, bool(value & top)


_READERS = {
    b"pitm": _read_primary,
    b"iinf": _read_infos,
    b"iref": _read_references,
    b"iloc": _read_locations,
    b"iprp": _read_properties,
}
