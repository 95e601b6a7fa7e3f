"""Videos in the library: ways in, files beside them, search, exports, trash and repairs."""

import csv
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_model.duplicates.groups import near_duplicate_pairs
from scene_model.duplicates.missing_hashes import count_missing_hashes
from scene_model.duplicates.near_duplicates import (
    NearDuplicateKind,
    compare_new,
    count_pending_comparisons,
)
from scene_model.errors import NoFrames, OriginalChanged, UnreadableFile
from scene_model.export.dataset import write_dataset
from scene_model.export.folders import FolderRule
from scene_model.export.table import READ_CSV
from scene_model.ingest.announced import Announced
from scene_model.ingest.folder_scan import scan_folder
from scene_model.ingest.ingest_photo import ingest_file
from scene_model.learning.retag import retag
from scene_model.library import edits
from scene_model.library.inventory import files_of, stored_photos
from scene_model.library.store import Library
from scene_model.library.trash import empty_trash
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.rebuild import add_missing_rows
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.verify import verify
from scene_model.photos.content import read_content
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.hashes import content_hash
from scene_model.search.similar import similar_to_photo
from scene_model.services import Services
from tests.pictures import striped
from tests.videos import padded, turned, video

Add = Callable[[list[tuple[str, bytes]]], list[str]]
NOW = "2024-08-01T10:00:00+02:00"


def add_file(services: Services, path: Path, by_reference: bool = False) -> str:
    return ingest_file(services.library, services.classifier, path, NOW, by_reference).id


def test_a_video_comes_in_by_upload(services: Services) -> None:
    data = turned(video("MOV", 3.0))
    job = services.uploads.announce([Announced("trip/film.mov", len(data))])
    target = services.uploads.begin_file(job.id, 0, len(data))
    assert target is not None
    target.write_bytes(data)
    received = target.stat().st_ino
    services.uploads.finish_file(job.id, 0, target)
    assert job.wait(60)
    (photo_id,) = job.progress().photo_ids
    library, record = services.library, services.library.photo(content_hash(data))
    assert (photo_id, record.format, record.width, record.height) == (record.id, "MOV", 48, 64)
    assert record.duration_s == pytest.approx(3.0, abs=0.11)
    original = library.original_path(photo_id)
    # The received file itself, not a copy: it got a second name, and lost the first.
    assert (original.stat().st_ino, original.stat().st_nlink) == (received, 1)
    assert original.read_bytes() == data
    assert not list(library.incoming_dir.iterdir())
    for encoded, size in (
        (library.thumbnail(photo_id), (48, 64)),
        (library.preview(photo_id), (48, 64)),
        (library.full_size(photo_id), (48, 64)),
        (library.frames(photo_id), (4 * 48, 64)),
    ):
        assert Image.open(io.BytesIO(encoded)).size == size


def test_a_copy_and_a_reference(services: Services, tmp_path: Path) -> None:
    copied, referenced = tmp_path / "a.mp4", tmp_path / "b.webm"
    copied.write_bytes(video("MP4"))
    referenced.write_bytes(video("WEBM"))
    first = add_file(services, copied)
    second = add_file(services, referenced, by_reference=True)
    library = services.library
    assert library.original_path(first).read_bytes() == copied.read_bytes()
    # A change of the person's file must not change the library's.
    assert not library.original_path(first).samefile(copied)
    assert library.original_path(second) == referenced
    assert library.video_path(second) == referenced
    referenced.write_bytes(b"other")
    with pytest.raises(OriginalChanged):
        library.video_path(second)


