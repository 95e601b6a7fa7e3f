"""Tables round-trip through pandas for any names and tags."""

import io
import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scene_model.classifier.labels import HUMAN, UNSURE_CLASS
from scene_model.classifier.tagging import Tag
from scene_model.export.table import (
    COLUMNS,
    READ_CSV,
    READ_JSON,
    Cell,
    formula_safe,
    join_tags,
    json_record,
    plain_text,
    split_tags,
    table_row,
    utf8_chunks,
    write_csv,
    write_json,
    write_jsonl,
)
from scene_model.library.records import PhotoPlace, PhotoRecord, TagOnPhoto

pytestmark = pytest.mark.slow

# Any UTF-8 text, and texts that often break tables.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "NA", "nan", "None", "null", "1e5", "007", "1.0", "inf", "true", "2024-01-02", "-", "'"]
    + ['"', '""', "a,b", "a;b", "; ", " ", "\r", "\n", "\r\n", "\t", "=1+1", "+1", "-1", "@x"]
    + ["'=1", "''", "＝1", "\ufeff", "\ufeff=1", "\u2028", "🌊", "é", "e\u0301", "#", "\\", "\\n"]
)
_UNKNOWN_OR_TEXT = st.none() | _TEXT
_SCORES = st.floats(0, 1, width=32)
_DEGREES = st.none() | st.floats(-180, 180).map(lambda x: round(x, 7))  # as EXIF is read
_KILOMETRES = st.floats(0, 400).map(lambda x: round(x, 3))
_TAGS = st.lists(st.builds(Tag, _TEXT, _SCORES), max_size=6)
_PHOTOS = st.builds(
    PhotoRecord,
    id=_TEXT,
    name=_TEXT,
    format=_TEXT,
    file_bytes=st.integers(0, 1 << 50),
    width=st.integers(1, 1 << 20),
    height=st.integers(1, 1 << 20),
    added_at=_TEXT,
    taken_at=_UNKNOWN_OR_TEXT,
    taken_source=_UNKNOWN_OR_TEXT,
    camera=_UNKNOWN_OR_TEXT,
    lens=_UNKNOWN_OR_TEXT,
    latitude=_DEGREES,
    longitude=_DEGREES,
    bundle=_TEXT,
    class_head=_TEXT,
    tag_head=_UNKNOWN_OR_TEXT,
    class_head_label=_TEXT,
    confidence=_SCORES,
    unsure=st.booleans(),
    photo_class=_TEXT | st.just(UNSURE_CLASS),
    class_source=_TEXT,
    class_score=_SCORES,
    trashed_at=st.none(),
    tags=st.lists(
        st.builds(TagOnPhoto, _TEXT, st.just(HUMAN), st.none() | _SCORES, _UNKNOWN_OR_TEXT),
        max_size=4,
    ).map(tuple),
    guess=_UNKNOWN_OR_TEXT,
    guess_score=_SCORES,
    favourite=st.booleans(),
    rating=st.integers(0, 5),
    place=st.none()
    | st.builds(
        PhotoPlace,
        *(_TEXT, _UNKNOWN_OR_TEXT, _UNKNOWN_OR_TEXT, _UNKNOWN_OR_TEXT),
        *(st.just("settlement"), _KILOMETRES, st.sampled_from(["gps", "neighbours"])),
    ),
)
_Row = tuple[PhotoRecord, list[Tag], str]
_ROWS = st.lists(st.tuples(_PHOTOS, _TAGS, _TEXT), min_size=1, max_size=5)


def as_written(value: Any) -> Any:
    """Convert a frame's cell back to the written value: pandas reads null as NaN."""
    if isinstance(value, (list, dict)):
        return value
    return None if pd.isna(value) else value


def cells(frame: pd.DataFrame) -> list[tuple[Cell, ...]]:
    return [tuple(map(as_written, row)) for row in frame.itertuples(index=False, name=None)]


@given(_ROWS, st.booleans())
def test_csv(photos: list[_Row], with_bom: bool) -> None:
    rows = [table_row(*photo) for photo in photos]
    data = b"".join(utf8_chunks(write_csv(rows, with_bom)))
    frame = pd.read_csv(io.BytesIO(data), **READ_CSV)
    assert tuple(frame.columns) == COLUMNS
    flags = {COLUMNS.index("Unsure"), COLUMNS.index("Favourite")}
    expected = [
        tuple(cell == "true" if at in flags else cell for at, cell in enumerate(row))
        for row in rows
    ]
    assert cells(frame) == expected
    assert [split_tags(cell) for cell in frame["Tags"]] == [p.shown_tags for p, *_ in photos]


