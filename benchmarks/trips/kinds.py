"""Kinds of people: how often they travel, with what cameras, and where they live.

Nothing here is a measurement of real people: the ranges are broad, so that rules that fit one kind
only do badly.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# Journeys a year, by style.
Rates = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of person.

    cameras: "phone", "phone and camera", "two phones", "no GPS", "GPS later", "everything".
    moves: changes of home in ten years. long_stays: stays abroad of months. work_km: distance of a
    place of work that shows in photos, 0 for none. second_home_km: a house for weekends, or that of
    the parents; 0 for none. second_home_year: visits a year. home_days: share of days at home
    with photos. parties: evenings past midnight a year.
    """

    name: str
    rates: Rates
    cameras: str = "phone"
    moves: tuple[int, int] = (0, 1)
    long_stays: tuple[int, int] = (0, 0)
    work_km: tuple[float, float] = (0.0, 0.0)
    second_home_km: tuple[float, float] = (0.0, 0.0)
    second_home_year: tuple[int, int] = (0, 0)
    home_days: tuple[float, float] = (0.08, 0.4)
    parties: tuple[int, int] = (0, 6)


_USUAL: Rates = {"weekend": 2, "city": 1, "beach": 0.7, "day": 3, "relatives": 1.5}

KINDS = (
    Kind("commuter", _USUAL, work_km=(54, 110), home_days=(0.1, 0.3)),
    Kind(
        "traveller", {"tour": 1.2, "road": 1.2, "city": 3, "weekend": 4}, cameras="phone and camera"
    ),
    Kind(
        "family",
        {"beach": 1.2, "relatives": 3, "day": 5, "weekend": 2},
        cameras="two phones",
        home_days=(0.3, 0.7),
    ),
    Kind("two cameras", {"road": 1, "city": 2, "day": 4, "tour": 0.5}, cameras="everything"),
    Kind("no GPS", {"beach": 1, "city": 1.5, "road": 0.6}, cameras="no GPS", home_days=(0.05, 0.3)),
    Kind("business flyer", {"business": 9, "city": 1, "beach": 0.7, "day": 1}),
    Kind("expatriate", {**_USUAL, "tour": 0.3}, long_stays=(1, 3)),
    Kind("mover", _USUAL, moves=(2, 5)),
    Kind(
        "student",
        {"weekend": 3, "festival": 1, "tour": 0.3, "day": 2},
        second_home_km=(90, 600),
        second_home_year=(8, 22),
    ),
    Kind("weekend house", _USUAL, second_home_km=(55, 250), second_home_year=(12, 26)),
    Kind("beach every summer", {"beach": 2, "relatives": 1}, cameras="phone and camera"),
    Kind("GPS later", {"beach": 1, "city": 1, "road": 0.7, "day": 2}, cameras="GPS later"),
    Kind("day tripper", {"day": 16, "weekend": 2, "road": 0.5}, home_days=(0.05, 0.2)),
    # The kinds below are held out: nothing was tuned on them.
    Kind("festival goer", {"festival": 3, "city": 1, "day": 2}, parties=(6, 25)),
    Kind(
        "rarely at home", {"tour": 1, "road": 1.5, "weekend": 5, "city": 2}, home_days=(0.01, 0.05)
    ),
    Kind(
        "long-distance couple",
        {"weekend": 2, "beach": 1, "city": 1},
        second_home_km=(150, 700),
        second_home_year=(14, 24),
        cameras="two phones",
    ),
    Kind(
        "several countries",
        {"city": 2, "tour": 0.4, "day": 2, "relatives": 1},
        moves=(1, 3),
        long_stays=(2, 5),
        cameras="phone and camera",
    ),
)
HELD_OUT = frozenset(kind.name for kind in KINDS[13:])
