"""A made life of ten years in photos, with the truth about its trips, days and chapters.

Everything is drawn from one random generator, so a seed gives the same life again.
"""

import datetime
import math
from dataclasses import dataclass, field

import numpy as np

from benchmarks.trips.globe import km_between, place_at, place_between
from benchmarks.trips.kinds import Kind

YEARS = 10
DAYS = 365 * YEARS
START = datetime.datetime(2014, 1, 1)
HOUR = 3600
# Of a journey: days, distance in km, moves to another place after so many days (0: never), photos
# of a chapter, days without a photo (share).
_STYLES: dict[str, tuple[tuple[int, int], tuple[float, float], tuple[int, int], float, float]] = {
    "weekend": ((2, 3), (65, 900), (0, 0), 8, 0.0),
    "city": ((3, 6), (200, 3000), (0, 0), 9, 0.03),
    "beach": ((7, 15), (150, 5000), (0, 0), 4, 0.2),
    "road": ((6, 20), (150, 3000), (1, 3), 8, 0.07),
    "tour": ((14, 42), (3000, 15000), (2, 6), 8, 0.1),
    "business": ((1, 4), (150, 6000), (0, 0), 2.5, 0.1),
    "relatives": ((2, 7), (80, 900), (0, 0), 5, 0.15),
    "festival": ((3, 5), (60, 700), (0, 0), 7, 0.0),
    "day": ((1, 1), (56, 180), (0, 0), 7, 0.0),
}
_PLANE_KM = 700.0


@dataclass(frozen=True, slots=True)
class Shot:
    """A photo with its truth.

    second: when it was really taken, in local time, since START. place: where. trip, day, chapter:
    numbers that are the same for photos that belong together; -1 outside of trips. camera: the
    index of the only one that can have taken it; -1: any.
    """

    second: int
    place: tuple[float, float]
    trip: int
    day: int
    chapter: int
    camera: int = -1


@dataclass(slots=True)
class Life:
    """The shots of a life while it is made."""

    rng: np.random.Generator
    shots: list[Shot] = field(default_factory=list)
    trips: int = 0
    chapters: int = 0
    busy: np.ndarray = field(default_factory=lambda: np.zeros(DAYS + 60, dtype=bool))
    photos_factor: float = 1.0
    shortest_pause_h: float = 1.0
    longest_chapter_h: float = 2.5


def make_life(kind: Kind, rng: np.random.Generator, photos_factor: float = 1.0) -> list[Shot]:
    """Return the shots of a life, in no order."""
    life = Life(
        rng,
        photos_factor=photos_factor * float(rng.uniform(0.2, 1.2)),
        shortest_pause_h=float(rng.uniform(0.4, 1.3)),
        longest_chapter_h=float(rng.uniform(0.7, 2.7)),
    )
    homes = _homes(kind, rng)
    relatives = place_at(homes[0][1], float(rng.uniform(80, 900)), rng)
    eagerness = float(rng.uniform(0.6, 1.5))
    for style, rate in kind.rates.items():
        for _ in range(rng.poisson(rate * eagerness * YEARS)):
            _journey(life, style, homes, relatives)
    if kind.second_home_year[1]:
        _second_home(life, kind, homes)
    if kind.work_km[1]:
        _work(life, kind, homes)
    _at_home(life, kind, homes)
    return life.shots


def _homes(kind: Kind, rng: np.random.Generator) -> list[tuple[int, tuple[float, float]]]:
    """Return the homes with their first days, in order of time."""
    first = (float(rng.uniform(-40, 60)), float(rng.uniform(-170, 170)))
    homes = [(0, first)]
    moves = int(rng.integers(kind.moves[0], kind.moves[1] + 1))
    for day in sorted(rng.choice(np.arange(200, DAYS - 200), moves, replace=False).tolist()):
        homes.append((day, place_at(homes[-1][1], float(rng.choice([20, 120, 500, 4000])), rng)))
    for _ in range(int(rng.integers(kind.long_stays[0], kind.long_stays[1] + 1))):
        start, length = int(rng.integers(150, DAYS - 500)), int(rng.integers(85, 360))
        inside = [home for home in homes if start - 60 <= home[0] <= start + length + 60]
        if not inside:
            before = [home for home in homes if home[0] < start][-1]
            abroad = place_at(before[1], float(rng.uniform(600, 12000)), rng)
            homes += [(start, abroad), (start + length, before[1])]
            homes.sort()
    return homes


