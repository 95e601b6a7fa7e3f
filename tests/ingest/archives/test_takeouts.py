"""Whole exports of Google Takeout come in with their dates, places and albums, each photo once."""

import datetime
import subprocess
import sys
from pathlib import Path

import pytest

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.config import PROJECT_DIR, Settings
from scene_model.ingest.archives.plan import plan_export
from scene_model.library.albums.album_edits import delete_album, remove_from_album, rename_album
from scene_model.library.albums.own_albums import own_albums
from scene_model.library.awaited_facts import stored_awaited_facts
from scene_model.library.dates.date_edits import set_date
from scene_model.library.edits import move_to_trash, set_favourite
from scene_model.library.store import Library
from scene_model.photos.hashes import content_hash
from scene_model.services import Services, open_services
from tests.ingest.archives.conftest import AddExport
from tests.takeouts import (
    ROOT,
    STAMP,
    Expected,
    MadeTakeout,
    album_json,
    item_json,
    made_takeout,
    stored_facts,
    write_zip,
)

pytestmark = pytest.mark.slow


def faults(services: Services, made: MadeTakeout) -> dict[str, tuple[Expected | None, Expected]]:
    """What the library holds instead of the truth, by trap."""
    stored = stored_facts(services, made)
    return {
        expected.trap: (stored.get(photo_id), expected)
        for photo_id, expected in made.truth.items()
        if stored.get(photo_id) != expected
    }


