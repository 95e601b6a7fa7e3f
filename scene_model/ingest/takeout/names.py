"""Which ``.json`` of Google Takeout belongs to which file of the same folder.

``IMG_1.jpg`` has ``IMG_1.jpg.json``, or since 2024 ``IMG_1.jpg.supplemental-metadata.json``.
Takeout cuts these names to 51 characters, so that only a part of ``.supplemental-metadata`` or of
the photo's own name is left; writes the number of a repeated name elsewhere (``IMG_1(1).jpg``, but
``IMG_1.jpg(1).json``); replaces characters that file systems forbid; and writes one ``.json`` for a
photo, its edited version and its film.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from scene_model.duplicates.stack_names import EDITED_WORDS
from scene_model.photos.raw.kinds import RAW_SUFFIXES
from scene_model.photos.sniff import PICTURE_SUFFIXES

_SUPPLEMENT = ".supplemental-metadata"
# A name that was cut has 46 characters without ``.json``; a few less where emoji count twice.
_LONG_STEM, _LONGEST_CUT = 36, 60
_NUMBER = re.compile(r"(.*?)\((\d{1,4})\)", re.DOTALL)
_REPLACED = re.compile(r"""[&'"?<>:/\\|*%#`~^;@!=+{}\[\]$,\x00-\x1f]""")
# The ends of the names of edited versions, and of what Google Photos makes of a photo.
EDITED = tuple(
    f"-{word}" for word in (*EDITED_WORDS, "effects", "smile", "mix", "collage", "animation")
)


def comparable(name: str) -> str:
    """Return a name without what Takeout may write in two ways: case, and forbidden characters."""
    return _REPLACED.sub("_", unicodedata.normalize("NFC", name)).casefold()


@dataclass(frozen=True)
class _JsonName:
    """A ``.json`` name in parts. base: the file's name in it, cut or not. raw: without number."""

    name: str
    base: str
    raw: str
    number: int


class FolderJsons:
    """The ``.json`` files of one folder."""

    def __init__(self, titles: Iterable[tuple[str, str]]) -> None:
        """titles: the name of each file, and the title in it."""
        self._exact: dict[tuple[str, int], str] = {}
        self._folded: dict[tuple[str, int], str] = {}
        self._by_title: dict[tuple[str, int], str] = {}
        self._by_stem: dict[tuple[str, int], str] = {}
        self._cut: dict[tuple[str, int], str] = {}
        for name, title in titles:
            self._add(_parts_of(name), title)

    def _add(self, json_name: _JsonName, title: str) -> None:
        name, number = json_name.name, json_name.number
        self._exact.setdefault((json_name.base, number), name)
        self._folded.setdefault((comparable(json_name.base), number), name)
        if title:
            self._by_title.setdefault((comparable(title), number), name)
        for whole in (json_name.base, title):
            path = PurePosixPath(whole)
            if path.suffix.lower() in PICTURE_SUFFIXES:
                self._by_stem.setdefault((comparable(path.stem), number), name)
                # Of Pixel phones: the film of PXL_1.MP.jpg is PXL_1.MP.
                self._by_stem.setdefault((comparable(path.stem.removesuffix(".MP")), number), name)
        if len(json_name.raw) >= _LONG_STEM:
            self._cut.setdefault((comparable(json_name.raw), number), name)

    def match(self, name: str) -> str | None:
        """Return the name of the ``.json`` that describes a file; None for none."""
        own, edited = list(_numbered(name)), list(_originals_of(name))
        for targets in (own, edited):
            # The number of a long name stands behind the place where it was cut.
            for find, order in (
                (self._named, targets),
                (self._shortened, targets[::-1]),
                (self._without_suffix, targets),
                (self._titled, targets),
            ):
                for target, number in order:
                    json_name = find(target, number)
                    if json_name is not None:
                        return json_name
        # Two pictures of one stem are two photos; a film or a RAW file belongs to the picture.
        suffix = PurePosixPath(name).suffix.lower()
        is_picture = suffix in PICTURE_SUFFIXES - RAW_SUFFIXES
        for target, number in (*(() if is_picture else own), *edited):
            json_name = self._of_same_stem(target, number)
            if json_name is not None:
                return json_name
        return None

    def _named(self, target: str, number: int) -> str | None:
        exact = self._exact.get((target, number))
        return exact or self._folded.get((comparable(target), number))

    def _shortened(self, target: str, number: int) -> str | None:
        """Find a name that was cut; of several, the longest says most."""
        if len(PurePosixPath(target).stem) < _LONG_STEM:
            return None
        whole = comparable(target + _SUPPLEMENT)
        for length in range(min(len(whole), _LONGEST_CUT), _LONG_STEM - 1, -1):
            name = self._cut.get((whole[:length], number))
            if name is not None:
                return name
        return None

    def _without_suffix(self, target: str, number: int) -> str | None:
        """Find the ``.json`` of a photo whose title has no suffix."""
        return self._named(PurePosixPath(target).stem, number)

    def _titled(self, target: str, number: int) -> str | None:
        return self._by_title.get((comparable(target), number))

    def _of_same_stem(self, target: str, number: int) -> str | None:
        """Find the ``.json`` of the picture that a film or an edited version belongs to."""
        path = PurePosixPath(target)
        film_of_pixel = self._by_stem.get((comparable(target), number))
        return film_of_pixel or self._by_stem.get((comparable(path.stem), number))


def _parts_of(name: str) -> _JsonName:
    raw, number = _without_number(name[: -len(".json")])
    base = raw
    dot = raw.rfind(".")
    if dot > 0 and _SUPPLEMENT.startswith(raw[dot:].casefold()):
        base = raw[:dot]
    return _JsonName(name, base, raw, number)


def _without_number(text: str) -> tuple[str, int]:
    match = _NUMBER.fullmatch(text)
    return (match[1], int(match[2])) if match and match[1] else (text, 0)


def _numbered(name: str) -> Iterator[tuple[str, int]]:
    """Yield a file's name with the number that its ``.json`` has elsewhere: first none."""
    yield name, 0
    path = PurePosixPath(name)
    stem, number = _without_number(path.stem)
    if number:
        yield f"{stem}{path.suffix}", number


def _originals_of(name: str) -> Iterator[tuple[str, int]]:
    """Yield the names of the photo that a file is an edited version of, with their numbers."""
    path = PurePosixPath(unicodedata.normalize("NFC", name))
    stem, number = _without_number(path.stem)
    for original in _without_edited(stem):
        if number:
            yield f"{original}{path.suffix}", number
            yield f"{original}({number}){path.suffix}", 0
        else:
            yield from _numbered(f"{original}{path.suffix}")


def _without_edited(stem: str) -> Iterator[str]:
    folded = stem.casefold()
    for end in EDITED:
        if folded.endswith(end) and len(stem) > len(end):
            yield stem[: -len(end)]
    # A long name is cut within the word.
    start = stem.rfind("-")
    is_cut = len(stem) >= _LONG_STEM and start > 0
    if is_cut and any(end.startswith(folded[start:]) for end in EDITED):
        yield stem[:start]
