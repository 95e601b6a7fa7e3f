"""Which photos were taken as one sequence: bursts, brackets, panoramas. The rules, without library.

Whatever is known of two photos must agree: camera, size, time to the second, names, identifiers of
bursts, exposure, and what the pictures show. A shot of the same view a minute later is no part of
a sequence, and a date without seconds joins nothing.
"""

import datetime
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from scene_model.duplicates.frame_likeness import GreyFloats, Shift, same_view, side_by_side
from scene_model.duplicates.sequence_names import Order, SequenceName, order_of, sequence_name
from scene_model.library.stacks.stack_rows import StackKind
from scene_model.photos.dates import CHANGED, EXIF, FILE_NAME

# Seconds between two photos of a sequence. People press the shutter again after about one.
_BURST_S, _BRACKET_S, _PANORAMA_S, _IDENTIFIED_S = 1.0, 3.0, 6.0, 10.0
# Sequences of photos further away do not depend on each other.
REACH_S = 30
# More are the photos of an interval timer.
MAX_FRAMES = 500
# No camera takes more; they are frames of a film, or scans, to which a program gave one date.
MAX_PER_SECOND = 150
# By benchmarks/sequences.py. Of pictures of different scenes, 5 % are alike by more than 0.82.
_ALIKE, _ALIKE_BY_NAME, _ALIKE_BRACKET, _ALIKE_IDENTIFIED = 0.82, 0.88, 0.75, 0.6
# In stops. Cameras step by thirds.
_LEAST_BIAS_STEP, _LEAST_EXPOSURE_STEP, _SAME_EXPOSURE = 0.29, 0.6, 0.4
_AUTOMATIC = 0  # of EXIF's exposure modes
_LEAST_PANORAMA = 3
_OVERLAP_ALIKE, _LEAST_SHIFT, _MOST_SHIFT, _MOST_ASIDE = 0.85, 0.12, 0.8, 0.12
# Between the shifts of one panorama.
_MOST_UNSTEADY = 1.8
_WITHOUT_TIME = len("2024-07-15")
_SOURCES = ("DateTimeOriginal", "DateTimeDigitized", EXIF)


@dataclass(frozen=True)
class Frame:
    """What is known of a photo that may belong to a sequence; see `library.schema.photos`."""

    number: int
    name: str
    format: str
    width: int
    height: int
    taken_at: str | None = None
    taken_source: str | None = None
    camera: str | None = None
    burst_id: str | None = None
    subsecond: float | None = None
    exposure_s: float | None = None
    exposure_bias: float | None = None
    f_number: float | None = None
    iso: int | None = None
    exposure_mode: int | None = None

    @cached_property
    def sequence_name(self) -> SequenceName:
        """What the name says."""
        return sequence_name(self.name)

    @property
    def burst_key(self) -> str | None:
        """What identifies the burst of the photo, by the camera or by the name."""
        return self.burst_id or self.sequence_name.burst

    @cached_property
    def seconds(self) -> float | None:
        """The time taken, in seconds since any moment; None for a date without seconds."""
        moment = moment_of(self.taken_at)
        if moment is None or self.taken_source == CHANGED:
            return None
        if not self.burst_key:
            # Many programs write a minute as 12:30:00.
            is_whole_minute = moment.second == 0 and self.subsecond is None
            if is_whole_minute or self.taken_source not in _SOURCES:
                return None
        elif self.taken_source not in (*_SOURCES, FILE_NAME):
            return None
        return (moment - datetime.datetime(2000, 1, 1)).total_seconds() + (self.subsecond or 0.0)

    @property
    def stops(self) -> float | None:
        """The exposure in stops, to compare with others of the camera; None if unknown."""
        if not self.exposure_s:
            return None
        return math.log2(self.exposure_s * (self.iso or 100) / (self.f_number or 4.0) ** 2)


@dataclass(frozen=True)
class FrameSequence:
    """Photos taken as one sequence, in the order of time."""

    kind: StackKind
    frames: tuple[Frame, ...]


Pictures = Callable[[int], GreyFloats | None]
"""Returns the small picture of a photo by its number; None where there is none."""


def moment_of(taken_at: str | None) -> datetime.datetime | None:
    """Return the local time of a stored date; None for one without time."""
    if taken_at is None or len(taken_at) <= _WITHOUT_TIME:
        return None
    try:
        return datetime.datetime.fromisoformat(taken_at[:19])
    except ValueError:
        return None