def test_a_video_that_changes_while_it_is_copied(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(video())
    content = read_content(path, PhotoLimits())
    path.write_bytes(video(tint=90))
    with pytest.raises(UnreadableFile, match="changed"):
        services.library.files.store_copy(content_hash(video()), "MP4", content)
    assert not list(services.library.files.new_dir.iterdir())
    assert not services.library.files.copy_location(content_hash(video()), "MP4").exists()


def test_a_large_video_is_never_in_memory(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(padded(video(), 60_000_000))
    tracemalloc.start()
    try:
        photo_id = add_file(services, path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 20_000_000
    assert services.library.original_path(photo_id).stat().st_size == path.stat().st_size


def test_the_embedding_is_the_mean_of_the_frames(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(video(size=(320, 240)))
    content = read_content(path, PhotoLimits())
    prediction = services.classifier.predict(content)
    frames = [
        services.classifier.predict(_png(frame)).embedding for frame in prediction.photo.frames
    ]
    assert len(frames) == 4
    assert np.allclose(prediction.embedding, np.mean(frames, axis=0), atol=1e-5)


def _png(pixels: np.ndarray) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    return encoded.getvalue()


@pytest.mark.slow
def test_search_for_videos(services: Services, add_photos: Add) -> None:
    short, long, _ = add_photos(
        [("a.mp4", video()), ("b.webm", video("WEBM", 65.0)), ("stripes.jpg", striped(3))]
    )
    gallery = services.gallery()

    def matches(line: str) -> set[str]:
        return set(gallery.all_ids(line))

    everything = matches("")
    assert matches("is:video") == {short, long}
    assert matches("-is:video") == everything - {short, long}
    assert matches("duration>30s") == matches("duration>=1m") == matches("duration > 64") == {long}
    assert matches("-duration>30s") == everything - {long}
    assert matches("duration<1m5s is:video") == matches("duration=2s") == {short}
    assert matches("duration<1h") == {short, long}


def test_dates_by_container_and_name(services: Services, add_photos: Add) -> None:
    tags = {"creation_time": "2024-07-15T12:03:24.000000Z"}
    names = {
        "clip.mp4": "2024-07-15T12:03:24+00:00",
        # The name is local time: the difference is the zone.
        "VID_20240715_140322.mp4": "2024-07-15T14:03:22+02:00",
        # No zone is 37 minutes off: the camera's clock or the name is wrong.
        "VID_20240715_144022.mp4": "2024-07-15T12:03:24+00:00",
        # The container has local time too.
        "VID_20240715_120322.mp4": "2024-07-15T12:03:22",
    }
    files = [(name, video(tags=tags, tint=tint)) for tint, name in enumerate(names, 1)]
    ids = add_photos(files)
    records = {record.name: record for record in services.library.records(ids)}
    assert {name: record.taken_at for name, record in records.items()} == names
    assert records["clip.mp4"].taken_source == "CreationTime"


@pytest.mark.slow
def test_tables_and_zip(services: Services, add_photos: Add) -> None:
    data = video(tags={"location": "+38.7200-009.1400/"})
    ids = add_photos([("a.mp4", data), ("stripes.jpg", striped(3))])
    (row, other) = csv.DictReader(io.StringIO("".join(services.exports.csv_lines(ids))))
    assert (row["Duration"], other["Duration"]) == ("2.0", "")
    assert READ_CSV["converters"]["Duration"]("2.0") == 2.0
    records = json.loads("".join(services.exports.json_lines(ids)))
    assert [record["duration"] for record in records] == [2.0, None]
    assert records[0]["latitude"] == 38.72
    whole = b"".join(services.exports.zip_by(ids, FolderRule()))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert data in [archive.read(name) for name in archive.namelist()]
    stripped = b"".join(services.exports.zip_by(ids, FolderRule(), with_place=False))
    with zipfile.ZipFile(io.BytesIO(stripped)) as archive:
        assert "a.mp4" in archive.read("left-out.txt").decode()


def test_a_training_set_has_no_videos(services: Services, add_photos: Add, tmp_path: Path) -> None:
    ids = add_photos([("a.mp4", video()), ("stripes.jpg", striped(3))])
    edits.set_class(services.library, ids, "sea")
    written = list(write_dataset(services.library, ids, tmp_path / "set"))
    assert [item.photo_id for item in written] == ids[1:]


def test_files_are_verified_recreated_and_removed(services: Services, add_photos: Add) -> None:
    (photo_id,) = add_photos([("a.mp4", video())])
    library = services.library
    with library.database.reader.begin() as connection:
        (stored,) = stored_photos(connection)
    files = files_of(library, stored)
    assert len(files) == 3
    assert all(file.is_file() for file in files)
    assert verify(library, settle_s=0).problems == ()
    frames = library.files.frames_location(photo_id)
    frames.unlink()
    assert [problem.code for problem in verify(library, settle_s=0).problems] == ["missing_frames"]
    assert verify(library, repair=True, settle_s=0).problems[0].is_repaired
    frames.write_bytes(b"no picture")
    assert [problem.code for problem in verify(library, settle_s=0).problems] == ["damaged_frames"]
    frames.unlink()
    assert library.frames(photo_id) == frames.read_bytes()
    edits.move_to_trash(library, [photo_id])
    assert empty_trash(library, [photo_id]).unremoved_files == ()
    assert not any(file.exists() for file in files)


def test_a_backup_holds_the_frames(services: Services, add_photos: Add, tmp_path: Path) -> None:
    (photo_id,) = add_photos([("a.mp4", video())])
    write_backup(services.library, tmp_path / "backup.zip")
    restore_backup(tmp_path / "backup.zip", tmp_path / "restored")
    name = services.library.files.frames_location(photo_id).relative_to(services.library.folder)
    assert (tmp_path / "restored" / name).read_bytes() == services.library.frames(photo_id)


def test_a_video_is_no_duplicate_of_its_picture(
    services: Services, add_photos: Add, tmp_path: Path
) -> None:
    data = video("MOV", size=(320, 240))
    (tmp_path / "a.mov").write_bytes(data)
    still = services.classifier.predict(read_content(tmp_path / "a.mov", PhotoLimits()))
    live, picture, copy = add_photos(
        [
            ("a.mov", data),
            ("a.png", _png(still.photo.pixels)),
            ("b.png", _png(still.photo.pixels[::2, ::2])),
        ]
    )
    assert set(services.gallery().all_ids("is:duplicate")) == {picture, copy}
    assert list(compare_new(services.library)) == [2]
    pairs = near_duplicate_pairs(services.library, NearDuplicateKind.NEAR)
    assert [{pair.first, pair.second} for pair in pairs] == [{picture, copy}]
    assert count_pending_comparisons(services.library) == 0
    assert count_missing_hashes(services.library) == 0
    similar = similar_to_photo(services.library, services.classifier, live, 5)
    assert {each.photo_id for each in similar} == {picture, copy}


def test_pictures_have_no_frames(services: Services, add_photos: Add) -> None:
    (photo_id,) = add_photos([("stripes.jpg", striped(3))])
    with pytest.raises(NoFrames):
        services.library.frames(photo_id)
    with pytest.raises(NoFrames):
        services.library.video_path(photo_id)


def test_retagging_needs_no_frames(services: Services, add_photos: Add) -> None:
    (photo_id,) = add_photos([("a.mp4", video())])
    before = services.library.photo(photo_id)
    retag(services.library, services.classifier, photo_id)
    assert services.library.photo(photo_id).shown_tags == before.shown_tags
    assert services.library.photo(photo_id).photo_class == before.photo_class


def test_a_retag_without_an_embedding_decodes_again(services: Services, add_photos: Add) -> None:
    (photo_id,) = add_photos([("a.mp4", video())])
    before = services.library.embedding(photo_id).values
    for file in (services.library.folder / "embeddings").iterdir():
        file.write_bytes(bytes(file.stat().st_size))
    retag(services.library, services.classifier, photo_id)
    assert np.allclose(services.library.embedding(photo_id).values, before)


def test_a_rebuild_adds_a_row_for_a_video(
    services: Services, add_photos: Add, tmp_path: Path
) -> None:
    (photo_id,) = add_photos([("a.webm", video("WEBM"))])
    original = services.library.original_path(photo_id)
    with Library(tmp_path / "other") as other:
        copy = other.files.copy_location(photo_id, "WEBM")
        copy.parent.mkdir(parents=True)
        copy.write_bytes(original.read_bytes())
        rebuilt = add_missing_rows(
            other, lambda path: ingest_file(other, services.classifier, path, NOW)
        )
        assert [each.error for each in rebuilt] == [None]
        assert other.photo(photo_id).duration_s == services.library.photo(photo_id).duration_s
        assert verify(other, settle_s=0).problems == ()


def test_a_folder_with_videos(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "camera"
    folder.mkdir()
    files = {"a.MOV": video("MOV"), "b.mkv": video("MKV")[:900], "c.txt": b"text", "d.3gp": b"x"}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    paths = scan_folder(folder, recursive=True).photos
    assert [path.name for path in paths] == ["a.MOV", "b.mkv", "d.3gp"]
    job = services.jobs.submit_paths(paths, by_reference=True)
    assert job.wait(60)
    assert {each.name: each.code for each in job.progress().skipped} == {
        "b.mkv": "truncated_photo",
        "d.3gp": "not_a_picture",
    }
    assert len(job.progress().photo_ids) == 1
