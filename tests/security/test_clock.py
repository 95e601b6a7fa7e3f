"""A server whose clock is wrong removes nobody's photos."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.visitors.visitors import Visitors
from tests.visitors.conftest import Clock

A = "a" * 64
_DAY_S = 86_400.0


@pytest.fixture
def uptime() -> Clock:
    return Clock()


@pytest.fixture
def visitors(shared_settings: Settings, clock: Clock, uptime: Clock) -> Iterator[Visitors]:
    opened = Visitors(shared_settings, clock, uptime)
    yield opened
    opened.close()


@pytest.fixture
def original(visitors: Visitors) -> Path:
    """A file in A's library, an hour after A's visit."""
    file = visitors.services(A).library.folder / "originals" / "photo.jpg"
    file.write_bytes(b"photo")
    return file


def test_a_clock_that_jumps_ahead(
    visitors: Visitors, clock: Clock, uptime: Clock, original: Path
) -> None:
    clock.now += 2 * _DAY_S
    assert visitors.sweep() == []
    assert original.exists()
    pass_time(clock, uptime, _DAY_S - 3600)
    assert visitors.sweep() == [], "the visit has moved along with the clock"
    pass_time(clock, uptime, 3600)
    assert visitors.sweep() == [A], "the time that passed counts"
    assert not original.exists()


def test_a_visitor_who_returns_before_the_next_sweep(
    visitors: Visitors, clock: Clock, original: Path
) -> None:
    clock.now += 2 * _DAY_S
    assert visitors.services(A).library.folder in original.parents
    assert original.exists()


def test_a_clock_that_was_ahead_and_is_set_right(
    visitors: Visitors, clock: Clock, uptime: Clock, original: Path
) -> None:
    clock.now += 2 * _DAY_S
    visitors.services(A)
    clock.now -= 2 * _DAY_S
    assert visitors.sweep() == []
    pass_time(clock, uptime, _DAY_S)
    assert visitors.sweep() == [A], "no visit stays in the future"


def test_a_clock_that_is_not_set_yet_when_the_server_starts(
    shared_settings: Settings, clock: Clock, visitors: Visitors, original: Path
) -> None:
    visitors.close()
    uptime = Clock()
    clock.now += 2 * _DAY_S
    restarted = Visitors(shared_settings, clock, uptime)
    assert restarted.sweep() == []
    clock.now -= 2 * _DAY_S  # the time service has answered
    assert restarted.sweep() == []
    pass_time(clock, uptime, 3600)
    assert restarted.sweep() == []
    assert original.exists()
    restarted.close()


def pass_time(clock: Clock, uptime: Clock, seconds: float) -> None:
    clock.now += seconds
    uptime.now += seconds