@given(_ROWS)
def test_every_cell_can_be_read_as_text(
    photos: list[_Row],
) -> None:
    """Without READ_CSV, removing a leading apostrophe restores every cell."""
    rows = [table_row(*photo) for photo in photos]
    data = b"".join(utf8_chunks(write_csv(rows)))
    frame = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
    read = [tuple(map(plain_text, row)) for row in frame.itertuples(index=False, name=None)]
    assert read == [tuple("" if cell is None else str(cell) for cell in row) for row in rows]


@given(_ROWS)
def test_json_and_json_lines(photos: list[_Row]) -> None:
    records = [json_record(*photo) for photo in photos]
    json_bytes = b"".join(utf8_chunks(write_json(records)))
    lines = b"".join(utf8_chunks(write_jsonl(records)))
    assert json.loads(json_bytes) == records
    assert [json.loads(line) for line in lines.split(b"\n")[:-1]] == records
    for data, is_lines in ((json_bytes, False), (lines, True)):
        frame = pd.read_json(io.BytesIO(data), lines=is_lines, **READ_JSON)
        read = [
            {key: as_written(value) for key, value in record.items()}
            for record in frame.to_dict("records")
        ]
        assert read == records


@given(st.lists(_TEXT, max_size=5))
@example([""])
@example(["a", "", "b; c", ' "', "d\n"])
def test_tags_in_one_cell(tags: list[str]) -> None:
    assert split_tags(join_tags(tags)) == tuple(tags)


@given(_TEXT)
def test_formula_safe_can_be_undone(text: str) -> None:
    safe = formula_safe(text)
    assert plain_text(safe) == text
    assert not safe.lstrip(" \t\r\n\u00a0\u200b\ufeff").startswith(tuple("=+-@＝＋－＠"))


@pytest.mark.parametrize("name", ["Grandma's", "plain", "a=b", "1+1", "x@y"])
def test_ordinary_text_is_not_changed(name: str) -> None:
    assert formula_safe(name) == name
    assert join_tags([name]) == name


def test_chunk_sizes() -> None:
    line = "é" * 99 + "\n"
    chunks = list(utf8_chunks(line for _ in range(5_000)))
    assert b"".join(chunks).decode() == line * 5_000
    assert len(chunks) < 10
    assert max(map(len, chunks)) < 1 << 18


def test_dates_and_numbers_in_json_stay_text(sample: PhotoRecord) -> None:
    records = [json_record(replace(sample, name="007", camera="1e5"), [], "water")]
    frame = pd.read_json(io.StringIO("".join(write_json(records))), **READ_JSON)
    assert frame.loc[0, ["added_at", "name", "camera"]].tolist() == [
        sample.added_at,
        "007",
        "1e5",
    ]


def test_a_guess_is_written_only_where_the_class_is_unsure(sample: PhotoRecord) -> None:
    guessed = replace(sample, guess="lighthouse", guess_score=0.1234567)
    assert json_record(guessed, [], "water")["guess"] is None
    unsure = json_record(replace(guessed, photo_class=UNSURE_CLASS), [], "unsure")
    assert unsure["guess"] == {"label": "lighthouse", "score": 0.123457}
    assert json_record(replace(sample, photo_class=UNSURE_CLASS), [], "unsure")["guess"] is None


def test_nothing_known_and_no_text_are_two_things(sample: PhotoRecord) -> None:
    rows = [table_row(replace(sample, camera=camera), [], "water") for camera in (None, "", "'")]
    text = "".join(write_csv(rows))
    frame = pd.read_csv(io.BytesIO(text.encode()), **READ_CSV)
    assert [as_written(value) for value in frame["Camera"]] == [None, "", "'"]


@pytest.fixture
def sample() -> PhotoRecord:
    return PhotoRecord(
        id="0" * 64,
        name="a.jpg",
        format="JPEG",
        file_bytes=1,
        width=1,
        height=1,
        added_at="2026-01-02T03:04:05+00:00",
        taken_at=None,
        taken_source=None,
        camera=None,
        lens=None,
        latitude=None,
        longitude=None,
        bundle="b@1",
        class_head="scenes",
        tag_head=None,
        class_head_label="sea",
        confidence=0.5,
        unsure=False,
        photo_class="sea",
        class_source="scenes",
        class_score=0.5,
        trashed_at=None,
        tags=(),
    )
