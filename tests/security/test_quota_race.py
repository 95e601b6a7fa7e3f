"""Simultaneous requests cannot store more photos than a visitor may have."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from scene_model.config import Settings
from scene_model.errors import QuotaExceeded
from scene_model.ingest.ingest_photo import ingest_photo
from scene_model.library.records import NewPhoto
from scene_model.services import Services
from scene_model.visitors.visitors import Visitors
from tests.pictures import encode, textured

LIMIT, BATCHES, PER_BATCH = 10, 6, 6
OWNER = "a" * 64


@pytest.fixture
def services(shared_settings: Settings) -> Iterator[Services]:
    limits = {"visitor_max_photos": LIMIT, "workers": 4}
    visitors = Visitors(shared_settings.model_copy(update=limits))
    yield visitors.services(OWNER)
    visitors.close()


def batch(number: int) -> list[tuple[str, bytes]]:
    seeds = range(PER_BATCH * number, PER_BATCH * (number + 1))
    return [(f"{seed}.jpg", encode(textured(48, 32, seed=seed))) for seed in seeds]


def test_batches_that_were_accepted_at_the_same_time(services: Services) -> None:
    batches = [batch(number) for number in range(BATCHES)]
    for files in batches:  # every request is checked before any of them stores a photo
        services.uploads.require_room(len(files), sum(len(data) for _, data in files))
    jobs = [services.jobs.submit(files) for files in batches]
    assert all(job.wait(120) for job in jobs)
    assert services.library.count() == LIMIT
    skipped = [item for job in jobs for item in job.progress().skipped]
    assert len(skipped) == BATCHES * PER_BATCH - LIMIT
    assert {item.code for item in skipped} == {"quota_exceeded"}


def test_photos_stored_by_many_threads(services: Services) -> None:
    """As REST batches that add to the library do."""
    files = [file for number in range(3) for file in batch(number)]

    def store(file: tuple[str, bytes]) -> bool:
        photo = NewPhoto(file[1], file[0], "2026-01-01T00:00:00+00:00")
        try:
            ingest_photo(services.library, services.classifier, photo, quota=services.quota)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(store, files)) == LIMIT
    assert services.library.count() == LIMIT
