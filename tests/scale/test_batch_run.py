"""A batch: the rows of `classify`, each once, whatever is wrong with single pictures."""

import json
from pathlib import Path
from typing import Any

import pytest

from scene_model.cli.main import main
from scene_model.errors import BatchError, PathNotFound
from scene_model.photos.hashes import content_hash
from scene_model.scale.manifest import MANIFEST_FILE
from scene_model.scale.read_batch import BatchRow, open_manifest, read_rows
from tests.bundles import own_head
from tests.pictures import encode, textured
from tests.s3_server import S3Server, etag_of
from tests.scale.samples import Run, tar_of
from tests.videos import video

pytestmark = pytest.mark.slow


def by_file(out: str | Path) -> dict[str, BatchRow]:
    """The rows of an output; fails where a file has two."""
    rows = list(read_rows(str(out)))
    by_name = {row.record["file"]: row for row in rows}
    assert len(by_name) == len(rows)
    return by_name


def classified(capsys: pytest.CaptureFixture[str], *paths: Path) -> list[dict[str, Any]]:
    main(["classify", "--jsonl", "--recursive", *map(str, paths)])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def mixed_folder(tmp_path: Path, temple: bytes, flower: bytes) -> Path:
    folder = tmp_path / "photos"
    (folder / "a folder").mkdir(parents=True)
    (folder / "temple.jpg").write_bytes(temple)
    (folder / "a folder" / "flower.JPG").write_bytes(flower)
    (folder / "cut.jpg").write_bytes(temple[:5_000])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("no picture")
    (folder / "notes.txt").write_text("notes")
    (folder / "film.mp4").write_bytes(video())
    return folder


