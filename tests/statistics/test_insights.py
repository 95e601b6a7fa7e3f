"""Each count equals the number of photos its query finds."""

from collections.abc import Sequence

import pytest

from scene_model.classifier.vocabulary import Vocabulary
from scene_model.services import Services
from scene_model.statistics import insights
from tests.library.rows import Row, put

ROWS = (
    Row("a.jpg", tags=[("scenes", "sea", 0.9)], taken_at="2024-07-15T12:00:00", camera='Q "X" 1'),
    Row("b.jpg", auto_score=0.35, taken_at="2024-07-01T12:00:00", place=(38.7, -9.1)),
    Row("c.jpg", auto_score=0.3, taken_at="2023-01-01T12:00:00", place=(38.2, -9.9)),
    Row("d.jpg", human_class="old town", camera="Nokia", place=(-33.9, 151.2)),
    Row("e.jpg", trashed=True, camera="Nokia", place=(1.0, 1.0), taken_at="2020-01-01T00:00:00"),
    Row("f.jpg", added=["my trip"], auto_score=0.0),
)


@pytest.fixture
def filled(services: Services) -> Services:
    put(services.library, ROWS)
    return services


@pytest.mark.parametrize(
    ("kind", "total"), [("by_class", 5), ("by_tag", 2), ("by_score", 5), ("by_month", 3)]
)
def test_a_query_finds_as_many_photos_as_were_counted(
    filled: Services, kind: str, total: int
) -> None:
    bars: Sequence[insights.Counted] = getattr(insights, kind)(filled.library)
    assert sum(bar.photos for bar in bars) == total
    for bar in bars:
        assert filled.gallery().count(bar.query) == bar.photos, bar.query


def test_groups_find_as_many_photos_unsure_ones_last(filled: Services) -> None:
    bars = insights.by_group(filled.library, filled.vocabulary)
    assert sum(bar.photos for bar in bars) == 5
    assert bars[-1].label == "unsure"
    for bar in bars:
        assert filled.gallery().count(bar.query) == bar.photos, bar.query
    assert insights.by_group(filled.library, Vocabulary({}, {})) == []


def test_cameras_and_months_in_order(filled: Services) -> None:
    cameras = insights.by_camera(filled.library)
    assert [(bar.label, bar.photos) for bar in cameras] == [("Nokia", 1), ('Q "X" 1', 1)]
    assert all(filled.gallery().count(bar.query) == 1 for bar in cameras)
    assert [bar.label for bar in insights.by_month(filled.library)] == ["2023-01", "2024-07"]
