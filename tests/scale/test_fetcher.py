"""Reading items: from web servers, from stores and from tars, with limits and three attempts."""

import sys
import threading
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.errors import BatchError, FetchError, FileTooLarge, PhotoError, UnreadableFile
from scene_model.model_files import open_decoders
from scene_model.photos.content import VideoContent
from scene_model.scale.items import SourceItem
from scene_model.scale.reading.fetcher import Fetcher
from scene_model.scale.reading.remote import RemoteFiles
from scene_model.scale.sources.open_source import open_source
from tests.s3_server import Fault, S3Server, etag_of
from tests.scale.samples import SAMPLES, tar_of
from tests.videos import video


def fetcher(**settings: int) -> Fetcher:
    limits = open_decoders(Settings.model_validate(settings)).limits
    return Fetcher(limits, timeout_s=0.5)


def fetched(item: SourceItem | str, **settings: int) -> tuple[bytes, str]:
    item = SourceItem(item) if isinstance(item, str) else item
    with fetcher(**settings).fetched(item) as content:
        assert isinstance(content.content, bytes)
        return content.content, content.version


@pytest.fixture
def web(s3: S3Server) -> S3Server:
    """The server's objects by http:// URLs."""
    s3.objects["a/b ü.jpg"] = b"picture" * 100_000
    return s3


def test_web_server(web: S3Server) -> None:
    data = web.objects["a/b ü.jpg"]
    for path in ("/a/b ü.jpg", "/a/b%20%C3%BC.jpg?signature=1#x"):
        assert fetched(web.url + path) == (data, etag_of(data))


def test_redirects_are_followed_a_few_times(web: S3Server) -> None:
    web.redirects |= {"r1": "/a/b%20%C3%BC.jpg", "loop": "/loop"}
    assert fetched(f"{web.url}/r1")[0] == web.objects["a/b ü.jpg"]
    stop = threading.Event()
    stop.set()  # no pauses
    with pytest.raises(FetchError), fetcher().fetched(SourceItem(f"{web.url}/loop"), stop):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["web", "store"])
@pytest.mark.parametrize(
    ("fault", "code", "attempts"),
    [
        ("500", "store_unavailable", 3),
        ("503", "store_unavailable", 3),
        ("hang", "timed_out", 3),
        ("truncate", "truncated", 3),
        ("reset", "store_unavailable", 3),
        ("403", "access_denied", 1),
    ],
)
def test_faults(web: S3Server, kind: str, fault: Fault, code: str, attempts: int) -> None:
    web.faults_forever["a/b ü.jpg"] = fault
    stop = threading.Event()
    stop.set()  # no pauses
    url = f"{web.url}/a/b ü.jpg" if kind == "web" else "s3://a/b ü.jpg"
    with pytest.raises(FetchError) as failed, fetcher().fetched(SourceItem(url), stop):
        pass
    assert failed.value.code == code
    assert web.gets["a/b ü.jpg"] == attempts
    assert "b ü" not in failed.value.message


def test_what_no_server_gives(web: S3Server) -> None:
    codes = {}
    addresses = ["s3://a/none.jpg", f"{web.url}/none.jpg", "ftp://h/a.jpg", "s3://a/b//c.jpg"]
    for url in addresses:
        with pytest.raises(FetchError) as failed:
            fetched(url)
        codes[url] = failed.value.code
    assert list(codes.values()) == ["not_found", "not_found", "invalid_url", "invalid_url"]


@pytest.mark.parametrize("kind", ["web", "store", "store without a size"])
def test_large_file_is_refused_before_it_is_read(web: S3Server, kind: str) -> None:
    url = f"{web.url}/a/b ü.jpg" if kind == "web" else "s3://a/b ü.jpg"
    with pytest.raises(FileTooLarge, match="700,000 bytes; the limit is 500,000"):
        fetched(url, max_file_bytes=500_000)


def test_video_is_kept_in_a_temporary_file(web: S3Server) -> None:
    web.objects["a/film.mp4"] = data = video()
    with fetcher().fetched(SourceItem("s3://a/film.mp4")) as content:
        assert isinstance(content.content, VideoContent)
        path = content.content.path
        assert path.read_bytes() == data
        assert content.bytes == len(data)
    assert not path.exists()
    with pytest.raises(FileTooLarge, match="SCENE_MAX_VIDEO_BYTES"):
        fetched("s3://a/film.mp4", max_video_bytes=100)


@pytest.mark.parametrize("text", ["s3://b/1.tar", "{url}/b/1.tar", "{folder}/1.tar"])
def test_members_of_tars(web: S3Server, tmp_path: Path, text: str) -> None:
    data = tar_of(SAMPLES)
    web.objects["b/1.tar"] = data
    (tmp_path / "1.tar").write_bytes(data)
    tar = text.format(url=web.url, folder=tmp_path)
    items = list(open_source(tar, RemoteFiles(0.5)).items())
    web.gets.clear()
    reader = fetcher()
    for item in items:
        with reader.fetched(item) as content:
            assert content.content == SAMPLES[item.location.partition("#")[2]]
            assert content.version == item.version
    # One request for all of them.
    assert sum(web.gets.values()) == (1 if "://" in tar else 0)
    web.objects["b/1.tar"] = other = tar_of({"x.jpg": b"other"})
    (tmp_path / "1.tar").write_bytes(other)
    with pytest.raises((FetchError, UnreadableFile)) as failed, fetcher().fetched(items[0]):
        pass
    assert failed.value.code in ("changed", "file_changing")


@pytest.mark.parametrize(
    ("package", "url"), [("obstore", "s3://b/a.jpg"), ("urllib3", "https://h.test/a.jpg")]
)
def test_package_that_is_not_installed(
    package: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BatchError, match=r"scene-gallery\[cloud\]") as missing:
        fetched(url)
    assert missing.value.code == "package_missing"


def test_error_of_the_listing_is_the_items(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("missing.jpg\n")
    (item,) = open_source(str(tmp_path / "list.txt"), RemoteFiles(0.5)).items()
    with pytest.raises(PhotoError) as failed, fetcher().fetched(item):
        pass
    assert failed.value.code == "path_not_found"
