"""Read XMP: the fields of a packet, rating and dates in it, and where a photo's sidecar is."""

import datetime
import math
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
}
MAX_RATING = 5
_MAX_BYTES, _MAX_VALUES = 4 << 20, 1000
_RATING, _BURST_ID = "xmp:Rating", "GCamera:BurstID"
# Those that say more about taking the photo come first.
_DATES = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]{8,64}")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?"
)


def sidecar_path(photo: Path) -> Path:
    """Return the path of a photo's sidecar, or where to create it.

    Lightroom writes IMG_1.XMP, digiKam and darktable IMG_1.JPG.xmp. New ones use the second form,
    which cannot belong to a second photo as well.
    """
    default = photo.with_name(f"{photo.name}.xmp")
    candidates = (
        default,
        photo.with_name(f"{photo.name}.XMP"),
        *map(photo.with_suffix, (".xmp", ".XMP")),
    )
    return next((path for path in candidates if path.exists()), default)


def sidecar_rating(photo: Path) -> int | None:
    """Return the rating in a photo's sidecar, from 0 (none) to 5.

    None where it states none, cannot be read, or is larger than 4 MB.
    """
    path = sidecar_path(photo)
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return None
        return rating_of(path.read_bytes())
    except OSError:
        return None


def sidecar_date(photo: Path) -> str | None:
    """Return the date taken in a photo's sidecar; None as in `sidecar_rating`."""
    path = sidecar_path(photo)
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return None
        return date_of(path.read_bytes())
    except OSError:
        return None


def date_of(packet: bytes) -> str | None:
    """Return the date taken in a packet; None where it states none."""
    if not any(name.partition(":")[2].encode() in packet for name in _DATES):
        return None
    fields = fields_of(packet)
    texts = (text for name in _DATES for text in fields.get(name, ())[:1])
    return next(filter(None, map(read_date, texts)), None)


def rating_of(packet: bytes) -> int | None:
    """Return the rating in a packet, from 0 (none) to 5; None where it states none."""
    # Most photos have no rating, and looking for the word is quicker than reading the fields.
    if _RATING.partition(":")[2].encode() not in packet:
        return None
    texts = fields_of(packet).get(_RATING)
    return read_rating(texts[0]) if texts else None


def burst_id_of_xmp(packet: bytes) -> str | None:
    """Return the identifier that Google's camera gives the photos of one burst; None for none."""
    if _BURST_ID.partition(":")[2].encode() not in packet:
        return None
    texts = fields_of(packet).get(_BURST_ID)
    return texts[0] if texts and _IDENTIFIER.fullmatch(texts[0]) else None


def read_rating(text: str) -> int | None:
    """Read the value of ``xmp:Rating``: -1 ("rejected") and 0 are 0; None for what is no rating."""
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value) or not -1 <= value <= MAX_RATING:
        return None
    return max(0, round(value))


def read_date(text: str) -> str | None:
    """Normalise ISO 8601, as in XMP or typed; None for text that is no date or has no day.

    ``2024-07-15 12:30`` becomes ``2024-07-15T12:30:00``; a fraction of a second is left out.
    """
    match = _ISO.fullmatch(text.strip())
    if match is None:
        return None
    day, minute, second, zone = match.groups()
    taken_at = day if minute is None else f"{day}T{minute}{second or ':00'}{zone or ''}"
    taken_at = taken_at.replace("Z", "+00:00")
    try:
        moment = datetime.datetime.fromisoformat(taken_at)
    except ValueError:
        return None
    return taken_at if moment.year >= 1826 else None  # the first photograph


def fields_of(packet: bytes) -> dict[str, list[str]]:
    """Return the texts of the fields in our namespaces, by names such as ``dc:subject``.

    A packet that cannot be read, or is larger than 4 MB, has none.
    """
    packet = packet.rstrip(b"\0 \r\n\t")
    # XMP needs no `<!`, which could declare entities that expand a small packet without limit.
    if len(packet) > _MAX_BYTES or b"<!" in packet or b"\0" in packet:
        return {}
    try:
        # No entities: see above.
        root = ElementTree.fromstring(packet)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError):
        return {}
    values: dict[str, list[str]] = {}
    rdf = root if root.tag == f"{{{RDF}}}RDF" else root.find(f"{{{RDF}}}RDF")
    for description in [] if rdf is None else rdf.findall(f"{{{RDF}}}Description"):
        for name, texts in _fields_in(description):
            values.setdefault(name, texts)
    return values


def _fields_in(description: ElementTree.Element) -> Iterator[tuple[str, list[str]]]:
    for name, text in description.attrib.items():
        yield _short(name), [text]
    for element in description:
        yield _short(element.tag), _texts_of(element)


def _short(name: str) -> str:
    """``{http://purl.org/dc/elements/1.1/}subject`` → ``dc:subject``; "" for other namespaces."""
    namespace, _, local = name.removeprefix("{").partition("}")
    return next((f"{p}:{local}" for p, uri in NAMESPACES.items() if uri == namespace), "")


def _texts_of(element: ElementTree.Element) -> list[str]:
    """Return the text of a field, or those of its list; of alternatives, the first."""
    for kind in ("Bag", "Seq", "Alt"):
        items = element.findall(f"{{{RDF}}}{kind}/{{{RDF}}}li")
        if items:
            texts = [(item.text or "").strip() for item in items[:_MAX_VALUES]]
            return texts[:1] if kind == "Alt" else list(dict.fromkeys(texts))
    return [(element.text or "").strip()]
