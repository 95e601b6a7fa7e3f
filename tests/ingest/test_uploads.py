"""Uploads sent file by file: each file is tagged as it arrives."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.errors import FileNotAnnounced, LibraryUnavailable, UploadIncomplete, UploadOver
from scene_model.ingest.announced import Announced
from scene_model.ingest.folder_scan import scan_folder, space_needed
from scene_model.ingest.uploads import IDLE_S, Uploads
from scene_model.jobs.job import Job, JobState, Outcome
from scene_model.library.files.file_system import FileSystem
from scene_model.photos.names import refusal_by_name
from scene_model.services import Services, open_services

Files = list[tuple[str, bytes]]


def announced(files: Files) -> list[Announced]:
    return [Announced(name, len(data)) for name, data in files]


def send(app: Services, job: Job, number: int, data: bytes) -> None:
    target = app.uploads.begin_file(job.id, number, len(data))
    if target is not None:
        target.write_bytes(data)
        app.uploads.finish_file(job.id, number, target)
        target.unlink(missing_ok=True)


def test_arrived_files_are_tagged_and_the_others_pending(
    services: Services, made_photos: Files
) -> None:
    job = services.uploads.announce(announced([("trip/film.wmv", b"x" * 9), *made_photos]))
    assert [item.name for item in services.uploads.missing(job.id)] == [n for n, _ in made_photos]
    for number, (_, data) in enumerate(made_photos, start=1):
        assert job.is_running
        send(services, job, number, data)
        if number < len(made_photos):  # after the last file the upload may have ended
            send(services, job, number, data)  # sent twice: ignored
    assert job.wait(60)
    progress = job.progress()
    assert (progress.total, progress.done, len(progress.photo_ids)) == (13, 13, 12)
    assert [(s.name, s.code) for s in progress.skipped] == [("film.wmv", "video_file")]
    assert services.uploads.open() == []
    assert not list(services.library.incoming_dir.iterdir())
    assert not list(services.library.files.new_dir.iterdir())


def test_a_restart_in_the_middle(tmp_path: Path, made_photos: Files) -> None:
    settings = Settings(library=tmp_path / "library", workers=1)
    first = open_services(settings)
    job = first.uploads.announce(announced([*made_photos, ("doc.pdf", b"x")]))
    for number in (0, 3, 5):
        send(first, job, number, made_photos[number][1])
    first.close()
    second = open_services(settings)
    (again,) = second.uploads.open()
    assert again.id == job.id
    missing = [int(item.file) for item in second.uploads.missing(job.id)]
    assert missing == [i for i in range(12) if i not in (0, 3, 5)]
    for number in range(12):
        send(second, again, number, made_photos[number][1])
    assert again.wait(60)
    progress = again.progress()
    assert (progress.state, progress.total, progress.done) == (JobState.DONE, 13, 13)
    assert second.library.count() == 12
    assert not list(second.library.incoming_dir.iterdir())
    second.close()


def test_cancel_removes_all_files(services: Services, made_photos: Files) -> None:
    job = services.uploads.announce(announced(made_photos))
    send(services, job, 0, made_photos[0][1])
    target = services.uploads.begin_file(job.id, 1, len(made_photos[1][1]))
    assert target is not None
    target.write_bytes(made_photos[1][1])
    job.cancel()
    assert job.wait(60)
    assert job.progress().state is JobState.CANCELLED
    with pytest.raises(UploadOver):
        services.uploads.finish_file(job.id, 1, target)
    assert not list(services.library.incoming_dir.iterdir())
    assert services.library.count() == len(job.progress().photo_ids) <= 1


def test_an_incomplete_file_is_refused(services: Services, made_photos: Files) -> None:
    job = services.uploads.announce(announced(made_photos[:1]))
    data = made_photos[0][1]
    with pytest.raises(UploadIncomplete, match="announced"):
        services.uploads.begin_file(job.id, 0, len(data) + 1)
    with pytest.raises(FileNotAnnounced):
        services.uploads.begin_file(job.id, 7, 1)
    target = services.uploads.begin_file(job.id, 0, None)
    assert target is not None
    target.write_bytes(data[:-1])
    with pytest.raises(UploadIncomplete, match="arrived"):
        services.uploads.finish_file(job.id, 0, target)
    assert len(services.uploads.missing(job.id)) == 1
    ended = services.uploads.end(job.id)
    assert ended.wait(10)
    assert [s.code for s in ended.progress().skipped] == ["upload_incomplete"]


def test_idle_uploads_are_ended(services: Services, made_photos: Files) -> None:
    now = [0.0]
    uploads = Uploads(
        services.jobs, services.library, services.classifier.limits, clock=lambda: now[0]
    )
    job = uploads.announce(announced(made_photos[:2]))
    now[0] = IDLE_S
    assert uploads.open() == [job]
    now[0] = IDLE_S + 1
    assert uploads.open() == []
    assert job.wait(10)
    assert len(job.progress().skipped) == 2


def test_an_upload_is_not_idle_while_a_large_file_arrives(
    services: Services, made_photos: Files
) -> None:
    now = [0.0]
    uploads = Uploads(
        services.jobs, services.library, services.classifier.limits, clock=lambda: now[0]
    )
    job = uploads.announce(announced(made_photos[:1]))
    target = uploads.begin_file(job.id, 0, None)
    assert target is not None
    for data in (made_photos[0][1][:100], made_photos[0][1][100:]):
        now[0] += IDLE_S
        uploads.count_received(target, len(data))
        with target.open("ab") as file:
            file.write(data)
    now[0] += IDLE_S
    assert uploads.open() == [job]
    uploads.finish_file(job.id, 0, target)
    assert job.wait(60)
    assert len(job.progress().photo_ids) == 1


class Meanwhile(FileSystem):
    """Does something else, once, while a request asks for the free space."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def free_bytes(self, folder: Path) -> int:
        action, self.action = self.action, None
        if action is not None:
            action()
        return super().free_bytes(folder)


