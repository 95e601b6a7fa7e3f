"""Photos of a batch come into the library with its embeddings, as if they had been added."""

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from scene_model.classifier.classify import Classifier
from scene_model.classifier.prediction_record import error_record, prediction_record
from scene_model.errors import BatchError, FetchError
from scene_model.ingest.ingest_photo import ingest_file
from scene_model.library.database.schema import automatic_tags, photos
from scene_model.library.store import Library
from scene_model.photos.content import content_bytes, content_id, read_content
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from scene_model.scale.add_batch import AddedRow, BatchAdder
from scene_model.scale.manifest import MANIFEST_FILE, Manifest, PartEntry
from scene_model.scale.parts import BatchModel, PartRow, part_bytes, part_table
from scene_model.scale.reading.fetcher import Fetcher
from scene_model.scale.reading.url_fetcher import UrlFetcher
from scene_model.scale.sources.open_source import open_source
from tests.bundles import other_network
from tests.photo_server import PhotoServer, photo_server
from tests.s3_server import S3Server
from tests.scale.samples import Run
from tests.videos import video

ADDED = "2026-01-02T03:04:05+00:00"
AddBatch = Callable[[Path | str], list[AddedRow]]


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with photo_server() as server:
        yield server


@pytest.fixture
def library(tmp_path: Path, decoders: Decoders) -> Iterator[Library]:
    with Library(tmp_path / "library", decoders=decoders, fetch=UrlFetcher(5)) as opened:
        yield opened


@pytest.fixture
def add(library: Library, classifier: Classifier) -> AddBatch:
    adder = BatchAdder(library, classifier, Fetcher(classifier.limits, 5), ADDED)
    return lambda out: list(adder.add(str(out), workers=2))


def model_of(classifier: Classifier, with_embeddings: bool = True) -> BatchModel:
    head = classifier.class_head
    return BatchModel(
        "photos",
        classifier.bundle_id,
        classifier.provenance.backbone,
        head.id,
        head.labels.ids,
        with_embeddings,
    )


def row_of(classifier: Classifier, path: Path, file: str | None = None) -> PartRow:
    """The row of a file that `batch` read, under a path or URL."""
    content = read_content(path, classifier.limits)
    prediction = classifier.predict(content)
    record = prediction_record(file or str(path), classifier, classifier.class_head.id, prediction)
    embedding = prediction.embedding.astype(np.float16)
    return PartRow(
        record, None, None, "", content_id(content), content_bytes(content), None, embedding
    )


def write_batch(out: Path, model: BatchModel, rows: list[PartRow]) -> Path:
    out.mkdir(exist_ok=True)
    (out / "part-1.parquet").write_bytes(part_bytes(part_table(rows, model)))
    manifest = Manifest(model, {"part-1.parquet": PartEntry(len(rows))}, is_complete=True)
    (out / MANIFEST_FILE).write_bytes(manifest.as_bytes())
    return out


def stored(library: Library) -> dict[str, Any]:
    """What the library knows of its photos, without what is of each addition alone."""
    with library.database.reader.begin() as connection:
        rows = [dict(row) for row in connection.execute(select(photos)).mappings()]
        tags = connection.execute(
            select(automatic_tags.c.photo_id, automatic_tags.c.head, automatic_tags.c.label)
        ).all()
    for row in rows:
        for name in ("number", "embedding_slot", "reference", "remote_url"):
            del row[name]
    close = {row["id"]: _rounded(row) for row in rows}
    return {"rows": close, "tags": sorted(map(tuple, tags))}


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    # Embeddings of a batch are of half precision.
    return {
        name: round(value, 2) if isinstance(value, float) and "score" in name else value
        for name, value in row.items()
        if name != "confidence"
    }


@pytest.fixture
def folder(tmp_path: Path, temple: bytes, flower: bytes) -> Path:
    made = tmp_path / "photos"
    made.mkdir()
    (made / "temple.jpg").write_bytes(temple)
    (made / "flower.jpg").write_bytes(flower)
    (made / "film.mp4").write_bytes(video())
    return made


