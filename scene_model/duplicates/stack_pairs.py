"""Which photos belong in one stack: the rules, without the library.

RAW and JPEG, and the picture and the film of a Live Photo, have one name; an edited version has the
name of its original with a mark. Beside the name, what is known of the photos decides: cameras
count from 0001 again, so one name may be two photos. The identifier that a phone wrote into the
picture and the film of a Live Photo needs no other evidence.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from scene_model.duplicates.stack_names import stack_name
from scene_model.library.stacks.stack_rows import StackKind
from scene_model.photos.dates import CHANGED
from scene_model.photos.raw.kinds import RAW_FORMATS
from scene_model.photos.video.kinds import VIDEO_FORMATS

# A RAW file and its JPEG have one time; an editor may round it.
_SAME_S = 2
# The film of a Live Photo begins before the picture, and may have the time of its end.
_LIVE_S = 5
# Containers of films have UTC, pictures local time: zones differ by quarters of an hour.
_ZONE_S, _ZONES_S = 15 * 60, 15 * 60 * 60
_LIVE_PICTURES = ("JPEG", "HEIF")
# More photos of one name in one folder are no pairs: "image.jpg" of a thousand messages.
MAX_OF_A_NAME = 60
# How many values `pick_position` has.
PLACES = 6


@dataclass(frozen=True)
class Candidate:
    """What is known of a photo that may be joined.

    taken_at: the date of its own data, with its source; a person's date says nothing of pairs.
    folder: where it was; None where that is not known.
    """

    number: int
    name: str
    format: str
    folder: str | None = None
    taken_at: str | None = None
    taken_source: str | None = None
    camera: str | None = None
    content_id: str | None = None

    @property
    def is_film(self) -> bool:
        """Whether it is a video."""
        return self.format in VIDEO_FORMATS

    @property
    def is_raw(self) -> bool:
        """Whether it is a RAW file."""
        return self.format in RAW_FORMATS


@dataclass(frozen=True)
class Join:
    """Photos that belong in one stack. numbers: in the order in which they are picked."""

    kind: StackKind
    numbers: tuple[int, ...]


def joins(candidates: Iterable[Candidate]) -> list[Join]:
    """Return the stacks of photos, of which each is in at most one."""
    groups: dict[tuple[str, ...], list[Candidate]] = {}
    for photo in candidates:
        groups.setdefault(("name", stack_name(photo.name).base, photo.folder or ""), []).append(
            photo
        )
        if photo.content_id:
            groups.setdefault(("content", photo.content_id), []).append(photo)
    members: dict[int, list[Candidate]] = {}
    kinds: dict[int, set[StackKind]] = {}
    for group in groups.values():
        if not 1 < len(group) <= MAX_OF_A_NAME:
            continue
        for first, second in combinations(group, 2):
            kind = pair_kind(first, second)
            if kind is not None:
                _join(members, kinds, first, second, kind)
    return [
        Join(_kind(kinds[id(group)]), tuple(photo.number for photo in in_pick_order(group)))
        for group in {id(group): group for group in members.values()}.values()
    ]


def pair_kind(first: Candidate, second: Candidate) -> StackKind | None:
    """Return why two photos belong in one stack; None where they do not."""
    is_film_pair = first.is_film != second.is_film
    if is_film_pair and first.content_id and first.content_id == second.content_id:
        return StackKind.LIVE
    first_name, second_name = stack_name(first.name), stack_name(second.name)
    if first_name.base != second_name.base or first.folder != second.folder:
        return None
    if first_name.is_edit != second_name.is_edit:
        is_pair = not is_film_pair and _is_one_shot(first, second, is_edit=True)
        return StackKind.EDIT if is_pair else None
    if first_name.stem != second_name.stem:
        return None
    if is_film_pair:
        return StackKind.LIVE if _is_live_pair(first, second) else None
    is_pair = first.is_raw != second.is_raw and not first.is_film
    return StackKind.RAW_JPEG if is_pair and _is_one_shot(first, second) else None


def in_pick_order(group: Iterable[Candidate]) -> list[Candidate]:
    """Return photos as they are picked: edited versions, pictures, RAW files, films."""
    return sorted(group, key=lambda photo: (pick_position(photo), photo.number))


def pick_position(photo: Candidate) -> int:
    """Return the place of a photo among those of its stack; the lowest is picked."""
    kind = 2 if photo.is_film else 1 if photo.is_raw else 0
    return 2 * kind + (not stack_name(photo.name).is_edit)


def _join(
    members: dict[int, list[Candidate]],
    kinds: dict[int, set[StackKind]],
    first: Candidate,
    second: Candidate,
    kind: StackKind,
) -> None:
    """Put two photos in one group, with all others of theirs."""
    group = members.setdefault(first.number, [first])
    other = members.setdefault(second.number, [second])
    if group is not other:
        group.extend(other)
        for photo in other:
            members[photo.number] = group
    kinds[id(group)] = kinds.get(id(group), set()) | kinds.get(id(other), set()) | {kind}


def _kind(kinds: set[StackKind]) -> StackKind:
    order = (StackKind.EDIT, StackKind.LIVE, StackKind.RAW_JPEG)
    return next(kind for kind in order if kind in kinds)


def _is_one_shot(first: Candidate, second: Candidate, is_edit: bool = False) -> bool:
    """Whether camera and time of two photos agree, as far as they are known."""
    if first.camera and second.camera and first.camera != second.camera:
        return False
    # When a file was changed says nothing of an edited version.
    if is_edit and CHANGED in (first.taken_source, second.taken_source):
        return True
    seconds = _seconds_between(first.taken_at, second.taken_at)
    if seconds is None:
        # Photos without a folder may come from anywhere; their names alone say too little.
        return is_edit or first.folder is not None
    return seconds <= _SAME_S


def _is_live_pair(first: Candidate, second: Candidate) -> bool:
    picture = second if first.is_film else first
    if picture.format not in _LIVE_PICTURES:
        return False
    if first.content_id and second.content_id:
        return False  # two others: equal ones are a pair
    seconds = _seconds_between(first.taken_at, second.taken_at)
    if seconds is None:
        return first.folder is not None
    beside_zone = min(seconds % _ZONE_S, _ZONE_S - seconds % _ZONE_S)
    return seconds <= _ZONES_S and beside_zone <= _LIVE_S


def _seconds_between(first: str | None, second: str | None) -> float | None:
    """Return the difference of two local times; of two days, 0 for one day; None if unknown."""
    moments = [_moment(text) for text in (first, second)]
    if moments[0] is None or moments[1] is None:
        return None
    if len(first or "") == 10 or len(second or "") == 10:
        return abs((moments[0].date() - moments[1].date()).total_seconds())
    return abs((moments[0] - moments[1]).total_seconds())


def _moment(text: str | None) -> datetime.datetime | None:
    try:
        return None if text is None else datetime.datetime.fromisoformat(text[:19])
    except ValueError:
        return None