def send_part(uploads: Uploads, job: Job, data: bytes, start: int, end: int) -> None:
    target = uploads.begin_part(job.id, 0, start)
    assert target is not None
    with target.open("r+b") as file:
        file.seek(start)
        file.write(data[start:end])
    uploads.finish_part(job.id, 0, target)
    uploads.leave_part(target)


def test_a_part_that_is_sent_twice_at_once_counts_once(services: Services, temple: bytes) -> None:
    uploads = services.uploads
    job = uploads.announce([Announced("a.jpg", len(temple))])
    services.library.file_system = Meanwhile(lambda: send_part(uploads, job, temple, 0, 100))
    with pytest.raises(UploadIncomplete, match="100 bytes have arrived"):
        uploads.begin_part(job.id, 0, 0)
    assert uploads.received_bytes(job.id) == {0: 100}
    send_part(uploads, job, temple, 100, len(temple))
    assert job.wait(60)
    (photo_id,) = job.progress().photo_ids
    assert services.library.original_path(photo_id).read_bytes() == temple


def test_a_part_that_cannot_be_begun_can_be_sent_again(services: Services, temple: bytes) -> None:
    uploads = services.uploads
    job = uploads.announce([Announced("a.jpg", len(temple))])
    batch = services.jobs.batch(job.id)
    assert batch is not None
    moved = batch.folder.with_name("moved")
    batch.folder.rename(moved)
    with pytest.raises(LibraryUnavailable):
        uploads.begin_part(job.id, 0, 0)
    moved.rename(batch.folder)
    send_part(uploads, job, temple, 0, len(temple))
    assert job.wait(60)


def test_hostile_paths_are_only_shown(services: Services, temple: bytes) -> None:
    job = services.uploads.announce([Announced("../../etc/passwd.jpg", len(temple))])
    send(services, job, 0, temple)
    assert job.wait(60)
    (record,) = services.library.records(services.library.find())
    assert record.name == "passwd.jpg"


@pytest.mark.parametrize("by_reference", [False, True])
def test_a_folder_of_this_computer(
    services: Services, made_photos: Files, tmp_path: Path, by_reference: bool
) -> None:
    folder = tmp_path / "pictures"
    (folder / "deep").mkdir(parents=True)
    for name, data in made_photos[:3]:
        (folder / "deep" / name).write_bytes(data)
    (folder / "film.wmv").write_bytes(b"film")
    assert scan_folder(folder, recursive=False).photos == ()
    scan = scan_folder(folder, recursive=True)
    assert (len(scan.photos), scan.ignored) == (3, 1)
    assert scan.file_bytes == sum(len(data) for _, data in made_photos[:3])
    needed = space_needed(scan, services.library)
    assert needed.by_copy - needed.by_reference == scan.file_bytes
    job = services.jobs.submit_paths(scan.photos, by_reference)
    assert job.wait(60)
    assert services.library.count() == 3
    # The files are only read.
    assert {p.name: p.read_bytes() for p in (folder / "deep").iterdir()} == dict(made_photos[:3])
    for record in services.library.records(services.library.find()):
        assert (record.reference is not None) == by_reference


def test_cancelling_a_folder_removes_no_file(
    services: Services, made_photos: Files, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{secrets.token_hex(4)}.jpg" for _ in made_photos]
    for path, (_, data) in zip(paths, made_photos, strict=True):
        path.write_bytes(data)
    job = services.jobs.submit_paths(paths, by_reference=True)
    job.cancel()
    assert job.wait(60)
    assert all(path.exists() for path in paths)


def test_files_refused_by_name() -> None:
    assert refusal_by_name("a/b.JPG") is None
    assert refusal_by_name("no_suffix") is None
    for name, code in (("a.WMV", "video_file"), ("b.pdf", "not_a_picture")):
        refusal = refusal_by_name(name)
        assert refusal is not None
        assert refusal.code == code


def test_a_sender_pauses_while_many_files_are_untagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_services(Settings(library=tmp_path / "library", workers=1))
    monkeypatch.setattr(app.jobs, "feed", lambda *_: None)  # no file is tagged
    job = app.uploads.announce([Announced(f"{i}.jpg", 1) for i in range(200)])
    arrived = []
    for number in range(200):
        if app.uploads.is_backed_up(job.id):
            break
        send(app, job, number, b"x")
        arrived.append(number)
    assert len(arrived) == 17, "one more than 16 before anything was tagged"
    for _ in range(17):
        job.record(Outcome("a photo"))  # at a high rate: the limit rises
    assert not app.uploads.is_backed_up(job.id)
    for number in range(17, 200):
        if app.uploads.is_backed_up(job.id):
            break
        send(app, job, number, b"x")
        arrived.append(number)
    assert 17 + 16 < len(arrived) <= 17 + 151
    app.close()
