"""The program is stopped at every step of an ingest: each photo is stored whole, or pending."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from benchmarks.kill_ingest import faults, made_photo, orphans
from scene_model.classifier.classify import Classifier, Prediction
from scene_model.classifier.model import CurrentModel, Model
from scene_model.config import Settings
from scene_model.ingest.runner import JobRunner
from scene_model.jobs.job import JobState
from scene_model.library.files import photo_files
from scene_model.library.files.file_system import FileSystem
from scene_model.library.store import Library
from scene_model.photos.content import Content, content_id, read_content
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.hashes import content_hash
from scene_model.photos.thumbnail import make_thumbnail
from tests.videos import video

pytestmark = pytest.mark.slow

# Every picture goes the same way: more of them repeat the same steps. One of the photos is a video.
# `benchmarks.kill_ingest` ends real processes with more of them.
PHOTOS = 6
# Each test stops at every PARTS-th step, so that none takes long.
PARTS = 3


class Crash(BaseException):
    """The end of the program, or a power failure."""


class CrashingDisk(FileSystem):
    """Raises Crash at a step and at every later one; data that was not flushed is lost."""

    def __init__(self, at: int) -> None:
        self.at, self.steps, self.is_dead = at, 0, False
        self.renamed: Path | None = None
        self.flushed_bytes = 0
        self.names: list[str] = []

    def before_step(self, step: str, path: Path) -> None:
        if self.is_dead:
            raise Crash
        self.steps += 1
        self.names.append(step)
        if self.steps == self.at:
            self.is_dead = True
            if step == "flush":
                os.truncate(path, (self.flushed_bytes + path.stat().st_size) // 2)
            elif step == "flush folder" and self.renamed is not None:
                self.renamed.rename(path.parent / f"forgotten_{self.at}")
            raise Crash
        self.renamed = path if step == "rename" else None
        if step == "write":
            self.flushed_bytes = path.stat().st_size if path.exists() else 0


def watch_statements(library: Library, file_system: CrashingDisk) -> None:
    """Count the database's steps too: each statement, and the commit."""

    @event.listens_for(library.database.writer, "before_cursor_execute")
    def statement(*_: Any) -> None:
        file_system.before_step("statement", library.folder)

    @event.listens_for(library.database.writer, "commit")
    def commit(_: Any) -> None:
        file_system.before_step("commit", library.folder)


@pytest.fixture(scope="module")
def uploads() -> list[tuple[str, bytes]]:
    pictures = [(f"{number:02d}.jpg", made_photo(number)) for number in range(PHOTOS - 1)]
    return [*pictures, ("film.mp4", video())]


@pytest.fixture(scope="module")
def model(
    uploads: list[tuple[str, bytes]],
    classifier: Classifier,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[CurrentModel]:
    """The shipped model with cached predictions: prediction is not tested here."""
    folder = tmp_path_factory.mktemp("predicted")
    predictions = {}
    for name, data in uploads:
        (folder / name).write_bytes(data)
        content = read_content(folder / name, PhotoLimits())
        predictions[content_id(content)] = classifier.predict(content)
    thumbnails = {id(p.photo.pixels): make_thumbnail(p.photo.pixels) for p in predictions.values()}

    def cached(self: Classifier, content: Content) -> Prediction:
        return predictions[content_id(content)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Classifier, "predict", cached)
        patch.setattr(photo_files, "make_thumbnail", lambda pixels: thumbnails[id(pixels)])
        # Power failures are simulated, so that real flushing would only cost minutes.
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr("scene_model.library.database.connections.SYNCHRONOUS", "OFF")
        yield CurrentModel(Model.of(classifier))


@pytest.fixture(scope="module")
def empty_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty library that each test copies."""
    folder = tmp_path_factory.mktemp("empty_library") / "library"
    Library(folder).close()
    return folder


def ingest(
    folder: Path, model: CurrentModel, uploads: list[tuple[str, bytes]], at: int
) -> CrashingDisk:
    """Add the photos to a library, until the crash."""
    file_system = CrashingDisk(at)
    library = Library(folder, file_system)
    watch_statements(library, file_system)
    jobs = JobRunner(Settings(workers=1), model, library)
    try:
        job = jobs.submit(uploads)
        while not job.wait(0.002) and not file_system.is_dead:
            pass
    except Crash:
        assert not jobs.running()
    jobs.close()  # releases the locks, as the end of a process does
    library.close()
    return file_system


def resume_and_check(folder: Path, model: CurrentModel, uploads: list[tuple[str, bytes]]) -> None:
    """Check that the library is consistent, and that in the end it holds every photo once."""
    with Library(folder) as library:
        assert faults(library) == []
        before = library.count()
        jobs = JobRunner(Settings(workers=1), model, library)
        resumed = jobs.resume()
        for job in resumed:
            assert job.wait(30)
            progress = job.progress()
            assert (progress.state, progress.skipped) == (JobState.DONE, ())
            assert len(progress.photo_ids) == progress.done == PHOTOS
        if not resumed and before < PHOTOS:
            assert before == 0, "an upload that was not received stores nothing"
            assert jobs.submit(uploads).wait(30)
        jobs.close()
        assert faults(library) == []
        assert orphans(library) == set()
        assert set(library.find()) == {content_hash(data) for _, data in uploads}
        assert not list(library.incoming_dir.iterdir())


@pytest.mark.parametrize("first", range(1, PARTS + 1))
def test_at_every_step(
    tmp_path: Path,
    empty_library: Path,
    model: CurrentModel,
    uploads: list[tuple[str, bytes]],
    first: int,
) -> None:
    at, died = first, True
    while died:
        folder = tmp_path / str(at)
        shutil.copytree(empty_library, folder)
        file_system = ingest(folder, model, uploads, at)
        died = file_system.is_dead
        resume_and_check(folder, model, uploads)
        shutil.rmtree(folder)
        at += PARTS
    assert {
        "write",
        "flush",
        "rename",
        "flush folder",
        "statement",
        "commit",
        "append",
        "link",
    } <= set(file_system.names)
    assert file_system.names.count("commit") >= PHOTOS
    assert file_system.steps > 20 * PHOTOS
