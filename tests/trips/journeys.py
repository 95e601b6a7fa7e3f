"""Rows of the photos of journeys that the rules of trips propose."""

import datetime
from collections.abc import Sequence

from tests.library.rows import Row

LISBON_PLACE, SINTRA_PLACE, PORTO_PLACE = 1, 2, 3


def day(date: str, count: int = 12, place: int | None = None, first: int = 0) -> list[Row]:
    """Return the photos of one day, every twenty minutes from ten o'clock on."""
    morning = datetime.datetime.fromisoformat(f"{date}T10:00:00")
    return [
        Row(
            f"{date}-{number}.jpg",
            taken_at=(morning + datetime.timedelta(minutes=20 * number)).isoformat(),
            camera="Phone",
            more={"place_id": place},
        )
        for number in range(first, first + count)
    ]


def days(*dates: str, place: int | None = None) -> list[Row]:
    return [row for date in dates for row in day(date, place=place)]


def ids(rows: Sequence[Row]) -> list[str]:
    return [row.id for row in rows]
