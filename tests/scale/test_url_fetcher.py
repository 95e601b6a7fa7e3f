"""Files at URLs are fetched whole or not at all, within limits, and every failure has a code."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.errors import FetchError, FileTooLarge
from scene_model.scale.reading.url_fetcher import UrlFetcher
from scene_model.scale.reading.urls import is_photo_url, read_url
from tests.photo_server import PhotoServer, photo_server


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with photo_server() as server:
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "fetched"


def fetch(url: str, target: Path, max_bytes: int = 1_000) -> bytes:
    UrlFetcher(timeout_s=0.5)(url, target, max_bytes)
    return target.read_bytes()


@pytest.mark.parametrize("path", ["/a.jpg", "/old%20town/a%2Bb.jpg", "/a.jpg?sig=x%2Fy&v=1"])
def test_the_bytes_of_an_address_as_it_is_written(
    server: PhotoServer, target: Path, path: str
) -> None:
    assert fetch(server.put(path, b"photo"), target) == b"photo"
    assert server.gets == [path]


def test_a_redirect_is_followed(server: PhotoServer, target: Path) -> None:
    server.put("/here.jpg", b"photo")
    server.faults["/there.jpg"] = "to /here.jpg"
    assert fetch(f"{server.base}/there.jpg", target) == b"photo"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "code", "count"),
    [
        ("404", "not_found", 1),
        ("403", "access_denied", 1),
        ("500", "store_unavailable", 3),
        ("truncate", "truncated", 3),
        ("hang", "timed_out", 1),
    ],
)
def test_a_failure_has_a_code_and_tells_no_secret(
    server: PhotoServer, target: Path, fault: str, code: str, count: int
) -> None:
    url = server.put("/a.jpg?token=secret", b"photo" * 100)
    server.faults["/a.jpg?token=secret"] = fault
    with pytest.raises(FetchError) as caught:
        fetch(url, target)
    assert caught.value.code == code
    assert "secret" not in caught.value.message
    assert len(server.gets) == count


def test_no_more_bytes_than_the_limit(server: PhotoServer, target: Path) -> None:
    url = server.put("/a.jpg", b"x" * 101)
    with pytest.raises(FileTooLarge, match="more than 100 bytes"):
        fetch(url, target, max_bytes=100)
    assert target.stat().st_size <= 100


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://host/a.jpg",
        "https://",
        "https:///a.jpg",
        "https://host/",
        "https://me:pass@host/a.jpg",
        "https://[::1/a.jpg",
        "s3://bucket",
        "s3://bucket/prefix/",
        "memory:///a.jpg",
        "/a.jpg",
    ],
)
def test_an_address_of_no_photo_is_refused_before_anything_is_opened(
    url: str, target: Path
) -> None:
    with pytest.raises(FetchError) as caught:
        fetch(url, target)
    assert caught.value.code == "invalid_url"
    assert not target.exists()


def test_a_file_that_exists_is_not_overwritten(server: PhotoServer, target: Path) -> None:
    target.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        fetch(server.put("/a.jpg", b"photo"), target)
    assert target.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("url", "name", "folder"),
    [
        ("https://host/a/old%20town.jpg?v=1", "old town.jpg", "https://host/a"),
        ("s3://bucket/a/50%25 #1.jpg", "50%25 #1.jpg", "s3://bucket/a"),
        ("gs://bucket/a.jpg", "a.jpg", "gs://bucket"),
    ],
)
def test_the_name_and_the_folder_of_an_address(url: str, name: str, folder: str) -> None:
    assert is_photo_url(url)
    place = read_url(url)
    assert (place.name, place.folder) == (name, folder)


def test_a_path_is_no_address() -> None:
    assert not any(
        map(is_photo_url, ["a.jpg", "/a/b.jpg", "C:\\a.jpg", "C://a.jpg", "odd://a.jpg"])
    )