def test_files_come_in_as_if_they_had_been_added(
    folder: Path,
    tmp_path: Path,
    classifier: Classifier,
    library: Library,
    add: AddBatch,
    decoders: Decoders,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = sorted(folder.iterdir())
    rows = [row_of(classifier, path) for path in files]
    out = write_batch(tmp_path / "out", model_of(classifier), rows)
    with Library(tmp_path / "other", decoders=decoders) as usual:
        for path in files:
            ingest_file(usual, classifier, path, ADDED, by_reference=True)
        expected = stored(usual)
    monkeypatch.setattr(Classifier, "predict", None)  # the network is not to run again
    results = add(out)
    assert [result.file for result in results] == [str(path) for path in files]
    assert [result.error for result in results] == [None] * 3
    assert stored(library) == expected
    for path, result in zip(files, results, strict=True):
        assert result.added is not None
        assert library.photo(result.added.id).reference == path
        assert library.files.thumbnail_location(result.added.id).is_file()
    assert not any(path.is_file() for path in (library.folder / "originals").rglob("*"))


def test_photos_at_urls_stay_there_and_are_read_once(
    folder: Path,
    tmp_path: Path,
    classifier: Classifier,
    library: Library,
    add: AddBatch,
    server: PhotoServer,
) -> None:
    names = ("temple.jpg", "film.mp4")
    urls = [server.put(f"/p/{name}?v=1", (folder / name).read_bytes()) for name in names]
    rows = [row_of(classifier, folder / name, url) for name, url in zip(names, urls, strict=True)]
    out = write_batch(tmp_path / "out", model_of(classifier), rows)
    results = add(out)
    assert [result.error for result in results] == [None, None]
    records = [library.photo(result.added.id) for result in results if result.added]
    assert [record.remote_url for record in records] == urls
    assert [record.name for record in records] == list(names)
    assert sorted(server.gets) == ["/p/film.mp4?v=1", "/p/temple.jpg?v=1"]
    assert list((library.folder / "new").iterdir()) == []
    again = add(out)
    assert all(result.added and result.added.was_known for result in again)
    assert len(server.gets) == 2, "what is stored is not read again"
    assert library.count() == 2
    library.fetch_original(records[1].id)
    assert library.video_path(records[1].id).read_bytes() == (folder / "film.mp4").read_bytes()


def test_a_bucket_by_way_of_a_batch(
    tmp_path: Path, library: Library, add: AddBatch, s3: S3Server, run_batch: Run, temple: bytes
) -> None:
    keys = ["in/a.jpg", "in/old town/50% #1?.jpg", "in/ü+é.jpg"]
    for number, key in enumerate(keys):
        s3.objects[f"photos/{key}"] = temple + bytes([number])
    s3.objects["photos/in/bad.jpg"] = b"no picture"
    out = "s3://photos/out"
    run_batch("s3://photos/in", out)
    gets = s3.gets["photos/in/a.jpg"]
    results = {result.file: result for result in add(out)}
    bad = results.pop("s3://photos/in/bad.jpg")
    assert bad.error is not None
    assert bad.error.code == "not_a_picture"
    assert sorted(results) == sorted(f"s3://photos/{key}" for key in keys)
    for number, key in enumerate(keys):
        added = results[f"s3://photos/{key}"].added
        assert added is not None
        photo = library.photo(added.id)
        assert (photo.name, photo.remote_url) == (key.rpartition("/")[2], f"s3://photos/{key}")
        library.fetch_original(photo.id)
        assert library.original_bytes(photo.id) == temple + bytes([number])
    assert s3.gets["photos/in/a.jpg"] == gets + 2, "once to add it, once to open it"


def test_a_row_that_cannot_be_added_fails_alone(
    folder: Path,
    tmp_path: Path,
    classifier: Classifier,
    library: Library,
    add: AddBatch,
    server: PhotoServer,
) -> None:
    good, changed, absent = (
        row_of(classifier, folder / name, file)
        for name, file in (
            ("flower.jpg", None),
            ("temple.jpg", str(folder / "changed.jpg")),
            ("temple.jpg", str(folder / "absent.jpg")),
        )
    )
    (folder / "changed.jpg").write_bytes((folder / "flower.jpg").read_bytes() + b"x")
    temple = folder / "temple.jpg"
    failed = error_record("bad.jpg", classifier, FetchError("No.", code="timed_out"))
    unusable = row_of(classifier, temple)
    unusable = replace(unusable, embedding=np.full(1280, np.nan, np.float16))
    rows = [
        PartRow(failed, None, None, "", None, None, None, None),
        changed,
        absent,
        row_of(classifier, temple, f"{server.base}/gone.jpg"),
        row_of(classifier, temple, server.put("/t.jpg", temple.read_bytes() + b"x")),
        row_of(classifier, temple, "file:///etc/passwd"),
        unusable,
        replace(row_of(classifier, temple), embedding=None),
        good,
    ]
    results = add(write_batch(tmp_path / "out", model_of(classifier), rows))
    assert [result.error and result.error.code for result in results] == [
        "timed_out",
        "changed_since_batch",
        "path_not_found",
        "not_found",
        "changed_since_batch",
        "path_not_found",
        "embedding_unusable",
        "embedding_unusable",
        None,
    ]
    assert library.count() == 1
    assert list((library.folder / "new").iterdir()) == []


def test_members_of_a_tar_are_copied(
    folder: Path, tmp_path: Path, classifier: Classifier, library: Library, add: AddBatch
) -> None:
    tar = tmp_path / "shard.tar"
    with tarfile.open(tar, "w") as archive:
        for name in ("flower.jpg", "film.mp4"):
            archive.add(folder / name, f"a#b/{name}")
    fetcher = Fetcher(classifier.limits, 5)
    items = list(open_source(str(tar), fetcher.remote).items())
    rows = [
        replace(row_of(classifier, folder / name, item.location), version=item.version)
        for name, item in zip(("flower.jpg", "film.mp4"), items, strict=True)
    ]
    results = add(write_batch(tmp_path / "out", model_of(classifier), rows))
    assert [result.error for result in results] == [None, None]
    for name, result in zip(("flower.jpg", "film.mp4"), results, strict=True):
        assert result.added is not None
        photo = library.photo(result.added.id)
        assert (photo.name, photo.reference, photo.remote_url) == (name, None, None)
        original = library.verified_original(photo.id)
        assert original.read_bytes() == (folder / name).read_bytes()


def test_a_batch_of_another_network_is_refused(
    folder: Path, tmp_path: Path, classifier: Classifier, add: AddBatch, decoders: Decoders
) -> None:
    bundle_dir = other_network(tmp_path / "models")
    other = Classifier.open(bundle_dir, PhotoLimits(), interpreters=1, decoders=decoders)
    row = row_of(other, folder / "flower.jpg")
    out = write_batch(tmp_path / "out", model_of(other), [row])
    with pytest.raises(BatchError, match="add the photos themselves") as caught:
        add(out)
    assert caught.value.code == "batch_differs"


def test_a_batch_without_embeddings_is_refused(
    folder: Path, tmp_path: Path, classifier: Classifier, add: AddBatch
) -> None:
    row = row_of(classifier, folder / "flower.jpg")
    out = write_batch(tmp_path / "out", model_of(classifier, with_embeddings=False), [row])
    with pytest.raises(BatchError, match="--no-embeddings") as caught:
        add(out)
    assert caught.value.code == "batch_without_embeddings"


def test_what_is_no_batch_is_refused(tmp_path: Path, add: AddBatch) -> None:
    with pytest.raises(BatchError) as caught:
        add(tmp_path)
    assert caught.value.code == "batch_missing"
