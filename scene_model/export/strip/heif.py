"""HEIF and AVIF: the primary picture with its tiles and transparency, EXIF, XMP and profile.

Thumbnails, depth, gain maps, further pictures and what is no picture stay behind. What has frames
of a film, or parts that cannot be checked, is not rebuilt.
"""

from collections.abc import Iterator

from scene_model.export.strip import codes, exif, icc, xmp
from scene_model.export.strip.boxes import box, boxes, full_box
from scene_model.export.strip.heif_items import Item, Items, read_items
from scene_model.export.strip.parts import Piece, require

_MAJOR = frozenset({b"mif1", b"mif2", b"heic", b"heix", b"heim", b"heis", b"avif"})
_BRANDS = _MAJOR | {b"miaf", b"MA1A", b"MA1B", b"1pic"}
_XMP_TYPE = b"application/rdf+xml"
_ALPHA = (
    b"urn:mpeg:hevc:2015:auxid:1\0",
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
)
# Properties of fixed size, with their bytes; others are rebuilt or left out.
_PROPERTY_BYTES = {
    b"ispe": 12,
    b"pasp": 8,
    b"clap": 32,
    b"irot": 1,
    b"imir": 1,
    b"clli": 4,
    b"mdcv": 24,
    b"lsel": 2,
    b"a1op": 1,
}
_NO_VERSION, _IDS = bytes(4), 1 << 16
_References = list[tuple[bytes, int, list[int]]]


def rebuild(data: bytes) -> list[Piece]:
    """Return the pieces of a rebuilt HEIF or AVIF; raises NotRebuildable."""
    view = memoryview(data)
    parts: dict[bytes, memoryview] = {}
    for kind, content in boxes(view):
        require(kind not in (b"moov", b"moof"), "frames of a film")
        require(kind not in parts or kind not in (b"ftyp", b"meta"), "a box twice")
        parts[kind] = content
    require(b"ftyp" in parts and b"meta" in parts, "no items")
    items = read_items(parts[b"meta"])
    contents, references = _pictures(items, view)
    for item_id, rebuilt in _metadata(items, view):
        contents[item_id] = rebuilt
        references.append((b"cdsc", item_id, [items.primary]))
    file_type = _file_type(bytes(parts[b"ftyp"]))
    meta = _meta(items, contents, references, 0)
    start = len(file_type) + len(meta) + 8
    meta = _meta(items, contents, references, start)
    return [file_type, meta, box(b"mdat", *contents.values())]


def _file_type(content: bytes) -> bytes:
    brands = [content[start : start + 4] for start in range(8, len(content) - 3, 4)]
    major = content[:4] if content[:4] in _MAJOR else next((b for b in brands if b in _MAJOR), b"")
    require(major != b"", "a kind of file that is not known")
    kept = dict.fromkeys([major, *(brand for brand in brands if brand in _BRANDS)])
    return box(b"ftyp", major, bytes(4), *kept)


def _pictures(items: Items, file: memoryview) -> tuple[dict[int, bytes], _References]:
    """Return the rebuilt pictures that the primary one needs, and how they refer to each other."""
    alphas = _alphas(items)
    contents: dict[int, bytes] = {}
    references: _References = []
    needed, total = [items.primary], 0
    while needed:
        item_id = needed.pop()
        if item_id in contents:
            continue
        require(item_id in items.items and item_id < _IDS, "a picture that is not there")
        contents[item_id] = _picture(items, items.items[item_id], file)
        total += len(contents[item_id])
        require(total <= len(file), "pictures that overlap")
        parts = items.targets(b"dimg", item_id)
        if parts:
            references.append((b"dimg", item_id, parts))
        for alpha in alphas.get(item_id, []):
            references.append((b"auxl", alpha, [item_id]))
            if items.targets(b"prem", item_id) == [alpha]:
                references.append((b"prem", item_id, [alpha]))
        needed += [*alphas.get(item_id, []), *parts]
    return dict(sorted(contents.items())), references


def _alphas(items: Items) -> dict[int, list[int]]:
    """Return the items that hold the transparency of others."""
    alphas: dict[int, list[int]] = {}
    for (kind, source), targets in items.references.items():
        if kind == b"auxl" and _is_alpha(items, source):
            for target in targets:
                alphas.setdefault(target, []).append(source)
    return alphas


def _is_alpha(items: Items, item_id: int) -> bool:
    item = items.items.get(item_id)
    return item is not None and any(
        items.properties[index] == (b"auxC", _NO_VERSION + alpha)
        for index, _ in item.properties
        if index < len(items.properties)
        for alpha in _ALPHA
    )


def _picture(items: Items, item: Item, file: memoryview) -> bytes:
    """Return the rebuilt content of a picture."""
    content = items.content(item, file)
    if item.kind == b"hvc1":
        return codes.hevc_picture(content, _property(items, item, b"hvcC"))
    if item.kind == b"av01":
        rebuilt = codes.av1_picture(content)
        has_layers = _property(items, item, b"a1lx", is_needed=False) != b""
        require(not has_layers or rebuilt == content, "sizes of layers that change")
        return rebuilt
    if item.kind == b"grid":
        require(len(content) == (12 if content[1:2] == b"\1" else 8), "a grid of another size")
        return content
    require(item.kind == b"iden" and not content, "a picture of an unknown kind")
    return content


