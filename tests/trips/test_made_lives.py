"""Trips of made lives agree with the truth, and better than by plain rules."""

import pytest

from benchmarks.trips.__main__ import made_life
from benchmarks.trips.kinds import KINDS
from benchmarks.trips.plain_rules import after_24_hours_or_50_km, after_36_hours
from benchmarks.trips.score import LEVELS, Counts, Score
from scene_model.trips.proposal import propose_trips

TESTED = ("commuter", "family", "expatriate", "student", "festival goer")


@pytest.mark.slow
def test_trips_days_and_chapters_agree_with_the_truth() -> None:
    ours, plain = Score(), [Score(), Score()]
    for kind in (kind for kind in KINDS if kind.name in TESTED):
        life = made_life(kind, 2000, photos_factor=0.3)
        ours.add(propose_trips(life.moments), life.shots, life.moments)
        for score, rule in zip(plain, (after_36_hours, after_24_hours_or_50_km), strict=True):
            score.add(rule(life.moments), life.shots, life.moments)
    for level, mark in zip(LEVELS, (0.92, 0.90, 0.90), strict=True):
        counts = ours.counts[level]
        assert min(counts.precision, counts.recall) >= mark, level
        assert all(counts.precision > score.counts[level].precision for score in plain), level
    assert ours.proposed_per_trip <= 1.3


def test_a_seed_gives_the_same_life_again() -> None:
    life = made_life(KINDS[4], 7, photos_factor=0.1)
    again = made_life(KINDS[4], 7, photos_factor=0.1)
    assert (life.moments, life.shots) == (again.moments, again.shots)
    assert life.moments != made_life(KINDS[4], 8, photos_factor=0.1).moments


def test_boundaries_agree_one_to_one() -> None:
    counts = Counts()
    counts.add([0, 10, 100], [4, 50, 104, 105], tolerance_s=5)
    assert (counts.agreed, counts.proposed, counts.true) == (2, 3, 4)
    assert counts.precision == pytest.approx(2 / 3)
    assert counts.recall == pytest.approx(1 / 2)
