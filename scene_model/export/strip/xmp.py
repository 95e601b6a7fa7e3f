"""XMP packets, written anew with tags, rating, dates, title and author only."""

import re
from collections.abc import Callable
from xml.sax.saxutils import escape

from scene_model.export.strip.text import is_harmless, is_iso_date
from scene_model.photos.xmp import NAMESPACES, RDF, fields_of

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
    values = fields_of(packet)
    lines = [
        _line(field, kind, harmless)
        for field, kind, is_allowed in _FIELDS
        if (harmless := [text for text in values.get(field, ()) if is_allowed(text)])
    ]
    if not lines:
        return None
    used = [p for p in NAMESPACES if any(line.startswith(f"<{p}:") for line in lines)]
    declared = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in used)
    text = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
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
