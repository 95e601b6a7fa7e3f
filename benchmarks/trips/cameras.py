"""What cameras write of a made life: times of wrong clocks, positions that lack or are wrong."""

import datetime
import math
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.trips.life import DAYS, HOUR, START, Shot
from scene_model.trips.moments import PhotoMoment

_DAY = 24 * HOUR
# Wrong clocks: hours that a camera is ahead.
_OFFSETS = (0.0, 0.0, 1.0, -1.0, 2.0, -3.0, 5.5, 7.0, -8.0, 12.0, 0.6)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera of a life.

    gps: share of photos with a position. from_day, to_day: when it is used. travel: how much more
    it is used on trips. offset_h: hours that its clock is ahead. keeps_zone: whether its clock
    stays at the zone of home on journeys.
    """

    name: str
    gps: float
    weight: float
    travel: float = 1.0
    from_day: int = 0
    to_day: int = DAYS + 60
    offset_h: float = 0.0
    keeps_zone: bool = False


def cameras_of(kind: str, rng: np.random.Generator) -> list[Camera]:
    """Return the cameras of a kind of person; phones are replaced every few years."""
    gps = float(rng.uniform(0.6, 1.0))
    if kind == "no GPS":
        return _phones("phone", 0.0, rng)
    if kind == "GPS later":
        begin = int(rng.integers(2 * 365, 6 * 365))
        old = Camera("old phone", 0.0, 1.0, to_day=begin)
        return [old, Camera("new phone", gps, 1.0, from_day=begin)]
    phones = _phones("phone", gps, rng)
    if kind in ("two phones", "everything"):
        same = rng.random() < 0.3
        phones += _phones("phone" if same else "other phone", gps, rng)
    if kind in ("phone and camera", "everything"):
        phones += [_with_wrong_clock("camera", rng)]
    if kind == "everything":
        phones += [_with_wrong_clock("second camera", rng)]
    return phones


def _with_wrong_clock(name: str, rng: np.random.Generator) -> Camera:
    return Camera(
        name,
        0.0,
        float(rng.uniform(0.2, 1.0)),
        travel=float(rng.uniform(1, 6)),
        offset_h=float(rng.choice(_OFFSETS)),
        keeps_zone=bool(rng.random() < 0.6),
    )


def _phones(name: str, gps: float, rng: np.random.Generator) -> list[Camera]:
    phones, begin = list[Camera](), 0
    while begin < DAYS:
        end = begin + int(rng.integers(600, 1500))
        end = DAYS + 60 if end >= DAYS - 100 else end
        phones.append(Camera(f"{name} {len(phones)}", gps, 1.0, from_day=begin, to_day=end))
        begin = end
    return phones


def moments_of(
    shots: list[Shot], kind: str, rng: np.random.Generator
) -> tuple[list[PhotoMoment], list[Shot]]:
    """Return what cameras wrote, with the shots in the same order; numbers count from 1.

    On some journeys another person of the family stays at home: their photos are shots as well.
    """
    cameras = cameras_of(kind, rng)
    shots = _who_stayed(shots, rng) if kind == "two phones" else shots
    moments = []
    home_longitude = float(np.median([s.place[1] for s in shots if s.trip < 0]))
    previous: tuple[float, float] | None = None
    order = sorted(range(len(shots)), key=lambda index: shots[index].second)
    shots = [shots[index] for index in order]
    chosen_of_session: dict[tuple[int, int], Camera] = {}
    for number, shot in enumerate(shots, 1):
        day = shot.second // _DAY
        usable = [c for c in cameras if c.from_day <= day < c.to_day] or cameras[:1]
        if shot.camera >= 0:
            usable = usable[shot.camera : shot.camera + 1] or usable[:1]
        weights = np.array([c.weight * (c.travel if shot.trip >= 0 else 1) for c in usable])
        # People change the camera now and then, not at every photo.
        session = (shot.second // (20 * 60), shot.camera)
        if session not in chosen_of_session or rng.random() < 0.2:
            choice = int(rng.choice(len(usable), p=weights / weights.sum()))
            chosen_of_session[session] = usable[choice]
        camera = chosen_of_session[session]
        moments.append(_moment(number, shot, camera, home_longitude, previous, rng))
        previous = shot.place
    return moments, shots


def _moment(
    number: int,
    shot: Shot,
    camera: Camera,
    home_longitude: float,
    previous: tuple[float, float] | None,
    rng: np.random.Generator,
) -> PhotoMoment:
    offset = camera.offset_h * HOUR
    if camera.keeps_zone:
        across = (shot.place[1] - home_longitude + 540) % 360 - 180
        offset -= round(across / 15) * HOUR
    taken_at = START + datetime.timedelta(seconds=shot.second + offset)
    position: tuple[float, float] | None = None
    if rng.random() < camera.gps:
        blur = rng.normal(0, 0.0002, 2)
        position = (
            max(-89.9, min(89.9, shot.place[0] + float(blur[0]))),
            shot.place[1] + float(blur[1]) / max(0.05, math.cos(math.radians(shot.place[0]))),
        )
        chance = rng.random()
        if chance < 0.001:
            position = (0.0, 0.0)
        elif chance < 0.002:  # a fix from elsewhere
            position = (float(rng.uniform(-60, 70)), float(rng.uniform(-180, 180)))
        elif chance < 0.01 and previous is not None:  # the last fix, not yet renewed
            position = previous
    if rng.random() < 0.001:
        taken_at = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=number)
    return PhotoMoment(number, taken_at, position, camera.name)


def _who_stayed(shots: list[Shot], rng: np.random.Generator) -> list[Shot]:
    """Return the shots with those of somebody who stayed at home on some journeys.

    The first phone travels then, the second one stays.
    """
    home = [shot for shot in shots if shot.trip < 0]
    by_trip: dict[int, list[Shot]] = {}
    for shot in shots:
        by_trip.setdefault(shot.trip, []).append(shot)
    del by_trip[-1]
    all_shots = list(home)
    for _, photos in sorted(by_trip.items()):
        if rng.random() > 0.1:
            all_shots += photos
            continue
        all_shots += [replace(shot, camera=0) for shot in photos]
        first, last = min(s.second for s in photos), max(s.second for s in photos)
        near = min(home, key=lambda shot: abs(shot.second - first))
        for day in range(first // _DAY, last // _DAY + 1):
            if rng.random() < 0.4:
                second = day * _DAY + int(rng.uniform(9, 20) * HOUR)
                all_shots += [Shot(second + 20 * k, near.place, -1, -1, -1, 1) for k in range(3)]
    return all_shots