def test_three_zips_with_every_trap(
    services: Services, tmp_path: Path, add_export: AddExport, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_takeout(300)
    assert len({expected.trap for expected in made.truth.values()}) >= 50
    paths = made.write(tmp_path)
    plan, progress = add_export(paths)
    assert faults(services, made) == {}
    assert services.library.count() == len(made.truth) == len(progress.photo_ids) >= 297
    assert not made.left_out & set(progress.photo_ids)
    assert (plan.left_out, plan.missing_files, plan.is_takeout) == (len(made.left_out), 0, True)
    assert progress.skipped == ()
    # The files in folders of albums are copies, not photos of an earlier run.
    assert progress.known == 0
    assert progress.copies == progress.total - len(progress.photo_ids) > 10
    assert not list(services.library.incoming_dir.iterdir())

    # A second run adds nothing, predicts nothing, and changes nothing.
    def fail(self: Classifier, data: bytes) -> Prediction:
        raise AssertionError("predicted a stored photo")

    monkeypatch.setattr(Classifier, "predict", fail)
    with services.library.database.reader.begin() as connection:
        edits = connection.exec_driver_sql("SELECT count(*) FROM edits").scalar()
    _, again = add_export(paths)
    assert (again.known, again.copies) == (again.done, 0)
    assert services.library.count() == len(made.truth)
    assert faults(services, made) == {}
    with services.library.database.reader.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM edits").scalar() == edits


@pytest.mark.parametrize("kind", ["tgz", "folder"])
def test_other_ways(services: Services, tmp_path: Path, add_export: AddExport, kind: str) -> None:
    made = made_takeout(0)
    if kind == "tgz":
        paths = made.write(tmp_path, "tgz")
    else:
        for _, name, data in made.files:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
        paths = [tmp_path / "Takeout"]
    _, progress = add_export(paths)
    assert faults(services, made) == {}
    assert services.library.count() == len(made.truth)
    assert progress.skipped == ()


def test_parts_that_come_one_by_one(
    services: Services, tmp_path: Path, add_export: AddExport
) -> None:
    """A .json completes a photo of an earlier part, and waits for one of a later part."""
    made = MadeTakeout(2)
    first = made.add("photo first", "A.jpg", None)
    made.put("Photos from 2019/A-edited.jpg", edited := made.picture(), 0)
    made.put("Photos from 2019/A.jpg.json", json_of("A.jpg", "2019-05-04T08:18:12"), 1)
    second = made.add("json first", "B.jpg", None, place=(38.72, -9.14, "Europe/Lisbon"))
    made.files[-1] = (1, *made.files[-1][1:])
    made.files[0] = (0, *made.files[0][1:])
    made.put("Photos from 2019/B.jpg.json", json_of("B.jpg", "2019-05-04T08:25:12"), 0)
    parts = made.write(tmp_path)
    plan, progress = add_export(parts[:1])
    assert (plan.photos, plan.missing_files) == (2, 1)
    (missing,) = progress.skipped
    assert missing.code == "part_missing"
    assert "1 photo named in .json files has not come" in missing.message
    assert services.library.photo(content_hash(first)).taken_at is None
    assert [name for _, name in stored_awaited_facts(services.library)] == ["B.jpg.json"]
    plan, progress = add_export(parts[1:])
    assert (plan.photos, plan.completed, plan.missing_files) == (1, 2, 0)
    assert [item.code for item in progress.skipped] == ["part_missing"], "part 1 is not named now"
    taken = {r.id: r.taken_at for r in services.library.records(services.library.find())}
    assert taken == {
        content_hash(first): "2019-05-04T08:18:12+00:00",
        content_hash(edited): "2019-05-04T08:18:12+00:00",
        content_hash(second): "2019-05-04T08:25:12+00:00",
    }
    assert stored_awaited_facts(services.library) == {}


def test_missing_parts_are_named(tmp_path: Path, services: Services, add_export: AddExport) -> None:
    made = MadeTakeout(3)
    for number in range(6):
        made.add("plain", f"{number}.jpg", f"{number}.jpg.json", json_part=1)
    browser = f'<a href="{STAMP}-004.zip">the last part</a>'.encode()
    made.put("archive_browser.html", browser, 0)
    plan, progress = add_export(made.write(tmp_path, parts=(0, 2)))
    assert plan.missing_parts == (f"{STAMP}-002.zip", f"{STAMP}-004.zip")
    assert plan.missing_files == 2
    message = next(s.message for s in progress.skipped if s.name == f"{STAMP}-002.zip")
    assert message.startswith(
        f"{STAMP}-002.zip seems to be missing: 2 photos named in the other parts have not come."
    )


def test_what_a_person_decided_stays(
    services: Services, tmp_path: Path, add_export: AddExport
) -> None:
    made = MadeTakeout(1)
    for name in ("A", "B", "C"):
        data = made.add(name, f"{name}.jpg", f"{name}.jpg.json", favorited=True)
        for album in ("Rome", "Sea"):
            made.put(f"{album}/{name}.jpg", data)
    made.put("Rome/metadata.json", album_json("Rome"))
    ids = dict(zip("ABC", made.truth, strict=True))
    paths = made.write(tmp_path)
    add_export(paths)
    library = services.library
    rome, sea = (album.id for album in own_albums(library))
    set_favourite(library, [ids["A"]], False)
    set_date(library, [ids["B"]], "2001-01-01")
    move_to_trash(library, [ids["C"]])
    rename_album(library, rome, "Roma")
    remove_from_album(library, rome, [ids["A"]])
    delete_album(library, sea)
    add_export(paths)
    assert not library.photo(ids["A"]).favourite
    assert library.photo(ids["B"]).favourite
    assert library.photo(ids["B"]).taken_at == "2001-01-01"
    assert library.photo(ids["C"]).trashed_at is not None
    assert [album.name for album in own_albums(library)] == ["Roma"]
    assert services.gallery().ids("album:Roma") == [ids["B"]]


def test_photos_of_a_folder_are_completed_later(
    services: Services, tmp_path: Path, add_export: AddExport
) -> None:
    """Photos that came without their facts, from anywhere, get those of the export."""
    made = MadeTakeout(1)
    data = made.add("plain", "A.jpg", "A.jpg.json", description="In the sea", favorited=True)
    services.jobs.submit([("other name.jpg", data)]).wait(60)
    (photo,) = services.library.records(services.library.find())
    assert photo.taken_at is None
    _, progress = add_export(made.write(tmp_path))
    assert (progress.known, progress.total) == (1, 1)
    assert faults(services, made) == {}
    assert services.gallery().ids("sea") == [photo.id]
    assert services.gallery().ids("-sea") == []


def test_a_killed_run_is_resumed(tmp_path: Path) -> None:
    made = made_takeout(0)
    paths = made.write(tmp_path / "parts", "tgz")
    folder = tmp_path / "library"
    command = [sys.executable, "-m", "scene_model", "library", "add", "--library", str(folder)]
    process = subprocess.Popen(
        [*command, "--jsonl", *map(str, paths)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=PROJECT_DIR,
    )
    assert process.stdout is not None
    with process, process.stdout as output:
        for _ in range(12):
            output.readline()
        process.kill()
    with Library(folder) as library:
        assert 0 < library.count() < len(made.truth)
        assert len([p for p in library.incoming_dir.iterdir() if p.is_dir()]) == 1
    services = open_services(Settings(library=folder, workers=2), resume=False)
    try:
        # Other archives are another job.
        other = tmp_path / "other.zip"
        write_zip(other, [])
        assert services.jobs.resume_export([other]) is None
        job = services.jobs.resume_export(paths)
        assert job is not None
        assert job.wait(120)
        assert faults(services, made) == {}
        assert services.library.count() == len(made.truth)
        assert not list(services.library.incoming_dir.iterdir())
        assert services.jobs.resume_export(paths) is None
    finally:
        services.close()


def test_cancelled_photos_are_in_their_albums(services: Services, tmp_path: Path) -> None:
    made = MadeTakeout(1)
    for number in range(30):
        data = made.add("plain", f"{number}.jpg", f"{number}.jpg.json")
        made.put(f"Rome/{number}.jpg", data)
    made.files.sort(key=lambda file: file[1].startswith(f"{ROOT}/Photos"))
    plan = plan_export(services.library, made.write(tmp_path))
    job = services.jobs.submit_export(plan, lambda *_: job.cancel())
    assert job.wait(60)
    done = set(job.progress().photo_ids)
    assert 0 < len(done) < 30
    assert set(services.gallery().ids("album:Rome")) == done


def json_of(title: str, taken: str) -> bytes:
    return item_json(title, datetime.datetime.fromisoformat(f"{taken}+00:00"))