def _home_on(homes: list[tuple[int, tuple[float, float]]], day: int) -> tuple[float, float]:
    return [place for first, place in homes if first <= day][-1]


def _journey(
    life: Life,
    style: str,
    homes: list[tuple[int, tuple[float, float]]],
    relatives: tuple[float, float],
) -> None:
    """Add a trip on free days; nothing where none are free."""
    rng = life.rng
    (shortest, longest), (near, far), (move_from, move_to), photos, empty = _STYLES[style]
    length = int(rng.integers(shortest, longest + 1))
    for _ in range(20):
        start = int(rng.integers(5, DAYS - longest - 5))
        moved = any(start - 3 <= first <= start + length + 3 for first, _ in homes[1:])
        # Two trips closer than this are one trip with empty days, as trips are defined.
        if not moved and not life.busy[start - 3 : start + length + 3].any():
            break
    else:
        return
    # The day after is at home, if perhaps without photos.
    life.busy[start : start + length] = True
    home = _home_on(homes, start)
    km = math.exp(rng.uniform(math.log(near), math.log(far)))
    place = relatives if style == "relatives" else place_at(home, km, rng)
    if style == "relatives" and km_between(home, relatives) < 60:
        return
    trip, life.trips = life.trips, life.trips + 1
    stay_left = int(rng.integers(move_from, move_to + 1)) if move_to else 10**6
    is_flight = km_between(home, place) > _PLANE_KM
    empty_in_a_row = 0
    factor = photos * life.photos_factor * math.exp(rng.normal(0, 0.4))
    for day in range(length):
        if move_to and stay_left <= 0:
            place = place_at(place, float(rng.uniform(40, 400 if style == "road" else 1200)), rng)
            stay_left = int(rng.integers(move_from, move_to + 1))
        stay_left -= 1
        is_edge = day in (0, length - 1)
        if not is_edge and empty_in_a_row < 2 and rng.random() < empty:
            empty_in_a_row += 1
            continue
        empty_in_a_row = 0
        first_hour, last_hour = 7.5 + float(rng.uniform(0, 3)), 22.0
        if day == 0 and length > 1:
            first_hour = float(rng.uniform(7, 18))
            if is_flight and rng.random() < 0.5:
                _flight(life, home, place, trip, start + day, first_hour - 3)
        if day == length - 1 and length > 1:
            last_hour = float(rng.uniform(10.5, 20))
        is_late = style == "festival" or rng.random() < 0.06
        _day_of_trip(life, place, trip, start + day, first_hour, last_hour, factor, style, is_late)
        if day == length - 1 and is_flight and rng.random() < 0.3:
            _flight(life, place, home, trip, start + day, last_hour + 0.5)


def _day_of_trip(
    life: Life,
    base: tuple[float, float],
    trip: int,
    day: int,
    first_hour: float,
    last_hour: float,
    photos: float,
    style: str,
    is_late: bool,
) -> None:
    """Add the chapters of a day: visits of places with pauses between them."""
    rng = life.rng
    spread = {"beach": 1.5, "road": 25.0, "business": 3.0, "festival": 0.7}.get(style, 7.0)
    hour, count = first_hour, int(rng.integers(1, 6))
    place = base
    is_first = True
    for _ in range(count):
        length = float(rng.uniform(0.2, life.longest_chapter_h))
        if not is_first and hour + 0.3 > last_hour:
            break
        if not is_first or rng.random() < 0.7:
            place = place_at(base, float(rng.exponential(spread)), rng)
        _chapter(life, place, trip, day, hour, min(length, max(0.3, last_hour - hour)), photos)
        hour += length + life.shortest_pause_h * float(rng.uniform(1, 4))
        is_first = False
    if is_late and last_hour >= 22:
        begin = max(hour, float(rng.uniform(21.3, 23)))
        if begin < 23.5:
            end = float(rng.uniform(24.5, 27.5))
            _chapter(life, place, trip, day, begin, end - begin, photos * 1.5)


