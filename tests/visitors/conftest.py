"""A shared server on a temporary folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.visitors.visitors import Visitors


class Clock:
    """A clock that the test sets: seconds since 1970."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared_settings(tmp_path: Path) -> Settings:
    return Settings(
        mode="shared", visitors=tmp_path / "visitors", library=tmp_path / "own", workers=1
    )


@pytest.fixture
def visitors(shared_settings: Settings, clock: Clock) -> Iterator[Visitors]:
    opened = Visitors(shared_settings, clock, clock)
    yield opened
    opened.close()
