"""What belongs to a photo by its name: sidecars, raw twins, the film of a Live Photo."""

import os.path
import re
from collections.abc import Iterable

from scene_model.photos.sniff import PICTURE_SUFFIXES

# After the photo's stem (IMG_1.XMP) or its whole name (IMG_1.JPG.xmp).
_SIDECARS = frozenset(".xmp .aae .pp3 .dop .thm .json".split())
# Another recording of the same moment, after the photo's stem.
_TWINS = frozenset(
    ".mov .mp4 .wav .cr2 .cr3 .crw .nef .nrw .arw .sr2 .dng .raf .orf .rw2 .pef .srw .rwl".split()
)
# Google Takeout: NAME.supplemental-metadata.json, cut off so that the whole fits 46 characters.
_TAKEOUT_WORD, _TAKEOUT_LENGTH = "supplemental-metadata", 46
_TAKEOUT_NUMBER = re.compile(r"(.*?)(\(\d+\))?", re.DOTALL)


def is_photo_name(name: str) -> bool:
    """Tell whether a file is taken for a photo; "._NAME" is macOS's own note beside it."""
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES and not name.startswith("._")


def companions(names: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Give each photo of one folder what belongs to it; returns also what belongs to none.

    A companion of two photos (IMG_1.JPG and IMG_1.PNG) goes with the one that comes first.
    """
    ordered = sorted(names)
    photos: dict[str, list[str]] = {name: [] for name in ordered if is_photo_name(name)}
    others = [name for name in ordered if name not in photos]
    by_name: dict[str, str] = {}
    by_stem: dict[str, str] = {}
    if others:
        for photo in photos:
            by_name.setdefault(photo.casefold(), photo)
            by_stem.setdefault(os.path.splitext(photo)[0].casefold(), photo)
    alone = []
    for name in others:
        photo_of = _photo_of(name, by_name, by_stem)
        if photo_of is None:
            alone.append(name)
        else:
            photos[photo_of].append(name)
    return photos, alone


def renamed(companion: str, photo: str, new_photo: str) -> str:
    """A companion's name once its photo is called otherwise: what follows the stem stays."""
    stem, new_stem = os.path.splitext(photo)[0], os.path.splitext(new_photo)[0]
    if companion.casefold().startswith(photo.casefold()):
        return new_photo + companion[len(photo) :]
    if companion.casefold().startswith(stem.casefold()):
        return new_stem + companion[len(stem) :]
    return new_stem + os.path.splitext(companion)[1]  # Takeout's IMG.jpg(1).json of IMG(1).jpg


def _photo_of(name: str, by_name: dict[str, str], by_stem: dict[str, str]) -> str | None:
    stem, suffix = os.path.splitext(name.casefold())
    if suffix in _SIDECARS:
        if stem in by_name:
            return by_name[stem]
        raw_stem, raw_suffix = os.path.splitext(stem)
        if raw_suffix in _TWINS and raw_stem in by_stem:
            return by_stem[raw_stem]
        found = _takeout_photo(stem, by_name) if suffix == ".json" else None
        return found or by_stem.get(stem)
    return by_stem.get(stem) if suffix in _TWINS else None


def _takeout_photo(stem: str, by_name: dict[str, str]) -> str | None:
    matched = _TAKEOUT_NUMBER.fullmatch(stem)
    base, number = (matched[1], matched[2] or "") if matched else (stem, "")
    head, _, tail = base.rpartition(".")
    if head and tail and _TAKEOUT_WORD.startswith(tail):
        base = head
    before, suffix = os.path.splitext(base)
    exact = by_name.get(f"{before}{number}{suffix}")
    if exact is not None or len(base) < _TAKEOUT_LENGTH - 1 or number:
        return exact
    begun = [photo for folded, photo in by_name.items() if folded.startswith(base)]
    return begun[0] if len(begun) == 1 else None
