"""A flood of lines does not fill the disk."""

import logging
from collections.abc import Iterator

import pytest

from scene_model.api.log_limit import LogLimit, limit_logs
from tests.security.conftest import StartApp
from tests.visitors.conftest import Clock


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.getLogger("tests.flood")
    made.propagate = False
    yield made
    made.handlers.clear()
    made.filters.clear()


@pytest.fixture
def lines(logger: logging.Logger) -> list[str]:
    handler = Lines()
    logger.addHandler(handler)
    return handler.lines


def test_lines_of_one_kind_leave_room_for_others(
    logger: logging.Logger, lines: list[str], clock: Clock
) -> None:
    logger.addFilter(LogLimit(20, clock))
    for number in range(1_000):
        logger.warning("refused %d", number)
    logger.warning("something else")
    assert lines == ["refused 0", "refused 1", "something else"]
    clock.now += 60
    logger.warning("refused %d", 7)
    assert lines[3:] == ["refused 7 (and 998 such lines that were left out)"]


def test_lines_that_all_differ(logger: logging.Logger, lines: list[str], clock: Clock) -> None:
    logger.addFilter(LogLimit(20, clock))
    for minute in range(3):
        for number in range(2_000):
            logger.warning(f"{minute} {number}")  # noqa: G004 - as careless code does
        clock.now += 60
    assert len(lines) <= 3 * 20


def test_every_logger_of_the_server_is_limited(
    start_app: StartApp, logger: logging.Logger, lines: list[str]
) -> None:
    start_app(log_lines_per_minute=30)
    for number in range(100):
        logger.warning("refused %d", number)
    assert len(lines) == 3
    limit_logs(1_000_000)
