"""XMP sidecars: write tags, ratings and dates for other programs, and read those that they wrote.

As in digiKam and Lightroom, ``dc:subject`` holds plain keywords, ``lr:hierarchicalSubject`` and
``digiKam:TagsList`` hold their paths. ``sceneGallery:automatic`` lists the keywords a model
predicted, with model and score, so that they are never read as a person's tags.
"""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import exiv2

from scene_model.classifier.labels import HUMAN
from scene_model.errors import SidecarDamaged
from scene_model.library.files.file_system import FileSystem
from scene_model.photos.xmp import read_rating, sidecar_path

NAMESPACE, PREFIX = "https://scene-gallery.example/xmp/1.0/", "sceneGallery"
_SUBJECT, _AUTOMATIC = "Xmp.dc.subject", f"Xmp.{PREFIX}.automatic"
_LIGHTROOM, _DIGIKAM = "Xmp.lr.hierarchicalSubject", "Xmp.digiKam.TagsList"
_RATING, _DESCRIPTION = "Xmp.xmp.Rating", "Xmp.dc.description"
_DATES = ("Xmp.exif.DateTimeOriginal", "Xmp.photoshop.DateCreated")
_IPTC_KEYWORDS = "Iptc.Application2.Keywords"
# Adobe's XMP toolkit inside exiv2 has process-wide state and is not thread-safe.
_TOOLKIT = threading.Lock()


@dataclass(frozen=True)
class Keyword:
    """One tag in a sidecar.

    name: the display name. head: the label set that predicted it, or HUMAN. score: in [0, 1];
    None for a person's tag. bundle: the model that predicted it.
    """

    name: str
    head: str = HUMAN
    score: float | None = None
    bundle: str | None = None

    @property
    def is_human(self) -> bool:
        """Whether a person gave the tag."""
        return self.head == HUMAN

    @property
    def path(self) -> tuple[str, ...]:
        """Its path in a keyword tree: a person's tag at the top level, a model's under its head."""
        return (self.name,) if self.is_human else (self.head, self.name)

    @property
    def provenance(self) -> str:
        """Name, head, score and model on one line."""
        return f"{self.name}; {self.head}; {self.score or 0:.4f}; {self.bundle or ''}"


def merge_keywords(
    existing: bytes | None,
    keywords: Sequence[Keyword],
    rating: int = 0,
    taken_at: str | None = None,
    description: str | None = None,
) -> bytes:
    """Return a sidecar's new content: keywords added, outdated automatic ones removed.

    existing: the current sidecar; its other fields and the keywords of other programs stay.
    rating: from 1 to 5; with 0 for none, the rating of another program stays. taken_at: the date of
    the photo, ISO 8601; with None, a date in the sidecar stays. description: added where the
    sidecar has none.
    Raises SidecarDamaged.
    """
    with _TOOLKIT:
        image = _open_xmp(existing)
        fields = image.xmpData()
        if existing is not None and fields.empty():
            # The toolkit reads a truncated file as empty; writing would lose its content.
            raise SidecarDamaged(
                "The existing XMP sidecar has no readable field. It was not changed; move it away "
                "to have a new one written."
            )
        before = {_keyword_name(line) for line in _values(fields, _AUTOMATIC)}
        now = list(dict.fromkeys(keyword.name for keyword in keywords))
        outdated = before - set(now)
        remaining = [name for name in _values(fields, _SUBJECT) if name not in outdated]
        _set_values(
            fields, _SUBJECT, [*remaining, *(name for name in now if name not in remaining)]
        )
        for key, separator in ((_LIGHTROOM, "|"), (_DIGIKAM, "/")):
            paths = [p for p in _values(fields, key) if _leaf(p, separator) not in outdated]
            leaves = {_leaf(path, separator) for path in paths}
            added = [separator.join(k.path) for k in keywords if k.name not in leaves]
            _set_values(fields, key, [*paths, *dict.fromkeys(added)])
        _set_values(fields, _AUTOMATIC, [k.provenance for k in keywords if not k.is_human])
        if rating:
            fields[_RATING] = str(rating)
        for key in _DATES if taken_at else ():
            fields[key] = taken_at
        if description and not _values(fields, _DESCRIPTION):
            texts = exiv2.LangAltValue()
            texts["x-default"] = description
            fields[_DESCRIPTION] = texts
        image.writeMetadata()
        return bytes(image.data())


