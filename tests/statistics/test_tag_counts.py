"""Counts by tag, sizes of export folders, and the times of a person's decisions."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement

from scene_model.classifier.vocabulary import GroupOfLabels, Vocabulary
from scene_model.export.folders import FolderKind, FolderRule
from scene_model.library.decisions import TagDecision, decisions_on
from scene_model.library.store import Library
from scene_model.search.conditions import has_class
from scene_model.statistics.folder_sizes import (
    FolderSize,
    sizes_by_class,
    sizes_by_group,
    sizes_by_head,
    sizes_by_tag,
)
from scene_model.statistics.tag_counts import (
    SelectedTag,
    count_by_any_tag,
    count_by_tag,
    count_selected_tags,
)
from tests.library.rows import Row, put

ROWS = (
    Row("a", tags=[("scenes", "sea", 0.9), ("camera", "sea", 0.4), ("camera", "beach", 0.6)]),
    Row("b", tags=[("scenes", "sea", 0.9), ("camera", "beach", 0.3)], rejected=["beach"]),
    Row(
        "c", "forest", tags=[("objects", "valley", 0.9), ("taught", "oak", 1.0)], added=["Journey"]
    ),
    Row("d", "forest", tags=[("camera", "sky", 0.5), ("camera", "lake", 0.5)], human_class="x"),
    Row("e", tags=[("scenes", "sea", 0.9)], trashed=True),
    Row("f", more={"auto_group": "unsure"}),
)
VOCABULARY = Vocabulary(
    {}, {}, groups=(GroupOfLabels("water", "Water", frozenset({"water"}), frozenset({"sea"})),)
)
SHOWN = {"sea": 2, "Journey": 1, "beach": 1, "lake": 1, "oak": 1, "sky": 1}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = Library(tmp_path / "library")
    put(made, ROWS)
    return made


def test_each_photo_counts_once_for_a_tag(library: Library) -> None:
    with library:
        assert count_by_tag(library, None) == SHOWN
        assert list(count_by_tag(library, None)) == list(SHOWN), "most frequent first, then A to Z"
        assert count_by_tag(library, has_class(["sea"]), limit=1) == {"sea": 2}
        assert count_by_any_tag(library) == SHOWN | {"valley": 1}
        assert count_by_any_tag(library, limit=1) == {"sea": 2}


def test_tags_of_selected_photos(library: Library) -> None:
    with library:
        selected = [ROWS[0].id, ROWS[1].id]
        assert count_selected_tags(library, selected, 9) == [
            SelectedTag("sea", 2),
            SelectedTag("beach", 1),
        ]
        assert count_selected_tags(library, [], 9) == []


@pytest.mark.parametrize("where", [None, has_class(["sea"])])
@pytest.mark.parametrize(
    "by", ["class", "group", "tag", "head:camera", "head:scenes", "head:objects"]
)
def test_sizes_in_sql_are_those_of_the_folder_rule(
    library: Library, by: str, where: ColumnElement[bool] | None
) -> None:
    rule = FolderRule.read(by, ["scenes", "camera", "objects"])
    with library:
        expected = [
            f for p in library.records(library.find(where)) for f in rule.folders(p, VOCABULARY)
        ]
        folders = _sizes(library, rule, where)
    assert {folder.name: folder.photo_count for folder in folders} == dict(Counter(expected))
    photo_bytes = folders[0].file_bytes // folders[0].photo_count
    assert all(folder.file_bytes == photo_bytes * folder.photo_count for folder in folders)


def _sizes(
    library: Library, rule: FolderRule, where: ColumnElement[bool] | None
) -> list[FolderSize]:
    if rule.head is not None:
        return sizes_by_head(library, where, rule.head)
    if rule.kind is FolderKind.GROUP:
        return sizes_by_group(library, where, VOCABULARY)
    by_tag = rule.kind is FolderKind.TAG
    return sizes_by_tag(library, where) if by_tag else sizes_by_class(library, where)


def test_decisions_with_their_times(library: Library) -> None:
    at = ROWS[0].added_at
    with library:
        assert decisions_on(library, ROWS[1].id).tags == (TagDecision("beach", True, at),)
        decisions = decisions_on(library, ROWS[3].id)
        assert (decisions.tags, decisions.class_at) == ((), at)
        assert decisions_on(library, "0" * 64).class_at is None
