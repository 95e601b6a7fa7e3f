"""Photos of small made lives: at home, and away for some days."""

import datetime
from collections.abc import Iterable, Sequence
from itertools import count

from scene_model.trips.moments import PhotoMoment
from scene_model.trips.proposal import ProposedTrip

Position = tuple[float, float] | None

HOME, LISBON, SINTRA, TOKYO = (52.52, 13.40), (38.71, -9.14), (38.80, -9.39), (35.68, 139.69)
POTSDAM, OFFICE = (52.40, 13.06), (52.14, 12.42)  # 26 and 79 km from home
START = datetime.datetime(2023, 1, 1)


class MadeLife:
    """Photos with numbers in the order in which they were added, days counted from START."""

    def __init__(self) -> None:
        self.moments: list[PhotoMoment] = []
        self._numbers = count(1)

    def add(
        self,
        day: int,
        hours: Iterable[float],
        position: Position,
        camera: str | None = "phone",
    ) -> list[int]:
        """Add a photo for each hour of a day, of which those after midnight are above 24."""
        numbers = []
        for hour in hours:
            number = next(self._numbers)
            taken_at = START + datetime.timedelta(days=day, hours=hour)
            self.moments.append(PhotoMoment(number, taken_at, position, camera))
            numbers.append(number)
        return numbers

    def at_home(self, days: Iterable[int], position: Position = HOME) -> None:
        """Add two photos on each of some days."""
        for day in days:
            self.add(day, (17.0, 17.1), position)


def home_life(until: int = 200, every: int = 4) -> MadeLife:
    """Return a life with photos at home on every so many days, without those between 60 and 80."""
    life = MadeLife()
    life.at_home(day for day in range(0, until, every) if not 58 <= day < 80)
    return life


def numbers_of(trips: Sequence[ProposedTrip]) -> list[list[int]]:
    """Return the numbers of the photos of each trip, sorted."""
    return [sorted(trip.photos) for trip in trips]