def _chapter(
    life: Life,
    place: tuple[float, float],
    trip: int,
    day: int,
    hour: float,
    length: float,
    photos: float,
) -> None:
    """Add the photos of a visit: short series of shots, a few hundred metres apart."""
    rng = life.rng
    chapter, life.chapters = life.chapters, life.chapters + 1
    series = max(1, int(rng.poisson(max(0.5, photos / 2))))
    times = np.sort(rng.uniform(0, length * HOUR, series))
    for moment in times.tolist():
        spot = place_at(place, float(rng.exponential(0.25)), rng)
        for index in range(int(rng.geometric(0.55))):
            second = int(day * 24 * HOUR + hour * HOUR + moment + index * rng.uniform(0, 15))
            life.shots.append(
                Shot(second, spot, trip, day if trip >= 0 else -1, chapter if trip >= 0 else -1)
            )


def _flight(
    life: Life,
    origin: tuple[float, float],
    target: tuple[float, float],
    trip: int,
    day: int,
    hour: float,
) -> None:
    """Add photos through the window of a plane, part of the trip."""
    rng = life.rng
    chapter, life.chapters = life.chapters, life.chapters + 1
    length = min(2.4, km_between(origin, target) / 850)
    for share in np.sort(rng.uniform(0.1, 0.9, int(rng.integers(1, 5)))).tolist():
        second = int((day * 24 + max(0.5, hour) + share * length) * HOUR)
        life.shots.append(Shot(second, place_between(origin, target, share), trip, day, chapter))


def _second_home(life: Life, kind: Kind, homes: list[tuple[int, tuple[float, float]]]) -> None:
    """Add stays at a second home, which are no trips."""
    rng = life.rng
    house = place_at(homes[0][1], float(rng.uniform(*kind.second_home_km)), rng)
    visits_a_year = int(rng.integers(kind.second_home_year[0], kind.second_home_year[1] + 1))
    for year in range(YEARS):
        for _ in range(visits_a_year):
            start = year * 365 + int(rng.integers(0, 358))
            length = int(rng.choice([2, 2, 3, 3, 7]))
            if life.busy[start : start + length].any():
                continue
            life.busy[start : start + length] = True
            for day in range(start, start + length):
                if rng.random() < 0.75:
                    place = place_at(house, float(rng.exponential(2)), rng)
                    _chapter(life, place, -1, day, float(rng.uniform(9, 19)), 1.5, 5)


def _work(life: Life, kind: Kind, homes: list[tuple[int, tuple[float, float]]]) -> None:
    """Add photos at a place of work far from home, on a part of the working days."""
    rng = life.rng
    share = float(rng.uniform(0.08, 0.4))
    offices = {home: place_at(home, float(rng.uniform(*kind.work_km)), rng) for _, home in homes}
    for day in range(DAYS):
        if day % 7 < 5 and not life.busy[day] and rng.random() < share:
            office = offices[_home_on(homes, day)]
            _chapter(life, office, -1, day, float(rng.uniform(8, 16)), 1.0, 2)


def _at_home(life: Life, kind: Kind, homes: list[tuple[int, tuple[float, float]]]) -> None:
    """Add what people photograph where they live, on days without a journey."""
    rng = life.rng
    share = float(rng.uniform(*kind.home_days))
    parties = int(rng.integers(kind.parties[0], kind.parties[1] + 1)) / 365
    for day in range(DAYS):
        is_new_year = (START + datetime.timedelta(days=day)).strftime("%m-%d") == "12-31"
        is_party = rng.random() < parties or (is_new_year and rng.random() < 0.7)
        if life.busy[day] or not (is_party or rng.random() < share):
            continue
        home = _home_on(homes, day)
        if is_party:
            place = place_at(home, float(rng.exponential(5)), rng)
            length = float(rng.uniform(3, 6.5))
            _chapter(life, place, -1, day, float(rng.uniform(19, 21.5)), length, 25)
        for _ in range(int(rng.geometric(0.6))):
            place = place_at(home, min(40.0, float(rng.exponential(6))), rng)
            _chapter(life, place, -1, day, float(rng.uniform(8, 21)), 1.0, 4)
