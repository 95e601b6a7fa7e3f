"""XMP packets, written anew with tags, rating, dates, title and author only."""

import re
from collections.abc import Callable, Iterator
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from scene_model.export.strip.text import is_harmless, is_iso_date

_MAX_BYTES, _MAX_VALUES = 4 << 20, 1000
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
}
_LANGUAGE = "x-default"


def _is_rating(text: str) -> bool:
    return re.fullmatch(r"-1|[0-5](\.0{1,2})?", text) is not None


def _is_orientation(text: str) -> bool:
    return re.fullmatch(r"[1-8]", text) is not None


# The field; how its values are grouped; whether a value is harmless.
_FIELDS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("dc:subject", "Bag", is_harmless),
    ("dc:title", "Alt", is_harmless),
    ("dc:creator", "Seq", is_harmless),
    ("dc:rights", "Alt", is_harmless),
    ("lr:hierarchicalSubject", "Bag", is_harmless),
    ("digiKam:TagsList", "Seq", is_harmless),
    ("xmp:Label", "", is_harmless),
    ("xmp:Rating", "", _is_rating),
    ("xmp:CreateDate", "", is_iso_date),
    ("xmp:ModifyDate", "", is_iso_date),
    ("exif:DateTimeOriginal", "", is_iso_date),
    ("photoshop:DateCreated", "", is_iso_date),
    ("tiff:Orientation", "", _is_orientation),
)


def rebuild(packet: bytes) -> bytes | None:
    """Return a packet with the harmless fields; None where there are none.

    A packet that cannot be read has none.
    """
    values = _values(packet)
    lines = [
        _line(field, kind, harmless)
        for field, kind, is_allowed in _FIELDS
        if (harmless := [text for text in values.get(field, ()) if is_allowed(text)])
    ]
    if not lines:
        return None
    used = [p for p in _NAMESPACES if any(line.startswith(f"<{p}:") for line in lines)]
    declared = "".join(f' xmlns:{prefix}="{_NAMESPACES[prefix]}"' for prefix in used)
    text = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">'
        f'<rdf:Description rdf:about=""{declared}>{"".join(lines)}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )
    return text.encode("utf-8")


def _line(field: str, kind: str, texts: list[str]) -> str:
    if not kind:
        return f"<{field}>{escape(texts[0])}</{field}>"
    language = f' xml:lang="{_LANGUAGE}"' if kind == "Alt" else ""
    items = "".join(f"<rdf:li{language}>{escape(text)}</rdf:li>" for text in texts)
    return f"<{field}><rdf:{kind}>{items}</rdf:{kind}></{field}>"


def _values(packet: bytes) -> dict[str, list[str]]:
    """Read the texts of the fields we know."""
    packet = packet.rstrip(b"\0 \r\n\t")
    # No XMP has a declaration; entities would make a small packet large.
    if len(packet) > _MAX_BYTES or b"<!" in packet or b"\0" in packet:
        return {}
    try:
        # No entities: see above.
        root = ElementTree.fromstring(packet)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError):
        return {}
    values: dict[str, list[str]] = {}
    rdf = root if root.tag == f"{{{_RDF}}}RDF" else root.find(f"{{{_RDF}}}RDF")
    for description in [] if rdf is None else rdf.findall(f"{{{_RDF}}}Description"):
        for name, texts in _fields_of(description):
            values.setdefault(name, texts)
    return values


def _fields_of(description: ElementTree.Element) -> Iterator[tuple[str, list[str]]]:
    for name, text in description.attrib.items():
        yield _short(name), [text]
    for element in description:
        yield _short(element.tag), _texts_of(element)


def _short(name: str) -> str:
    """``{http://purl.org/dc/elements/1.1/}subject`` → ``dc:subject``; "" for other namespaces."""
    namespace, _, local = name.removeprefix("{").partition("}")
    return next((f"{p}:{local}" for p, uri in _NAMESPACES.items() if uri == namespace), "")


def _texts_of(element: ElementTree.Element) -> list[str]:
    """Return the text of a field, or those of its list; of alternatives, the first."""
    for kind in ("Bag", "Seq", "Alt"):
        items = element.findall(f"{{{_RDF}}}{kind}/{{{_RDF}}}li")
        if items:
            texts = [(item.text or "").strip() for item in items[:_MAX_VALUES]]
            return texts[:1] if kind == "Alt" else list(dict.fromkeys(texts))
    return [(element.text or "").strip()]