def find_sequences(frames: Sequence[Frame], pictures: Pictures) -> list[FrameSequence]:
    """Return the sequences among photos of any cameras and times; each photo is in at most one."""
    links = _Links()
    for shots in _shots_by_camera(frames):
        for first, second in _near_pairs(shots):
            if links.are_joined(first, second):
                continue
            kind = link_of(first, second, pictures)
            if kind is not None:
                links.join(first, second, kind)
        for panorama in _panoramas(shots, pictures):
            if not any(links.has(frame, StackKind.BRACKET) for frame in panorama):
                for first, second in zip(panorama, panorama[1:], strict=False):
                    links.join(first, second, StackKind.PANORAMA)
    return [sequence for sequence in links.sequences() if len(sequence.frames) <= MAX_FRAMES]


def link_of(first: Frame, second: Frame, pictures: Pictures) -> StackKind | None:
    """Return why two photos of one camera and size belong together; None where they do not."""
    if first.seconds is None or second.seconds is None:
        return None
    seconds = round(abs(first.seconds - second.seconds), 3)
    kind = _kind_by_facts(first, second, seconds)
    if kind is None:
        return None
    views = pictures(first.number), pictures(second.number)
    if views[0] is None or views[1] is None:
        return None
    if kind is StackKind.BRACKET:
        least = _ALIKE_BRACKET
    elif first.burst_key and first.burst_key == second.burst_key:
        least = _ALIKE_IDENTIFIED
    else:
        least = _ALIKE if _has_subseconds(first, second) else _ALIKE_BY_NAME
    return kind if same_view(views[0], views[1]) >= least else None


def _kind_by_facts(first: Frame, second: Frame, seconds: float) -> StackKind | None:
    order = order_of(first.sequence_name, second.sequence_name)
    if first.burst_key and first.burst_key == second.burst_key:
        return StackKind.BURST if seconds <= _IDENTIFIED_S else None
    if order is Order.FAR or (first.burst_id and second.burst_id) or first.camera is None:
        return None
    if _is_bracket_step(first, second):
        has_order = order is Order.FOLLOWS or _has_subseconds(first, second)
        return StackKind.BRACKET if has_order and seconds <= _BRACKET_S else None
    is_order_sure = order is Order.FOLLOWS or _has_subseconds(first, second)
    return StackKind.BURST if is_order_sure and seconds <= _BURST_S else None


def _has_subseconds(first: Frame, second: Frame) -> bool:
    """Whether the fractions of the second tell two photos apart.

    Copies of one photo have one, and some cameras always write the same.
    """
    return None not in (first.subsecond, second.subsecond) and first.subsecond != second.subsecond


def _is_bracket_step(first: Frame, second: Frame) -> bool:
    """Whether a camera, or a person by hand, exposed two photos differently on purpose."""
    stops = None
    if first.stops is not None and second.stops is not None:
        stops = second.stops - first.stops
    if first.exposure_bias is not None and second.exposure_bias is not None:
        bias = second.exposure_bias - first.exposure_bias
        if abs(bias) >= _LEAST_BIAS_STEP:
            return stops is None or abs(stops) < _SAME_EXPOSURE or stops * bias > 0
    if stops is None or abs(stops) < _LEAST_EXPOSURE_STEP:
        return False
    if (first.f_number, first.iso) != (second.f_number, second.iso):
        return False
    # Automatic exposure changes with what the camera sees; manual exposure only on purpose.
    return _AUTOMATIC not in (first.exposure_mode, second.exposure_mode)


def _shots_by_camera(frames: Sequence[Frame]) -> Iterator[list[Frame]]:
    """Yield the photos with seconds of one camera, format and size, in the order of time."""

    def setting(frame: Frame) -> tuple[str, str, int, int]:
        return frame.camera or "", frame.format, frame.width, frame.height

    def order(frame: Frame) -> tuple[tuple[str, str, int, int], float, int, int]:
        count = frame.sequence_name.count or 0
        return setting(frame), frame.seconds or 0.0, count, frame.number

    timed = sorted((frame for frame in frames if frame.seconds is not None), key=order)
    for _, shots in groupby(timed, key=setting):
        by_second = (list(group) for _, group in groupby(shots, key=_whole_second))
        yield [frame for group in by_second if len(group) <= MAX_PER_SECOND for frame in group]


