"""What a batch lists: folders, prefixes, lists and tars."""

import csv
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scene_model.cli.scan import Scan
from scene_model.errors import BatchError, PathNotFound, StoreUnavailable
from scene_model.scale.items import ListingError, SourceItem
from scene_model.scale.reading.remote import RemoteFiles
from scene_model.scale.sources.open_source import open_source
from scene_model.scale.sources.source import Source
from tests.s3_server import S3Server, etag_of
from tests.scale.samples import SAMPLES, tar_of


def source(text: str | Path) -> Source:
    return open_source(str(text), RemoteFiles(timeout_s=1.0))


def listed(text: str | Path) -> list[SourceItem]:
    return list(source(text).items())


def test_folder_lists_what_classify_does_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.jpg",
        "a/z.JPG",
        "a.png",
        "a/b/c.mp4",
        "_x/1.heic",
        "B.webp",
        "a/._b.jpg",
        "t.txt",
    ):
        path = Path("photos", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    if hasattr(os, "symlink"):
        Path("photos/link").symlink_to("a", target_is_directory=True)
        Path("photos/link.jpg").symlink_to("b.jpg")
    for folder in (Path("photos"), tmp_path / "photos", Path()):
        scan = Scan(recursive=True)
        expected = [str(file.path) for file in scan.files([folder])]
        opened = source(folder)
        items = list(opened.items())
        assert [item.location for item in items] == expected
        assert opened.ignored == scan.ignored
        assert {item.size for item in items} == {5}
    status = Path("photos/b.jpg").stat()
    (item,) = (item for item in listed("photos") if item.location == str(Path("photos/b.jpg")))
    assert item.version == f"5-{status.st_mtime_ns}"


def test_prefix_lists_whole_folders_in_pages(s3: S3Server) -> None:
    s3.page_size = 3
    names = ["a.jpg", "b/c d#1?.JPG", "b/ü.png", "b/e.mp4", "notes.txt", "b/._f.jpg", "folder/"]
    for name in names:
        s3.objects[f"bucket/photos/{name}"] = name.encode()
    s3.objects["bucket/photos-old/g.jpg"] = b"old"
    opened = source("s3://bucket/photos")
    items = list(opened.items())
    keys = ["a.jpg", "b/c d#1?.JPG", "b/e.mp4", "b/ü.png"]
    assert [item.location for item in items] == [f"s3://bucket/photos/{key}" for key in keys]
    assert items[0] == SourceItem("s3://bucket/photos/a.jpg", etag_of(b"a.jpg"), size=5)
    assert opened.ignored == 3
    assert len(listed("s3://bucket")) == 5
    assert listed("s3://bucket/photos/a.jpg") == [SourceItem("s3://bucket/photos/a.jpg")]


def test_key_that_clients_cannot_name_is_named(s3: S3Server) -> None:
    s3.objects["bucket/a//b.jpg"] = b"1"
    with pytest.raises(StoreUnavailable, match="s3://bucket cannot be listed: .*a//b.jpg"):
        listed("s3://bucket")


LIST_ROWS = [
    ("x.jpg", "1", "sea"),
    ("s3://b/ü ü.jpg", "2", None),
    ("https://h.test/c?d=1", None, "sky"),
]


def write_list(path: Path, rows: list[tuple[str, str | None, str | None]]) -> None:
    """Write a list by its suffix, with columns that are not read in between."""
    names = ("ID", "Image_URL", "width", "class")
    table = [(source_id, url, "7", label) for url, source_id, label in rows]
    if path.suffix == ".parquet":
        columns = dict(zip(names, map(list, zip(*table, strict=True)), strict=True))
        pq.write_table(pa.table(columns), path)
    elif path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writerows([names, *table])
    else:
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in table]
        path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".tsv", ".jsonl"])
