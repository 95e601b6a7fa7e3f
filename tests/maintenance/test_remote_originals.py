"""Rows of photos at URLs are checked, and repairs fetch nothing."""

import sqlite3

import pytest

from scene_model.library.records import NewPhoto
from scene_model.maintenance.row_check import row_problems
from scene_model.maintenance.verify import verify
from scene_model.services import Services

URL = "https://photos.example/dahlia.jpg"


@pytest.fixture
def photo_id(services: Services, flower: bytes) -> str:
    photo = NewPhoto(flower, "dahlia.jpg", "2026-01-02T03:04:05+00:00", remote_url=URL)
    classifier = services.classifier
    return services.library.add(photo, classifier.predict(flower), classifier.provenance).id


def problems_with(services: Services, photo_id: str, values: str) -> list[str]:
    with sqlite3.connect(services.library.folder / "library.db") as connection:
        connection.execute(f"UPDATE photos SET {values} WHERE id = ?", (photo_id,))  # noqa: S608
    messages = row_problems(connection)
    connection.close()
    return messages


def test_addresses_in_rows(services: Services, photo_id: str) -> None:
    for url in ("s3://b/a.jpg", "gs://b/a.jpg", "az://b/a.jpg", "http://h/a.jpg", URL):
        assert problems_with(services, photo_id, f"remote_url = '{url}'") == []
    for values in (
        "remote_url = 'file:///etc/passwd'",
        "remote_url = 'https://'",
        f"remote_url = '{URL}', reference = '/a.jpg'",
    ):
        (problem,) = problems_with(services, photo_id, values)
        assert "original is in two places, or at no address" in problem


def test_a_repair_fetches_nothing(services: Services, photo_id: str) -> None:
    services.library.files.thumbnail_location(photo_id).unlink()
    result = verify(services.library, repair=True)
    (problem,) = result.problems
    assert (problem.code, problem.is_repaired) == ("missing_thumbnail", False)
    assert "was not fetched" in problem.message
    assert result.remote_unchecked == 1