def _whole_second(frame: Frame) -> int:
    return int(frame.seconds or 0.0)


def _near_pairs(shots: Sequence[Frame]) -> Iterator[tuple[Frame, Frame]]:
    """Yield the pairs that may be linked, neighbours first."""
    for step in range(1, len(shots)):
        has_pair = False
        for first, second in zip(shots, shots[step:], strict=False):
            if (second.seconds or 0.0) - (first.seconds or 0.0) <= _IDENTIFIED_S:
                has_pair = True
                yield first, second
        if not has_pair:
            return


def _panoramas(shots: Sequence[Frame], pictures: Pictures) -> Iterator[list[Frame]]:
    """Yield the photos of each panorama: views side by side, steadily in one direction."""
    chain: list[Frame] = []
    last: Shift | None = None
    for first, second in zip(shots, shots[1:], strict=False):
        shift = _panorama_shift(first, second, pictures)
        if shift is not None and last is not None and _is_steady(last, shift):
            chain.append(second)
        else:
            if len(chain) >= _LEAST_PANORAMA:
                yield chain
            chain = [] if shift is None else [first, second]
        last = shift
    if len(chain) >= _LEAST_PANORAMA:
        yield chain


def _panorama_shift(first: Frame, second: Frame, pictures: Pictures) -> Shift | None:
    if (second.seconds or 0.0) - (first.seconds or 0.0) > _PANORAMA_S or first.camera is None:
        return None
    order = order_of(first.sequence_name, second.sequence_name)
    if order is Order.FAR or not _is_same_exposure(first, second, order):
        return None
    views = pictures(first.number), pictures(second.number)
    if views[0] is None or views[1] is None:
        return None
    shift = side_by_side(views[0], views[1])
    if shift is None or shift.similarity < _OVERLAP_ALIKE:
        return None
    along, aside = sorted((abs(shift.across), abs(shift.down)), reverse=True)
    is_side_by_side = _LEAST_SHIFT <= along <= _MOST_SHIFT and aside <= _MOST_ASIDE
    return shift if is_side_by_side else None


def _is_same_exposure(first: Frame, second: Frame, order: Order) -> bool:
    """Whether two photos have one exposure, or near names where it is unknown."""
    if first.stops is None or second.stops is None:
        return first.stops is second.stops and order is Order.FOLLOWS
    if first.exposure_bias != second.exposure_bias:
        return False
    return abs(first.stops - second.stops) < _SAME_EXPOSURE


def _is_steady(last: Shift, shift: Shift) -> bool:
    before, after = (_along(each) for each in (last, shift))
    if before[0] != after[0] or before[1] * after[1] <= 0:
        return False
    low, high = sorted((abs(before[1]), abs(after[1])))
    return high <= _MOST_UNSTEADY * low


def _along(shift: Shift) -> tuple[bool, float]:
    """Return whether a view moved across, and how far."""
    is_across = abs(shift.across) >= abs(shift.down)
    return is_across, shift.across if is_across else shift.down


class _Links:
    """Photos that are joined, and why."""

    _ORDER = (StackKind.BRACKET, StackKind.PANORAMA, StackKind.BURST)

    def __init__(self) -> None:
        self._groups: dict[int, list[Frame]] = {}
        self._kinds: dict[int, set[StackKind]] = {}

    def are_joined(self, first: Frame, second: Frame) -> bool:
        group = self._groups.get(first.number)
        return group is not None and group is self._groups.get(second.number)

    def has(self, frame: Frame, kind: StackKind) -> bool:
        group = self._groups.get(frame.number)
        return group is not None and kind in self._kinds[id(group)]

    def join(self, first: Frame, second: Frame, kind: StackKind) -> None:
        group = self._groups.setdefault(first.number, [first])
        other = self._groups.setdefault(second.number, [second])
        kinds = self._kinds.get(id(group), set()) | self._kinds.get(id(other), set()) | {kind}
        if group is not other:
            group.extend(other)
            for frame in other:
                self._groups[frame.number] = group
        self._kinds[id(group)] = kinds

    def sequences(self) -> Iterator[FrameSequence]:
        for group in {id(group): group for group in self._groups.values()}.values():
            kinds = self._kinds[id(group)]
            kind = next(kind for kind in self._ORDER if kind in kinds)
            in_time = sorted(group, key=lambda f: (f.seconds or 0.0, f.sequence_name.count or 0))
            yield FrameSequence(kind, tuple(in_time))
