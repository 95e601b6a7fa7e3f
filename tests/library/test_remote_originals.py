"""Originals at URLs: fetched when a person asks for one, checked, kept for a while, never else."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.errors import (
    FetchError,
    FileTooLarge,
    OriginalChanged,
    OriginalMissing,
    OriginalUnreachable,
)
from scene_model.library.edits import move_to_trash
from scene_model.library.files.file_system import FileSystem
from scene_model.library.files.remote_originals import FetchedOriginals
from scene_model.library.inventory import update_remote_url
from scene_model.library.predictions import predict_stored
from scene_model.library.records import Added, NewPhoto
from scene_model.library.store import Library
from scene_model.library.trash import empty_trash, trash_contents
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.hashes import content_hash
from tests.bundles import other_network

URL = "https://photos.example/a/dahlia.jpg?token=secret"
ADDED = "2026-01-02T03:04:05+00:00"
Refer = Callable[..., Added]


class Web:
    """What is at which URL; fetches it, or raises what is there instead."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Exception] = {}
        self.fetched: list[str] = []
        self.pause: threading.Event | None = None

    def __call__(self, url: str, target: Path, max_bytes: int) -> None:
        self.fetched.append(url)
        if self.pause is not None:
            self.pause.wait(10)
        content = self.files[url]
        if isinstance(content, Exception):
            raise content
        if len(content) > max_bytes:
            raise FileTooLarge("Too large.")
        target.write_bytes(content)


@pytest.fixture
def web(flower: bytes) -> Web:
    made = Web()
    made.files[URL] = flower
    return made


@pytest.fixture
def library(tmp_path: Path, decoders: Decoders, web: Web) -> Iterator[Library]:
    with Library(tmp_path / "library", decoders=decoders, fetch=web) as opened:
        yield opened


@pytest.fixture(scope="module")
def prediction(classifier: Classifier, flower: bytes) -> Prediction:
    return classifier.predict(flower)


@pytest.fixture
def refer(library: Library, classifier: Classifier, prediction: Prediction, flower: bytes) -> Refer:
    def add(url: str | None = URL, reference: Path | None = None) -> Added:
        photo = NewPhoto(flower, "dahlia.jpg", ADDED, remote_url=url)
        return library.add(photo, prediction, classifier.provenance, reference)

    return add


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_reading_fetches_nothing(
    library: Library, refer: Refer, web: Web, classifier: Classifier
) -> None:
    added = refer()
    assert library.photo(added.id).remote_url == URL
    assert files_below(library.folder / "originals") == []
    assert library.thumbnail(added.id), "the library has it"
    assert predict_stored(library, classifier, added.id), "the library has the embedding"
    library.files.thumbnail_location(added.id).unlink()
    for use in (
        library.original_path,
        library.verified_original,
        library.original_bytes,
        library.preview,
        library.full_size,
        library.thumbnail,
    ):
        with pytest.raises(OriginalMissing, match=r"photos\.example/a/dahlia\.jpg and") as caught:
            use(added.id)
        assert caught.value.code == "original_not_fetched"
        assert "secret" not in caught.value.message
    assert web.fetched == []


def test_an_original_is_fetched_once_and_kept(
    library: Library, refer: Refer, web: Web, flower: bytes
) -> None:
    added = refer()
    library.files.thumbnail_location(added.id).unlink()
    for _ in range(2):
        library.fetch_original(added.id)
    assert library.original_bytes(added.id) == flower
    assert library.preview(added.id)
    assert web.fetched == [URL]
    assert library.files.thumbnail_location(added.id).is_file(), "a missing one is made again"
    assert files_below(library.folder / "new") == []


