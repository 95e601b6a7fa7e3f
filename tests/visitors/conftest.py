"""A shared server on a temporary folder, and visitors with libraries of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.visitors.visitors import Visitors


class Clock:
    """Seconds since 1970, as the test wants them."""

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
    made = Visitors(shared_settings, clock)
    yield made
    made.close()