def write_sidecar(
    photo: Path,
    keywords: Sequence[Keyword],
    file_system: FileSystem | None = None,
    rating: int = 0,
    taken_at: str | None = None,
    description: str | None = None,
) -> Path:
    """Create or update a photo's sidecar atomically; returns its path.

    rating, taken_at, description: see `merge_keywords`. Raises SidecarDamaged, without changing the
    file, and OSError.
    """
    path = sidecar_path(photo)
    existing = path.read_bytes() if path.exists() else None
    new = merge_keywords(existing, keywords, rating, taken_at, description)
    if new != existing:
        # Beside a person's own photos, with the permissions that new files have there.
        (file_system or FileSystem()).write_whole(path, new, path.parent, mode=0o666)
    return path


def read_keywords(photo: bytes, sidecar: bytes | None = None) -> list[str]:
    """Return the keywords a person gave a photo in other programs, without repeats, in order.

    Reads its XMP, its IPTC and its sidecar; keywords listed in ``sceneGallery:automatic`` are left
    out. A source that cannot be read counts as empty.
    """
    keywords: dict[str, None] = {}
    with _TOOLKIT:
        for image in _readable(photo, sidecar):
            keywords |= dict.fromkeys(_keywords_in(image))
    return [name for name in keywords if name.strip()]


def read_imported_rating(photo: bytes, sidecar: bytes | None = None) -> int | None:
    """Return the rating in a photo's sidecar, or else in its XMP, from 0 (none) to 5.

    None where neither states one. A source that cannot be read counts as empty.
    """
    with _TOOLKIT:
        for image in _readable(sidecar, photo):
            texts = _values(image.xmpData(), _RATING)
            rating = read_rating(texts[0]) if texts else None
            if rating is not None:
                return rating
    return None


def _readable(*sources: bytes | None) -> Iterator[Any]:
    for data in sources:
        with contextlib.suppress(SidecarDamaged):
            if data:
                yield _open_xmp(data)


def _keywords_in(image: Any) -> Iterable[str]:
    fields = image.xmpData()
    automatic = {_keyword_name(line) for line in _values(fields, _AUTOMATIC)}
    names = _values(fields, _SUBJECT)
    names += [_leaf(path, "|") for path in _values(fields, _LIGHTROOM)]
    names += [_leaf(path, "/") for path in _values(fields, _DIGIKAM)]
    for datum in image.iptcData():
        if datum.key() == _IPTC_KEYWORDS:
            names.append(_decode_iptc(bytes(datum.value().data())))
    return [name for name in names if name not in automatic]


def _open_xmp(data: bytes | None) -> Any:
    exiv2.XmpProperties.registerNs(NAMESPACE, PREFIX)
    try:
        if data is None:
            return exiv2.ImageFactory.create(exiv2.ImageType.xmp)
        image = exiv2.ImageFactory.open(data)
        image.readMetadata()
    except exiv2.Exiv2Error as error:
        raise SidecarDamaged(
            f"The existing XMP sidecar cannot be read: {error}. It was not changed; move it away "
            "to have a new one written."
        ) from error
    return image


def _values(fields: Any, key: str) -> list[str]:
    if fields.findKey(exiv2.XmpKey(key)) == fields.end():
        return []
    value = fields[key].value()
    if isinstance(value, exiv2.XmpArrayValue):
        return [str(item) for item in value]
    return [str(value)]


def _set_values(fields: Any, key: str, texts: list[str]) -> None:
    if texts:
        kind = exiv2.TypeId.xmpSeq if key == _DIGIKAM else exiv2.TypeId.xmpBag
        fields[key] = exiv2.XmpArrayValue(texts, kind)
    elif fields.findKey(exiv2.XmpKey(key)) != fields.end():
        del fields[key]


def _leaf(path: str, separator: str) -> str:
    return path.rpartition(separator)[2]


def _keyword_name(line: str) -> str:
    return line.rsplit("; ", 3)[0]


def _decode_iptc(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # the usual encoding before IPTC declared a charset
