"""The places of photos: at ingest, of older photos, and as proposals."""

import datetime
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from scene_model.library.database.schema import photos
from scene_model.library.imported_facts import ImportedFacts, complete_photo
from scene_model.library.photo_places import fold_place, place_unplaced
from scene_model.library.place_proposals import propose_places, update_places
from scene_model.library.records import PhotoPlace
from scene_model.library.store import Library
from scene_model.maintenance.verify import verify
from scene_model.services import Services, open_services
from tests.library.rows import Row, put
from tests.pictures import encode, placed, textured

LISBON, SINTRA, OCEAN = (38.7139, -9.1394), (38.7876, -9.3906), (30.0, -40.0)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library(tmp_path_factory.mktemp("library")) as library:
        yield library


def titles(library: Library) -> dict[str, str | None]:
    records = library.records(library.find())
    return {photo.name: photo.place.title if photo.place else None for photo in records}


def shot(name: str, time: str, place: tuple[float, float] | None = None, camera: str = "X") -> Row:
    return Row(name, taken_at=f"2024-07-05T{time}:00", camera=camera, place=place)


def test_a_photo_gets_its_place_when_it_is_added(
    services: Services, add_photos: Callable[[list[tuple[str, bytes]]], list[str]]
) -> None:
    files = [("a.jpg", placed(textured(64, 48), *LISBON)), ("b.jpg", encode(textured(64, 48, 1)))]
    with_position, without = map(services.library.photo, add_photos(files))
    assert without.place is None
    place = with_position.place
    assert place is not None
    assert (place.title, place.region, place.source) == ("Lisbon, Portugal", "Lisbon", "gps")
    assert 0 < place.distance_km < 5
    assert verify(services.library).problems == ()


def test_a_photo_taken_from_an_aeroplane_is_in_the_air(
    services: Services, add_photos: Callable[[list[tuple[str, bytes]]], list[str]]
) -> None:
    (photo_id,) = add_photos([("a.jpg", placed(textured(64, 48), *LISBON, altitude_m=10_500))])
    place = services.library.photo(photo_id).place
    assert place is not None
    assert (place.title, place.kind, place.country) == ("In the air", "air", None)
    assert services.gallery().ids("place:air") == [photo_id]
    assert verify(services.library).problems == ()


def test_a_position_from_another_program_gives_a_place(
    services: Services, add_photos: Callable[[list[tuple[str, bytes]]], list[str]]
) -> None:
    (photo_id,) = add_photos([("b.jpg", encode(textured(64, 48, 1)))])
    facts = ImportedFacts(latitude=SINTRA[0], longitude=SINTRA[1])
    complete_photo(services.library, photo_id, facts)
    assert titles(services.library) == {"b.jpg": "Sintra, Portugal"}


def test_older_photos_get_places_once(library: Library) -> None:
    put(library, [Row("a.jpg", place=LISBON), Row("b.jpg"), Row("c.jpg", place=OCEAN)])
    assert list(place_unplaced(library)) == [2]
    assert titles(library) == {"a.jpg": "Lisbon, Portugal", "b.jpg": None, "c.jpg": "At sea"}
    assert list(place_unplaced(library)) == []


