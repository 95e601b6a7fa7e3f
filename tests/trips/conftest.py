"""Fixtures: a library whose photos were taken on two journeys and at home."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, insert

from scene_model.library.database.schema import places
from scene_model.library.store import Library
from tests.trips.journeys import LISBON_PLACE as LISBON
from tests.trips.journeys import PORTO_PLACE as PORTO
from tests.trips.journeys import SINTRA_PLACE as SINTRA

_PLACES = (
    {"id": LISBON, "name": "Lisbon", "region": "Lisboa", "country": "PT"},
    {"id": SINTRA, "name": "Sintra", "region": "Lisboa", "country": "PT"},
    {"id": PORTO, "name": "Porto", "region": "Porto", "country": "PT"},
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        with opened.database.writer.begin() as connection:
            connection.execute(delete(places))
            for place in _PLACES:
                folded = str(place["name"]).lower()
                row = place | {
                    "key": f"test:{folded}",
                    "folded_name": folded,
                    "folded_region": str(place["region"]).lower(),
                    "country_name": "Portugal",
                    "kind": "settlement",
                    "words": f"\n{folded}\n",
                    "country_words": "\npt\nportugal\n",
                }
                connection.execute(insert(places).values(row))
        yield opened