def _property(items: Items, item: Item, kind: bytes, is_needed: bool = True) -> bytes:
    for index, _ in item.properties:
        if index < len(items.properties) and items.properties[index][0] == kind:
            return items.properties[index][1]
    require(not is_needed, "a picture without its configuration")
    return b""


def _metadata(items: Items, file: memoryview) -> Iterator[tuple[int, bytes]]:
    """Yield the first EXIF and the first XMP of the primary picture, rebuilt."""
    read_kinds = set[bytes]()
    for item_id, item in items.items.items():
        is_of_primary = items.primary in items.targets(b"cdsc", item_id)
        if not is_of_primary or item_id >= _IDS or item.kind in read_kinds:
            continue
        rebuilt: bytes | None
        if item.kind == b"Exif":
            content = items.content(item, file)
            start = 4 + int.from_bytes(content[:4], "big")
            tiff = exif.rebuild(content[start:])
            rebuilt = tiff and b"\0\0\0\6Exif\0\0" + tiff
        elif item.content_type == _XMP_TYPE:
            rebuilt = xmp.rebuild(items.content(item, file))
        else:
            continue
        read_kinds.add(item.kind)
        if rebuilt:
            yield item_id, rebuilt


def _meta(
    items: Items,
    contents: dict[int, bytes],
    references: _References,
    start: int,
) -> bytes:
    """Write the ``meta`` box; start: where the contents begin in the file."""
    infos, locations = [], []
    for item_id, content in contents.items():
        item = items.items[item_id]
        name = b"\0" + (item.content_type + b"\0" if item.kind == b"mime" else b"")
        head = item_id.to_bytes(2, "big") + bytes(2)
        infos.append(full_box(b"infe", 2, int(item.is_hidden), head, item.kind, name))
        extent = start.to_bytes(4, "big") + len(content).to_bytes(4, "big")
        locations.append(head + b"\0\1" + extent)
        start += len(content)
    require(start < 1 << 32, "larger than these boxes can say")
    count = len(contents).to_bytes(2, "big")
    written = [
        full_box(b"hdlr", 0, 0, bytes(4), b"pict", bytes(13)),
        full_box(b"pitm", 0, 0, items.primary.to_bytes(2, "big")),
        full_box(b"iloc", 0, 0, b"\x44\0", count, *locations),
        full_box(b"iinf", 0, 0, count, *infos),
        full_box(b"iref", 0, 0, *map(_reference, references)) if references else b"",
        _properties(items, contents),
    ]
    return full_box(b"meta", 0, 0, *written)


def _reference(reference: tuple[bytes, int, list[int]]) -> bytes:
    kind, source, targets = reference
    numbers = (source, len(targets), *targets)
    return box(kind, *(value.to_bytes(2, "big") for value in numbers))


def _properties(items: Items, contents: dict[int, bytes]) -> bytes:
    """Write the properties that the remaining pictures use, with new numbers."""
    used = {index for item_id in contents for index, _ in items.items[item_id].properties}
    require(all(index < len(items.properties) for index in used), "a property that is not there")
    rebuilt = {index: _rebuilt_property(*items.properties[index]) for index in sorted(used)}
    kept = {index: written for index, written in rebuilt.items() if written is not None}
    places = {index: place for place, index in enumerate(kept, 1)}
    require(len(kept) < 0x8000, "too many properties")
    associations = []
    for item_id in contents:
        values = []
        for index, is_essential in items.items[item_id].properties:
            require(index in kept or not is_essential, "an unknown property")
            if index in kept:
                place = places[index] | (0x8000 if is_essential else 0)
                values.append(place.to_bytes(2, "big"))
        require(len(values) < 256, "too many properties")
        if values:
            head = item_id.to_bytes(2, "big") + bytes((len(values),))
            associations.append(head + b"".join(values))
    count = len(associations).to_bytes(4, "big")
    return box(
        b"iprp",
        box(b"ipco", *kept.values()),
        full_box(b"ipma", 0, 1, count, *associations),
    )


def _rebuilt_property(kind: bytes, content: bytes) -> bytes | None:
    """Return a property's box; None for one that is not known to be harmless."""
    rebuilt: bytes | None = None
    if len(content) == _property_bytes(kind, content):
        rebuilt = content
    elif kind == b"hvcC":
        rebuilt = codes.hevc_configuration(content)
    elif kind == b"av1C":
        rebuilt = codes.av1_configuration(content)
    elif kind == b"auxC" and content.startswith(tuple(_NO_VERSION + alpha for alpha in _ALPHA)):
        rebuilt = _NO_VERSION + content[4:].partition(b"\0")[0] + b"\0"
    elif kind == b"colr":
        rebuilt = _rebuilt_colour(content)
    return None if rebuilt is None else box(kind, rebuilt)


def _property_bytes(kind: bytes, content: bytes) -> int | None:
    """Return how many bytes of numbers a property has; None for one of other contents."""
    if kind == b"pixi":  # a depth for each of up to four channels
        return 5 + min(content[4], 4) if len(content) > 4 else None
    if kind == b"a1lx":
        return 13 if content[:1] == b"\1" else 7
    return _PROPERTY_BYTES.get(kind)


def _rebuilt_colour(content: bytes) -> bytes | None:
    if content[:4] == b"nclx":
        return content if len(content) == 11 else None
    profile = icc.rebuild(content[4:]) if content[:4] in (b"prof", b"rICC") else None
    return None if profile is None else content[:4] + profile
