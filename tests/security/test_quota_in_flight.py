"""Bytes count towards the quota while they are received, so that requests cannot race."""

import threading
from collections.abc import Callable, Iterator

import pytest

from scene_model.config import Settings
from scene_model.errors import QuotaExceeded
from scene_model.ingest.announced import Announced
from scene_model.ingest.ingest_photo import ingest_photo
from scene_model.library.records import NewPhoto
from scene_model.visitors.visitors import Visitors
from tests.pictures import encode, textured
from tests.security.conftest import StartApp, client_of
from tests.visitors.conftest import Clock

A, B = "a" * 64, "b" * 64
MB = 1_000_000
STRANGER = ("192.0.2.7", 50_000)

Limited = Callable[..., Visitors]


@pytest.fixture
def limited(
    shared_settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Limited]:
    """Open visitors with some limits."""
    # So that nothing is measured again after a time.
    monkeypatch.setattr("scene_model.visitors.usage.MEASURING_SHARE", 1e-9)
    opened = list[Visitors]()

    def open_visitors(**limits: int) -> Visitors:
        opened.append(Visitors(shared_settings.model_copy(update=limits), clock, clock))
        return opened[-1]

    yield open_visitors
    for visitors in opened:
        visitors.close()


def test_what_is_announced_counts_at_once(limited: Limited) -> None:
    quota = limited(visitor_max_bytes=20 * MB).services(A).quota
    with quota.receiving(12 * MB) as reception:
        with pytest.raises(QuotaExceeded, match=r"12\.0 MB would be added"):
            quota.receiving(12 * MB)
        reception.received(12 * MB)
        with pytest.raises(QuotaExceeded):
            quota.require(0, 12 * MB)
    with quota.receiving(12 * MB) as reception:  # the first one was given up
        reception.received(12 * MB)
        reception.finish()
    assert quota.receiving(5 * MB)


def test_what_arrives_unannounced_counts_at_once(limited: Limited) -> None:
    quota = limited(visitor_max_bytes=20 * MB).services(A).quota
    with quota.receiving(0) as first, quota.receiving(0) as second:
        first.received(12 * MB)
        with pytest.raises(QuotaExceeded):
            second.received(12 * MB)
        with pytest.raises(QuotaExceeded):
            quota.require(0, 12 * MB)


def test_announcements_keep_no_other_visitor_out(limited: Limited) -> None:
    visitors = limited(server_max_bytes=20 * MB)
    first, second = visitors.services(A).quota, visitors.services(B).quota
    with first.receiving(18 * MB) as announced, second.receiving(12 * MB) as sent:
        sent.received(12 * MB)
        with pytest.raises(QuotaExceeded, match="all visitors together"):
            announced.received(12 * MB)


def test_files_on_their_way_and_batches_count_together(limited: Limited) -> None:
    services = limited(visitor_max_bytes=20 * MB).services(A)
    uploads = services.uploads
    job = uploads.announce([Announced("a.jpg", 12 * MB)])
    path = uploads.begin_file(job.id, 0, 12 * MB)
    assert path is not None
    with pytest.raises(QuotaExceeded):
        services.quota.receiving(12 * MB)
    uploads.announce([Announced("b.jpg", 5 * MB)])  # the first file counts once
    with pytest.raises(QuotaExceeded):
        uploads.announce([Announced("c.jpg", 5 * MB)])
    uploads.leave_file(path)
    assert services.quota.receiving(12 * MB)


def test_parts_on_disk_count_once(limited: Limited) -> None:
    services = limited(visitor_max_bytes=20 * MB).services(A)
    uploads = services.uploads
    job = uploads.announce([Announced("a.jpg", 12 * MB)])
    path = uploads.begin_part(job.id, 0, 0)
    assert path is not None
    path.write_bytes(bytes(6 * MB))
    uploads.count_received(path, 6 * MB)
    assert not uploads.finish_part(job.id, 0, path)
    uploads.leave_part(path)
    with pytest.raises(QuotaExceeded):
        services.quota.require(0, 15 * MB)
    uploads.announce([Announced("b.jpg", 7 * MB)])


def test_files_in_memory_count_while_they_are_written(limited: Limited) -> None:
    services = limited(visitor_max_bytes=20 * MB).services(A)

    def files() -> Iterator[tuple[str, bytes]]:
        with pytest.raises(QuotaExceeded):
            services.quota.receiving(12 * MB)
        yield "t.jpg", b"no picture"

    assert services.uploads.submit(1, 12 * MB, files()).wait(60)


def test_the_copy_in_the_library_counts(limited: Limited) -> None:
    services = limited(visitor_max_bytes=20 * MB).services(A)
    picture = encode(textured(48, 32, seed=1))
    ballast = NewPhoto(picture + bytes(12 * MB), "a.jpg", "2026-01-01T00:00:00+00:00")
    ingest_photo(services.library, services.classifier, ballast, quota=services.quota)
    other = NewPhoto(picture + bytes(12 * MB) + b"x", "b.jpg", "2026-01-01T00:00:00+00:00")
    with pytest.raises(QuotaExceeded):
        ingest_photo(services.library, services.classifier, other, quota=services.quota)
    assert services.library.count() == 1


def test_two_batches_at_the_same_time(start_app: StartApp) -> None:
    """The first stops in the middle until the second is answered."""
    visitor = client_of(start_app(mode="shared", visitor_max_bytes=20 * MB), STRANGER)
    visitor.get("/")
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="x.jpg"\r\n\r\n'
    parts = [head, bytes(6 * MB), bytes(6 * MB), b"\r\n--b--\r\n"]
    kind = {"content-type": "multipart/form-data; boundary=b"}
    is_received, is_answered = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield from parts[:2]
        is_received.set()
        assert is_answered.wait(60)
        yield from parts[2:]

    statuses = list[int]()

    def send_first() -> None:
        length = {"content-length": str(sum(map(len, parts)))}
        answer = visitor.post("/api/predict/batch", content=slowly(), headers=kind | length)
        statuses.append(answer.status_code)

    first = threading.Thread(target=send_first)
    first.start()
    try:
        assert is_received.wait(60)
        second = visitor.post("/api/predict/batch", content=b"".join(parts), headers=kind)
    finally:
        is_answered.set()
        first.join()
    assert second.json()["type"] == "urn:scene-gallery:quota_exceeded"
    assert statuses == [200]