def test_an_interrupted_run_goes_on_where_it_stopped(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scene_model.library.photo_places.BATCH", 2)
    put(library, [Row(f"{number}.jpg", place=LISBON) for number in range(5)])
    assert next(place_unplaced(library)) == 2
    assert [*titles(library).values()].count("Lisbon, Portugal") == 2
    assert list(place_unplaced(library)) == [2, 3]


def test_a_server_that_starts_places_older_photos(services: Services) -> None:
    put(services.library, [Row("a.jpg", place=LISBON)])
    opened = open_services(services.settings, decoders=services.library.decoders)
    try:
        assert opened.trips.wait(60)
        assert titles(opened.library) == {"a.jpg": "Lisbon, Portugal"}
    finally:
        opened.close()


def test_a_photo_between_two_of_one_place_gets_a_proposal(library: Library) -> None:
    put(
        library,
        [
            shot("1.jpg", "10:00", LISBON),
            shot("2.jpg", "10:30"),
            shot("3.jpg", "11:00", LISBON),
            shot("other camera.jpg", "10:31", camera="Y"),
            shot("4.jpg", "11:10"),  # the place changes
            shot("5.jpg", "11:20", SINTRA),
            shot("6.jpg", "11:30"),  # none after it
        ],
    )
    update_places(library)
    proposed = {name: title for name, title in titles(library).items() if title}
    assert proposed == {
        "1.jpg": "Lisbon, Portugal",
        "2.jpg": "probably Lisbon, Portugal",
        "3.jpg": "Lisbon, Portugal",
        "5.jpg": "Sintra, Portugal",
    }
    assert propose_places(library) == 0


def test_a_job_brings_proposals_up_to_date(
    services: Services, add_photos: Callable[[list[tuple[str, bytes]]], list[str]]
) -> None:
    rows = [shot("1.jpg", "10:00", LISBON), shot("2.jpg", "10:30"), shot("3.jpg", "11:00", LISBON)]
    put(services.library, rows)
    add_photos([("b.jpg", encode(textured(64, 48, 1)))])
    assert services.trips.wait(60)
    assert titles(services.library)["2.jpg"] == "probably Lisbon, Portugal"


def test_neighbours_are_at_most_an_hour_away(library: Library) -> None:
    rows = [shot("1.jpg", "10:00", LISBON), shot("2.jpg", "11:01"), shot("3.jpg", "11:30", LISBON)]
    put(library, [*rows, Row("day.jpg", taken_at="2024-07-05", camera="X")])
    update_places(library)
    assert {name for name, title in titles(library).items() if not title} == {"day.jpg", "2.jpg"}


def test_a_position_stands_above_a_proposal(library: Library) -> None:
    rows = [shot("1.jpg", "10:00", LISBON), shot("2.jpg", "10:30"), shot("3.jpg", "11:00", LISBON)]
    put(library, rows)
    update_places(library)
    complete_photo(library, rows[1].id, ImportedFacts(latitude=SINTRA[0], longitude=SINTRA[1]))
    assert titles(library)["2.jpg"] == "Sintra, Portugal"
    assert propose_places(library) == 0
    assert titles(library)["2.jpg"] == "Sintra, Portugal"


def test_a_place_ends_with_its_position(library: Library) -> None:
    row = shot("1.jpg", "10:00", LISBON)
    put(library, [row])
    update_places(library)
    for place, title in ((SINTRA, "Sintra, Portugal"), (None, None), (LISBON, "Lisbon, Portugal")):
        latitude, longitude = place or (None, None)
        with library.database.writer.begin() as connection:
            moved = update(photos).values(latitude=latitude, longitude=longitude)
            connection.execute(moved)
        assert titles(library) == {"1.jpg": None}
        update_places(library)
        assert titles(library) == {"1.jpg": title}


def test_a_proposal_ends_with_its_reason(library: Library) -> None:
    rows = [shot("1.jpg", "10:00", LISBON), shot("2.jpg", "10:30"), shot("3.jpg", "11:00", LISBON)]
    put(library, rows)
    update_places(library)
    with library.database.writer.begin() as connection:
        later = update(photos).where(photos.c.id == rows[2].id)
        connection.execute(later.values(auto_taken_at="2024-07-09T11:00:00"))
    assert propose_places(library) == 1
    assert titles(library)["2.jpg"] is None


@settings(max_examples=20, deadline=None)
@given(
    shots=st.lists(
        st.tuples(st.integers(0, 300), st.sampled_from([LISBON, SINTRA, None])), max_size=8
    )
)
def test_proposals_agree_with_both_neighbours(
    library: Library, shots: list[tuple[int, tuple[float, float] | None]]
) -> None:
    start = datetime.datetime(2024, 7, 5, 10)
    rows = [
        Row(
            f"{number}.jpg",
            taken_at=(start + datetime.timedelta(minutes=minute)).isoformat(),
            camera="X",
            place=place,
        )
        for number, (minute, place) in enumerate(shots)
    ]
    put(library, rows)
    update_places(library)
    places = {photo.name: photo.place for photo in library.records(library.find())}
    for number, (minute, position) in enumerate(shots):
        place = places[f"{number}.jpg"]
        assert (place is not None and place.source == "gps") is (position is not None)
        if place is not None and position is None:
            same = [
                other_minute
                for other, (other_minute, other_position) in enumerate(shots)
                if other_position is not None and _name(places[f"{other}.jpg"]) == place.name
            ]
            assert any(0 <= minute - other <= 60 for other in same)
            assert any(0 <= other - minute <= 60 for other in same)


def _name(place: PhotoPlace | None) -> str | None:
    return place.name if place else None


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("São Paulo", "sao paulo"),
        ("  MÜNCHEN ", "munchen"),
        ("Saint-Denis", "saint denis"),
        ("St. John's", "st john s"),
        ("葡萄牙", "葡萄牙"),
        ("!?", ""),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold_place(text) == folded