def test_several_readers_wait_for_one_fetch(library: Library, refer: Refer, web: Web) -> None:
    added, web.pause = refer(), threading.Event()
    threads = [threading.Thread(target=library.fetch_original, args=(added.id,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    web.pause.set()
    for thread in threads:
        thread.join()
    assert web.fetched == [URL]


@pytest.mark.parametrize("change", ["other", "longer"])
def test_other_bytes_are_never_the_photo(
    library: Library, refer: Refer, web: Web, temple: bytes, flower: bytes, change: str
) -> None:
    added = refer()
    web.files[URL] = temple[: len(flower)] if change == "other" else flower + b"more"
    with pytest.raises(OriginalChanged, match="now another file than the original of dahlia"):
        library.fetch_original(added.id)
    assert files_below(library.folder / "fetched") + files_below(library.folder / "new") == []
    assert library.thumbnail(added.id)


def test_why_an_original_cannot_be_fetched(library: Library, refer: Refer, web: Web) -> None:
    added = refer()
    web.files[URL] = FetchError("It does not answer.", code="timed_out")
    with pytest.raises(OriginalUnreachable, match="dahlia.jpg: It does not answer") as caught:
        library.fetch_original(added.id)
    assert "secret" not in caught.value.message
    assert files_below(library.folder / "new") == []


def test_a_library_without_a_fetcher_says_so(
    tmp_path: Path, library: Library, refer: Refer, decoders: Decoders, web: Web
) -> None:
    added = refer()
    with (
        Library(library.folder, decoders=decoders) as visitors,
        pytest.raises(OriginalUnreachable, match="fetches no originals from other servers"),
    ):
        visitors.fetch_original(added.id)
    assert web.fetched == []


def test_a_damaged_fetched_file_is_fetched_again(
    library: Library, refer: Refer, web: Web, flower: bytes
) -> None:
    added = refer()
    library.fetch_original(added.id)
    library.original_path(added.id).write_bytes(b"damaged")
    with pytest.raises(OriginalChanged, match="damaged"):
        library.verified_original(added.id)
    library.fetch_original(added.id)
    assert library.original_bytes(added.id) == flower


def test_the_files_opened_least_recently_make_room(tmp_path: Path) -> None:
    web, contents = Web(), [bytes([number]) * 100 for number in range(4)]
    (tmp_path / "new").mkdir()
    originals = FetchedOriginals(tmp_path, FileSystem(), web, max_bytes=250)
    ids = [content_hash(content) for content in contents]
    web.files = {f"https://h/{i}": content for i, content in enumerate(contents)}

    class Photo:
        name, file_bytes = "a.jpg", 100

        def __init__(self, number: int) -> None:
            self.id, self.remote_url = ids[number], f"https://h/{number}"

    for number in (0, 1):
        originals.fetch(Photo(number))
        os.utime(originals.location(ids[number]), (1000 - number, 1000 - number))
    originals.fetch(Photo(2))
    assert [originals.location(i).exists() for i in ids] == [True, False, True, False]
    originals.fetch(Photo(3))
    assert [originals.location(i).exists() for i in ids] == [False, False, True, True]


def test_a_request_does_not_wait_behind_other_fetches(tmp_path: Path) -> None:
    web = Web()
    web.files, web.pause = {"https://h/a.jpg": b"a"}, threading.Event()
    (tmp_path / "new").mkdir()
    originals = FetchedOriginals(tmp_path, FileSystem(), web, max_callers=1)

    class Photo:
        id, name, file_bytes, remote_url = content_hash(b"a"), "a.jpg", 1, "https://h/a.jpg"

    thread = threading.Thread(target=originals.fetch, args=(Photo(),))
    thread.start()
    while not web.fetched:
        time.sleep(0.01)
    with pytest.raises(OriginalUnreachable, match="Many others are being fetched"):
        originals.fetch(Photo(), may_wait=False)
    web.pause.set()
    thread.join()
    originals.fetch(Photo(), may_wait=False)
    assert originals.location(Photo.id).read_bytes() == b"a"


def test_a_copy_takes_the_place_of_a_url(library: Library, refer: Refer, flower: bytes) -> None:
    added = refer()
    assert not library.holds(added.id, library.photo(added.id).bundle)
    assert library.holds(added.id, library.photo(added.id).bundle, is_remote=True)
    assert refer(url=None).was_known
    photo = library.photo(added.id)
    assert (photo.remote_url, photo.reference) == (None, None)
    assert library.original_bytes(added.id) == flower
    refer()
    assert library.photo(added.id).remote_url is None, "the copy stays"


def test_a_file_of_this_computer_comes_before_a_url(
    library: Library, refer: Refer, tmp_path: Path, flower: bytes
) -> None:
    file = tmp_path / "dahlia.jpg"
    file.write_bytes(flower)
    added = refer()
    refer(url=None, reference=file)
    photo = library.photo(added.id)
    assert (photo.remote_url, photo.reference) == (None, file)
    refer()
    assert library.photo(added.id).reference == file
    file.unlink()
    refer()
    photo = library.photo(added.id)
    assert (photo.remote_url, photo.reference) == (URL, None)


def test_the_url_of_an_original_that_moved(library: Library, refer: Refer) -> None:
    added = refer()
    update_remote_url(library, added.id, "s3://bucket/dahlia.jpg")
    assert library.photo(added.id).remote_url == "s3://bucket/dahlia.jpg"
    refer(url=None)
    update_remote_url(library, added.id, URL)
    assert library.photo(added.id).remote_url is None, "it has a copy"


def test_emptying_the_trash_removes_what_was_fetched(library: Library, refer: Refer) -> None:
    added = refer()
    library.fetch_original(added.id)
    move_to_trash(library, [added.id])
    contents = trash_contents(library)
    assert (contents.file_bytes, contents.referenced) == (0, 1)
    empty_trash(library, contents.photo_ids)
    assert files_below(library.folder / "fetched") == []


def test_predicting_anew_fetches_only_where_a_person_asked(
    library: Library, refer: Refer, web: Web, tmp_path: Path, decoders: Decoders
) -> None:
    added = refer()
    bundle_dir = other_network(tmp_path / "models")
    other = Classifier.open(bundle_dir, PhotoLimits(), interpreters=1, decoders=decoders)
    with pytest.raises(OriginalMissing):
        predict_stored(library, other, added.id)
    assert web.fetched == []
    stored = predict_stored(library, other, added.id, may_fetch=True)
    assert stored.new_embedding is not None
    assert web.fetched == [URL]
