"""Propose trips for made lives of ten years, and compare with the truth and with plain rules.

    python -m benchmarks.trips [--photos 100000] [--seed 1000] [--kind NAME] [--by-kind]

Prints precision and recall of the boundaries of trips, days and chapters within half a day, how
many trips are proposed for each true one, and the time for all photos as one library.
The rules were chosen on seeds below 1000 and the kinds of people that are not held out.
Fails where a mark is missed.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.trips.cameras import moments_of
from benchmarks.trips.kinds import HELD_OUT, KINDS, Kind
from benchmarks.trips.life import Shot, make_life
from benchmarks.trips.plain_rules import after_24_hours_or_50_km, after_36_hours
from benchmarks.trips.score import LEVELS, Rule, Score
from scene_model.trips.moments import PhotoMoment
from scene_model.trips.proposal import propose_trips

_MARKS = {"trips": 0.92, "days": 0.90, "chapters": 0.90}
_MAX_PROPOSED_PER_TRIP = 1.3
_RULES: dict[str, Rule] = {
    "ours": propose_trips,
    "36 hours": after_36_hours,
    "24 hours or 50 km": after_24_hours_or_50_km,
}


@dataclass(frozen=True, slots=True)
class MadeLife:
    """The photos of a life, with the truth in the same order."""

    kind: Kind
    moments: Sequence[PhotoMoment]
    shots: Sequence[Shot]


def made_life(kind: Kind, seed: int, photos_factor: float = 1.0) -> MadeLife:
    """Return a life of a kind of person; the same for the same seed."""
    rng = np.random.default_rng([seed, sum(map(ord, kind.name))])
    moments, shots = moments_of(make_life(kind, rng, photos_factor), kind.cameras, rng)
    return MadeLife(kind, moments, shots)


def made_lives(photos: int, seed: int, kinds: Sequence[Kind] = KINDS) -> list[MadeLife]:
    """Return lives of all kinds in turn, until they have so many photos together.

    Each kind has as many lives.
    """
    lives: list[MadeLife] = []
    while len(lives) % len(kinds) or sum(len(life.moments) for life in lives) < photos:
        lives.append(made_life(kinds[len(lives) % len(kinds)], seed + len(lives) // len(kinds)))
    return lives


def main() -> int:
    """Make lives, ask every rule, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--kind", action="append", help="only people of this kind")
    parser.add_argument("--by-kind", action="store_true", help="one line for each kind as well")
    arguments = parser.parse_args()
    kinds = [kind for kind in KINDS if not arguments.kind or kind.name in arguments.kind]
    lives = made_lives(arguments.photos, arguments.seed, kinds)
    photos = sum(len(life.moments) for life in lives)
    print(f"{len(lives)} lives of ten years, {photos:,} photos")
    print(f"{'':34}" + "".join(f"{level:>14}" for level in LEVELS) + f"{'per trip':>10}")
    if arguments.by_kind:
        for kind in kinds:
            _print(kind.name, _score(propose_trips, [x for x in lives if x.kind is kind]))
    held_out = [life for life in lives if life.kind.name in HELD_OUT]
    if held_out:
        _print("ours, kinds held out", _score(propose_trips, held_out))
    ours = Score()
    for name, rule in _RULES.items():
        score = _score(rule, lives)
        ours = score if rule is propose_trips else ours
        _print(name, score)
        _print(f"{name}, within half an hour", score, is_exact=True)
    _print_time(arguments.photos, arguments.seed)
    return 0 if _has_marks(ours) else 1


def _score(rule: Rule, lives: Sequence[MadeLife]) -> Score:
    score = Score()
    for life in lives:
        score.add(rule(life.moments), life.shots, life.moments)
    return score


def _print(name: str, score: Score, is_exact: bool = False) -> None:
    """Print precision and recall of each level."""
    counts = score.exact if is_exact else score.counts
    values = "".join(
        f"  {counts[level].precision:5.3f} {counts[level].recall:5.3f} " for level in LEVELS
    )
    print(f"{name:34}{values}{score.proposed_per_trip:9.2f}", flush=True)


def _print_time(photos: int, seed: int) -> None:
    """Time a life with many photos as one library."""
    kind = next(kind for kind in KINDS if kind.name == "family")
    factor, life = 8.0, made_life(kind, seed, 8.0)
    while len(life.moments) < photos:
        factor *= 1.2 * photos / len(life.moments)
        life = made_life(kind, seed, factor)
    moments = life.moments[:photos]
    start, processor = time.perf_counter(), time.process_time()
    propose_trips(moments)
    print(
        f"{len(moments):,} photos of one library: {time.perf_counter() - start:.1f} s, "
        f"{time.process_time() - processor:.1f} s of processor time"
    )


def _has_marks(score: Score) -> bool:
    counts = score.counts
    return score.proposed_per_trip <= _MAX_PROPOSED_PER_TRIP and all(
        min(counts[level].precision, counts[level].recall) >= mark for level, mark in _MARKS.items()
    )


if __name__ == "__main__":
    sys.exit(main())
