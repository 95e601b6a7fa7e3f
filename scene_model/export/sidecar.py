"""Tags that travel with the photo: XMP sidecars that others read, and keywords that others wrote.

As digiKam and Lightroom have it: ``dc:subject`` holds plain keywords, ``lr:hierarchicalSubject``
and ``digiKam:TagsList`` their paths. Which of them a model said, which one and how surely, stands
in ``sceneGallery:automatic``, so that they are never taken for a person's word.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import exiv2

from scene_model.classifier.labels import HUMAN
from scene_model.errors import SidecarDamaged
from scene_model.library.file_system import FileSystem

NAMESPACE, PREFIX = "https://scene-gallery.example/xmp/1.0/", "sceneGallery"
_SUBJECT, _AUTOMATIC = "Xmp.dc.subject", f"Xmp.{PREFIX}.automatic"
_LIGHTROOM, _DIGIKAM = "Xmp.lr.hierarchicalSubject", "Xmp.digiKam.TagsList"
_IPTC_KEYWORDS = "Iptc.Application2.Keywords"
# Adobe's XMP toolkit inside is one for the process, and not made for threads.
_TOOLKIT = threading.Lock()


@dataclass(frozen=True)
class Keyword:
    """One tag as it leaves.

    name: what people read. head: which label set said so, or HUMAN. score: in [0, 1]; None for a
    person's. bundle: the model that said so.
    """

    name: str
    head: str = HUMAN
    score: float | None = None
    bundle: str | None = None

    @property
    def is_human(self) -> bool:
        """Tell whether a person said it."""
        return self.head == HUMAN

    @property
    def path(self) -> tuple[str, ...]:
        """Its place in a tree of keywords: a person's at the top, a model's under its head."""
        return (self.name,) if self.is_human else (self.head, self.name)

    @property
    def provenance(self) -> str:
        """Name, head, score and model in one line."""
        return f"{self.name}; {self.head}; {self.score or 0:.4f}; {self.bundle or ''}"


def sidecar_of(photo: Path) -> Path:
    """Where a photo's sidecar is, or else goes.

    IMG_1.XMP is Lightroom's, IMG_1.JPG.xmp digiKam's and darktable's; the second is never another
    photo's as well.
    """
    long = photo.with_name(f"{photo.name}.xmp")
    others = (photo.with_name(f"{photo.name}.XMP"), *map(photo.with_suffix, (".xmp", ".XMP")))
    return long if long.exists() else next((path for path in others if path.exists()), long)


def merged(existing: bytes | None, keywords: Sequence[Keyword]) -> bytes:
    """A sidecar's new content: ours come in, automatic ones that no longer hold go out.

    existing: the sidecar that is there; every other field in it stays, and every keyword that is
    not ours. Raises SidecarDamaged.
    """
    with _TOOLKIT:
        image = _opened(existing)
        fields = image.xmpData()
        if existing is not None and fields.empty():
            # The toolkit takes what is cut short for empty; writing would lose what is there.
            raise SidecarDamaged(
                "The XMP that is there holds no field that can be read. It is left as it is; move "
                "it away to have a new one written."
            )
        before = {_name_of(line) for line in _texts(fields, _AUTOMATIC)}
        now = list(dict.fromkeys(keyword.name for keyword in keywords))
        gone = before - set(now)
        kept = [name for name in _texts(fields, _SUBJECT) if name not in gone]
        _set(fields, _SUBJECT, [*kept, *(name for name in now if name not in kept)])
        for key, separator in ((_LIGHTROOM, "|"), (_DIGIKAM, "/")):
            paths = [path for path in _texts(fields, key) if _leaf(path, separator) not in gone]
            leaves = {_leaf(path, separator) for path in paths}
            ours = [k.path for k in keywords if k.name not in leaves]
            _set(fields, key, [*paths, *dict.fromkeys(separator.join(path) for path in ours)])
        _set(fields, _AUTOMATIC, [k.provenance for k in keywords if not k.is_human])
        image.writeMetadata()
        return bytes(image.data())


def write_sidecar(
    photo: Path, keywords: Sequence[Keyword], file_system: FileSystem | None = None
) -> Path:
    """Write or complete a photo's sidecar, whole or not at all; returns where it is.

    Raises SidecarDamaged, which leaves it as it is, and OSError.
    """
    path = sidecar_of(photo)
    existing = path.read_bytes() if path.exists() else None
    new = merged(existing, keywords)
    if new != existing:
        (file_system or FileSystem()).write_whole(path, new, path.parent)
    return path


def read_keywords(photo: bytes, sidecar: bytes | None = None) -> list[str]:
    """Keywords that people gave a photo in other programs, each once, in their order.

    Out of its XMP, its IPTC and its sidecar; those that a model said, by ``sceneGallery``, are
    left out. What cannot be read holds none.
    """
    found: dict[str, None] = {}
    with _TOOLKIT:
        for data in (photo, sidecar):
            try:
                image = _opened(data) if data else None
            except SidecarDamaged:
                image = None
            if image is not None:
                found |= dict.fromkeys(_keywords_in(image))
    return [name for name in found if name.strip()]


def _keywords_in(image: Any) -> Iterable[str]:
    fields = image.xmpData()
    automatic = {_name_of(line) for line in _texts(fields, _AUTOMATIC)}
    names = _texts(fields, _SUBJECT)
    names += [_leaf(path, "|") for path in _texts(fields, _LIGHTROOM)]
    names += [_leaf(path, "/") for path in _texts(fields, _DIGIKAM)]
    for datum in image.iptcData():
        if datum.key() == _IPTC_KEYWORDS:
            names.append(_decoded(bytes(datum.value().data())))
    return [name for name in names if name not in automatic]


def _opened(data: bytes | None) -> Any:
    exiv2.XmpProperties.registerNs(NAMESPACE, PREFIX)
    try:
        if data is None:
            return exiv2.ImageFactory.create(exiv2.ImageType.xmp)
        image = exiv2.ImageFactory.open(data)
        image.readMetadata()
    except exiv2.Exiv2Error as error:
        raise SidecarDamaged(
            f"The XMP that is there cannot be read: {error}. It is left as it is; move it away "
            "to have a new one written."
        ) from error
    return image


def _texts(fields: Any, key: str) -> list[str]:
    if fields.findKey(exiv2.XmpKey(key)) == fields.end():
        return []
    value = fields[key].value()
    if isinstance(value, exiv2.XmpArrayValue):
        return [str(item) for item in value]
    return [str(value)]


def _set(fields: Any, key: str, texts: list[str]) -> None:
    if texts:
        kind = exiv2.TypeId.xmpSeq if key == _DIGIKAM else exiv2.TypeId.xmpBag
        fields[key] = exiv2.XmpArrayValue(texts, kind)
    elif fields.findKey(exiv2.XmpKey(key)) != fields.end():
        del fields[key]


def _leaf(path: str, separator: str) -> str:
    return path.rpartition(separator)[2]


def _name_of(line: str) -> str:
    return line.rsplit("; ", 3)[0]


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # what IPTC meant before it had a word for the charset