def test_list_carries_ids_and_labels(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "x.jpg").write_bytes(b"123")
    path = tmp_path / f"list{suffix}"
    write_list(path, [*LIST_ROWS, LIST_ROWS[0], ("", "9", "no URL")])
    opened = source(path)
    items = list(opened.items())
    assert [(item.location, item.source_id, item.source_label) for item in items] == [
        (str(tmp_path / "x.jpg"), "1", "sea"),
        ("s3://b/ü ü.jpg", "2", None),
        ("https://h.test/c?d=1", None, "sky"),
    ]
    assert (items[0].size, items[1].version) == (3, "")
    assert opened.ignored == 2


def test_list_of_lines_with_a_path_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"123")
    path = tmp_path / "list.txt"
    path.write_text("x.jpg\n\n missing.jpg \ns3://b/c.jpg\n", encoding="utf-8")
    items = listed(path)
    assert [Path(item.location).name for item in items] == ["x.jpg", "missing.jpg", "c.jpg"]
    assert items[1].error == ListingError("path_not_found", "No such file or folder.")


def test_list_of_a_store_names_what_lies_beside_it(s3: S3Server) -> None:
    s3.objects["b/lists/a.txt"] = b"c.jpg\n../x.jpg\ns3://other/d.jpg\n"
    assert [item.location for item in listed("s3://b/lists/a.txt")] == [
        "s3://b/lists/c.jpg",
        "s3://b/lists/../x.jpg",
        "s3://other/d.jpg",
    ]
    s3.objects["b/lists/b.txt"] = b"c.jpg\n"
    (item,) = listed(f"{s3.url}/b/lists/b.txt?signature=1")
    assert item.location == f"{s3.url}/b/lists/c.jpg"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "width,height\n1,2\n", "no column of URLs.*there are: width, height"),
        ("a.jsonl", '{"url": "x"}\n{"url"\n', "line 2 is no JSON"),
        ("a.jsonl", "[1]\n", "line 1 is neither an object nor a string"),
        ("a.parquet", "no parquet", "cannot be read as a list"),
    ],
)
def test_list_that_cannot_be_read(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(BatchError, match=message) as unreadable:
        listed(tmp_path / name)
    assert unreadable.value.code == "list_unreadable"


def test_members_of_a_tar_have_places_keys_and_labels(tmp_path: Path, s3: S3Server) -> None:
    data = tar_of(SAMPLES)
    path = tmp_path / "shard.tar"
    path.write_bytes(data)
    s3.objects["b/shards/1.tar"] = data
    for text in (str(path), "s3://b/shards/1.tar", "s3://b/shards", str(tmp_path)):
        items = listed(text)
        assert [item.location.partition("#")[2] for item in items] == [
            *("7.jpg", "train/8.png", "9.a.jpg", "9.b.jpg")
        ]
        assert [(item.source_id, item.source_label) for item in items] == [
            *(("7", "sea"), ("train/8", "3"), ("9", None), ("9", None))
        ]
        for item in items:
            assert item.place is not None
            assert item.size is not None
            member = data[item.place.offset : item.place.offset + item.size]
            assert member == SAMPLES[item.location.partition("#")[2]]
    assert listed("s3://b/shards/1.tar")[0].version.startswith(etag_of(data))
    assert s3.gets["b/shards/1.tar"] < 8


def test_damaged_tar_is_a_row_beside_its_members(tmp_path: Path, s3: S3Server) -> None:
    path = tmp_path / "cut.tar"
    path.write_bytes(tar_of(SAMPLES)[:3_000])
    (tmp_path / "none.tar").write_bytes(b"no tar")
    items = listed(path)
    assert [item.location.partition("#")[2] for item in items] == ["7.jpg", ""]
    assert items[-1].error is not None
    assert items[-1].error.code == "archive_damaged"
    (item,) = listed(tmp_path / "none.tar")
    assert item.error is not None
    (item,) = listed("s3://b/missing.tar")
    assert item.error is not None
    assert item.error.code == "not_found"


def test_what_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="No such file or folder"):
        source(tmp_path / "missing.csv")
    with pytest.raises(BatchError, match="ftp:// cannot be read"):
        source("ftp://host/photos")