def test_rows_are_those_of_classify(
    mixed_folder: Path, tmp_path: Path, run_batch: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = classified(capsys, mixed_folder)
    result = run_batch(mixed_folder, tmp_path / "out", part_rows=4)
    rows = by_file(tmp_path / "out")
    assert [rows[line["file"]].record for line in lines] == lines
    assert result.rows == len(rows) == len(lines) == 6
    assert result.ignored == 1
    assert result.errors_by_code == {
        "truncated_photo": 1,
        "empty_file": 1,
        "not_a_picture": 1,
    }


def test_rows_of_a_store_are_those_of_the_same_files_in_a_folder(
    mixed_folder: Path,
    tmp_path: Path,
    s3: S3Server,
    run_batch: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for path in filter(Path.is_file, mixed_folder.rglob("*")):
        s3.objects[f"photos/2024/{path.relative_to(mixed_folder)}"] = path.read_bytes()
    lines = classified(capsys, mixed_folder)
    run_batch("s3://photos/2024", "s3://results/out", part_rows=4)
    rows = by_file("s3://results/out")
    for line in lines:
        line["file"] = line["file"].replace(str(mixed_folder), "s3://photos/2024")
        assert rows[line["file"]].record == line
    assert len(rows) == len(lines)
    assert rows["s3://photos/2024/temple.jpg"].version == etag_of(
        s3.objects["photos/2024/temple.jpg"]
    )


@pytest.fixture
def folder(tmp_path: Path, small_photos: list[bytes]) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, data in enumerate(small_photos):
        (folder / f"{number:02d}.jpg").write_bytes(data)
    return folder


def test_second_run_reads_only_new_and_changed_pictures(
    s3: S3Server, small_photos: list[bytes], run_batch: Run
) -> None:
    for number, data in enumerate(small_photos[:9]):
        s3.objects[f"b/photos/{number}.jpg"] = data
    run_batch("s3://b/photos", "s3://b/out")
    first = by_file("s3://b/out")
    s3.gets.clear()
    s3.objects["b/photos/3.jpg"] = small_photos[10]
    s3.objects["b/photos/new.jpg"] = small_photos[11]
    result = run_batch("s3://b/photos", "s3://b/out")
    photos_read = {name: count for name, count in s3.gets.items() if name.endswith(".jpg")}
    assert photos_read == {"b/photos/3.jpg": 1, "b/photos/new.jpg": 1}
    assert (result.done, result.already_done, result.rows) == (2, 8, 10)
    second = by_file("s3://b/out")
    assert len(second) == 10
    changed = "s3://b/photos/3.jpg"
    assert second[changed].sha256 != first[changed].sha256
    listed = {f"out/{name}" for name in open_manifest("s3://b/out").parts}
    assert set(s3.keys("b", "out/")) == listed | {f"out/{MANIFEST_FILE}"}


def test_every_part_is_one_put(s3: S3Server, folder: Path, run_batch: Run) -> None:
    run_batch(folder, "s3://b/out")
    parts = {name: count for name, count in s3.puts.items() if name.endswith(".parquet")}
    assert sorted(parts.values()) == [1, 1, 1]


def test_faults_of_a_store_become_rows_with_codes_and_are_tried_again_by_the_next_run(
    s3: S3Server, small_photos: list[bytes], run_batch: Run
) -> None:
    for number, data in enumerate(small_photos):
        s3.objects[f"b/photos/{number}.jpg"] = data
    lasting = {
        "0": ("500", "store_unavailable"),
        "1": ("hang", "timed_out"),
        "2": ("truncate", "truncated"),
        "3": ("403", "access_denied"),
        "4": ("reset", "store_unavailable"),
    }
    for name, (fault, _) in lasting.items():
        s3.faults_forever[f"b/photos/{name}.jpg"] = fault  # type: ignore[assignment]
    s3.faults["b/photos/5.jpg"].extend(["503", "truncate"])
    s3.faults["b/photos/6.jpg"].append("change")
    s3.changes["b/photos/6.jpg"] = encode(textured(70, 50, 99))
    s3.hang_s = 1.5
    result = run_batch("s3://b/photos", "s3://b/out", part_rows=20)
    rows = by_file("s3://b/out")
    assert len(rows) == result.rows == 12
    codes = {
        name.rpartition("/")[2].removesuffix(".jpg"): row.record["error"]["code"]
        for name, row in rows.items()
        if row.record["error"]
    }
    assert codes == {name: code for name, (_, code) in lasting.items()}
    assert s3.gets["b/photos/0.jpg"] == s3.gets["b/photos/2.jpg"] == 3
    assert s3.gets["b/photos/3.jpg"] == 1
    assert s3.gets["b/photos/5.jpg"] == 3
    # The row is of what was read, so the next listing finds nothing changed.
    assert rows["s3://b/photos/6.jpg"].version == etag_of(s3.changes["b/photos/6.jpg"])

    s3.faults_forever.clear()
    s3.gets.clear()
    again = run_batch("s3://b/photos", "s3://b/out", part_rows=20)
    assert again.errors_by_code == {"access_denied": 1}
    assert {name for name in s3.gets if name.endswith(".jpg")} == {
        f"b/photos/{name}.jpg" for name in "0124"
    }
    assert len(by_file("s3://b/out")) == 12


def test_another_model_or_source_is_refused(folder: Path, tmp_path: Path, run_batch: Run) -> None:
    out = tmp_path / "out"
    run_batch(folder, out)
    manifest = (out / MANIFEST_FILE).read_bytes()
    with pytest.raises(BatchError, match="another value for the model") as refused:
        run_batch(folder, out, bundle=own_head(tmp_path / "models"))
    assert refused.value.code == "batch_differs"
    with pytest.raises(BatchError, match="another value for embeddings"):
        run_batch(folder, out, with_embeddings=False)
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "a.jpg").write_bytes((folder / "00.jpg").read_bytes())
    with pytest.raises(BatchError, match="another value for the source"):
        run_batch(tmp_path / "others", out)
    assert (out / MANIFEST_FILE).read_bytes() == manifest


def test_lost_or_damaged_manifest(folder: Path, tmp_path: Path, run_batch: Run) -> None:
    out = tmp_path / "out"
    run_batch(folder, out)
    (out / MANIFEST_FILE).unlink()
    result = run_batch(folder, out)
    assert (result.done, result.already_done) == (0, 12)
    (out / MANIFEST_FILE).write_text('{"parts"')
    with pytest.raises(BatchError, match="is damaged") as damaged:
        run_batch(folder, out)
    assert damaged.value.code == "batch_damaged"


def test_a_part_that_somebody_removed_is_made_again(
    folder: Path, tmp_path: Path, run_batch: Run
) -> None:
    out = tmp_path / "out"
    run_batch(folder, out)
    next(out.glob("part-*.parquet")).unlink()
    result = run_batch(folder, out)
    assert result.done in (2, 5)
    assert len(by_file(out)) == 12


def test_source_that_is_missing_empty_or_the_output(
    folder: Path, tmp_path: Path, run_batch: Run
) -> None:
    out = tmp_path / "out"
    with pytest.raises(PathNotFound, match="No such file or folder"):
        run_batch(tmp_path / "missing", out)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("notes")
    with pytest.raises(BatchError, match="has no pictures: 1 file is not named") as empty:
        run_batch(tmp_path / "empty", out)
    assert empty.value.code == "no_pictures"
    with pytest.raises(BatchError, match="both SOURCE and OUT"):
        run_batch(folder, folder)
    assert not out.exists()


def test_output_inside_the_source_is_no_source(
    folder: Path, s3: S3Server, small_photos: list[bytes], run_batch: Run
) -> None:
    s3.objects |= {f"b/{number}.jpg": data for number, data in enumerate(small_photos)}
    for source, out in ((str(folder), str(folder / "out")), ("s3://b", "s3://b/out")):
        for _ in range(2):
            result = run_batch(source, out)
            assert (result.rows, result.ignored) == (12, 0)


def test_list_of_files_stores_web_servers_and_tars(
    s3: S3Server, tmp_path: Path, small_photos: list[bytes], run_batch: Run
) -> None:
    (tmp_path / "a.jpg").write_bytes(small_photos[0])
    s3.objects |= {"b/b.jpg": small_photos[1], "b/c.jpg": small_photos[2]}
    s3.objects["b/shard.tar"] = tar_of({"7.cls": b"sea", "7.jpg": small_photos[3]})
    urls = ["a.jpg", "s3://b/b.jpg", f"{s3.url}/b/c.jpg?x=1", "none.jpg", "s3://b/shard.tar"]
    lines = [f"{url},{number},label {number}" for number, url in enumerate(urls)]
    (tmp_path / "list.csv").write_text("\n".join(["url,id,label", *lines]))
    for _ in range(2):
        result = run_batch(tmp_path / "list.csv", tmp_path / "out")
        rows = by_file(tmp_path / "out")
        assert [
            (row.source_id, row.source_label, row.record["error"] and row.record["error"]["code"])
            for row in sorted(rows.values(), key=lambda row: row.source_label or "")
        ] == [
            ("0", "label 0", None),
            ("1", "label 1", None),
            ("2", "label 2", None),
            ("3", "label 3", "path_not_found"),
            ("7", "sea", None),
        ]
        assert rows["s3://b/shard.tar#7.jpg"].sha256 == content_hash(small_photos[3])
    assert (result.done, result.already_done) == (0, 5)


def test_without_embeddings(folder: Path, tmp_path: Path, run_batch: Run) -> None:
    run_batch(folder, tmp_path / "out", with_embeddings=False)
    rows = by_file(tmp_path / "out")
    assert {row.embedding for row in rows.values()} == {None}


def test_a_video_of_a_store_leaves_no_temporary_file(
    s3: S3Server, tmp_path: Path, run_batch: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    s3.objects["b/film.mp4"] = video()
    s3.objects["b/cut.mp4"] = video()[:2_000]
    run_batch("s3://b", tmp_path / "out")
    rows = by_file(tmp_path / "out")
    assert rows["s3://b/film.mp4"].record["label"] is not None
    assert rows["s3://b/film.mp4"].perceptual_hash is None
    assert rows["s3://b/cut.mp4"].record["error"] is not None
    assert list(temporary.iterdir()) == []
