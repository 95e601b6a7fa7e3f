"""Companion files of a photo, matched by name: sidecars, RAW files, the video of a Live Photo."""

import os.path
import re
from collections.abc import Iterable

from scene_model.photos.raw.kinds import RAW_SUFFIXES
from scene_model.photos.sniff import MEDIA_SUFFIXES
from scene_model.photos.video.kinds import VIDEO_SUFFIXES

# After the photo's stem (IMG_1.XMP) or its whole name (IMG_1.JPG.xmp).
_SIDECARS = frozenset(".xmp .aae .pp3 .dop .thm .json".split())
# A second recording of the same moment, after the photo's stem.
_PAIRED_SUFFIXES = RAW_SUFFIXES | {".mov", ".mp4", ".wav"}
# Google Takeout: NAME.supplemental-metadata.json, truncated to 46 characters.
_TAKEOUT_WORD, _TAKEOUT_LENGTH = "supplemental-metadata", 46
_TAKEOUT_NUMBER = re.compile(r"(.*?)(\(\d+\))?", re.DOTALL)


def is_photo_name(name: str) -> bool:
    """Whether a name is a photo's or a video's.

    "._NAME" is not: macOS writes those metadata files.
    """
    return os.path.splitext(name)[1].lower() in MEDIA_SUFFIXES and not name.startswith("._")


def companions(names: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Match the files of one folder: companions by photo, and the files without a photo.

    A companion of two photos (IMG_1.JPG and IMG_1.PNG) goes with the first in name order. A RAW
    file is a companion of a JPEG or other picture with its stem, and a photo where there is none. A
    MOV or MP4 is one of a picture of either kind.
    """
    ordered = sorted(names)
    named = [name for name in ordered if is_photo_name(name)]
    pictures = {_stem(name) for name in named if not _is_video(name)}
    not_raw = {_stem(name) for name in named if not (_is_video(name) or _is_raw(name))}
    photos: dict[str, list[str]] = {
        name: []
        for name in named
        if not (_is_raw(name) and _stem(name) in not_raw)
        and not (_is_paired_video(name) and _stem(name) in pictures)
    }
    other_names = [name for name in ordered if name not in photos]
    by_name: dict[str, str] = {}
    by_stem: dict[str, str] = {}
    if other_names:
        for photo in photos:
            by_name.setdefault(photo.casefold(), photo)
            by_stem.setdefault(_stem(photo), photo)
    unmatched = []
    for name in other_names:
        owner = _find_photo(name, by_name, by_stem)
        if owner is None:
            unmatched.append(name)
        else:
            photos[owner].append(name)
    return photos, unmatched


def _is_raw(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in RAW_SUFFIXES


def _is_video(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES


def _is_paired_video(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES & _PAIRED_SUFFIXES


def _stem(name: str) -> str:
    return os.path.splitext(name)[0].casefold()


def renamed(companion: str, photo: str, new_photo: str) -> str:
    """Return a companion's name after its photo is renamed; the part after the stem stays."""
    stem, new_stem = os.path.splitext(photo)[0], os.path.splitext(new_photo)[0]
    if companion.casefold().startswith(photo.casefold()):
        return new_photo + companion[len(photo) :]
    if companion.casefold().startswith(stem.casefold()):
        return new_stem + companion[len(stem) :]
    return new_stem + os.path.splitext(companion)[1]  # Takeout's IMG.jpg(1).json of IMG(1).jpg


def _find_photo(name: str, by_name: dict[str, str], by_stem: dict[str, str]) -> str | None:
    stem, suffix = os.path.splitext(name.casefold())
    if suffix in _SIDECARS:
        if stem in by_name:
            return by_name[stem]
        raw_stem, raw_suffix = os.path.splitext(stem)
        if raw_suffix in _PAIRED_SUFFIXES and raw_stem in by_stem:
            return by_stem[raw_stem]
        photo = _takeout_photo(stem, by_name) if suffix == ".json" else None
        return photo or by_stem.get(stem)
    return by_stem.get(stem) if suffix in _PAIRED_SUFFIXES else None


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
    candidates = [photo for folded, photo in by_name.items() if folded.startswith(base)]
    return candidates[0] if len(candidates) == 1 else None
