"""Counts by tag, of a query and of picked photos; folders; what people decided and when."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement

from scene_model.export.folders import FolderKind, FolderRule
from scene_model.library.decisions import TagDecision, decisions_on
from scene_model.library.store import Library
from scene_model.search.conditions import has_class
from scene_model.statistics.folder_sizes import (
    FolderSize,
    sizes_by_class,
    sizes_by_head,
    sizes_by_tag,
)
from scene_model.statistics.tag_counts import TagOnSome, count_by_tag, tags_of
from tests.library.rows import Row, put

FACE = ("human", "scenes", "camera")
ROWS = (
    Row("a", tags=[("scenes", "sea", 0.9), ("camera", "sea", 0.4), ("camera", "beach", 0.6)]),
    Row("b", tags=[("scenes", "sea", 0.9), ("camera", "beach", 0.3)], rejected=["beach"]),
    Row("c", "forest", tags=[("objects", "valley", 0.9)], added=["Journey"]),
    Row("d", "forest", tags=[("camera", "sky", 0.5), ("camera", "lake", 0.5)], human_class="x"),
    Row("e", tags=[("scenes", "sea", 0.9)], trashed=True),
)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = Library(tmp_path / "library")
    put(made, ROWS)
    return made


def test_each_photo_counts_once_for_a_tag(library: Library) -> None:
    with library:
        assert count_by_tag(library, None, FACE) == {
            "sea": 2,
            "Journey": 1,
            "beach": 1,
            "lake": 1,
            "sky": 1,
        }
        assert count_by_tag(library, has_class(["sea"]), FACE, limit=1) == {"sea": 2}
        assert "valley" in count_by_tag(library, None, (*FACE, "objects"))


def test_on_all_and_on_some(library: Library) -> None:
    with library:
        picked = [ROWS[0].id, ROWS[1].id]
        assert tags_of(library, picked, FACE, 9) == [TagOnSome("sea", 2), TagOnSome("beach", 1)]
        assert tags_of(library, [], FACE, 9) == []


@pytest.mark.parametrize("where", [None, has_class(["sea"])])
@pytest.mark.parametrize("by", ["class", "tag", "head:camera", "head:scenes", "head:objects"])
def test_folders_hold_what_was_told(
    library: Library, by: str, where: ColumnElement[bool] | None
) -> None:
    rule = FolderRule.read(by, ["scenes", "camera", "objects"])
    with library:
        packed = [f for p in library.records(library.find(where)) for f in rule.folders(p)]
        told = _sizes(library, rule, where)
    assert {folder.name: folder.photo_count for folder in told} == dict(Counter(packed))
    each = told[0].file_bytes // told[0].photo_count
    assert all(folder.file_bytes == each * folder.photo_count for folder in told)


def _sizes(
    library: Library, rule: FolderRule, where: ColumnElement[bool] | None
) -> list[FolderSize]:
    if rule.head is not None:
        return sizes_by_head(library, where, rule.head)
    by_tag = rule.kind is FolderKind.TAG
    return sizes_by_tag(library, where) if by_tag else sizes_by_class(library, where)


def test_who_decided_and_when(library: Library) -> None:
    at = ROWS[0].added_at
    with library:
        assert decisions_on(library, ROWS[1].id).tags == (TagDecision("beach", True, at),)
        decided = decisions_on(library, ROWS[3].id)
        assert (decided.tags, decided.class_at) == ((), at)
        assert decisions_on(library, "0" * 64).class_at is None
