"""Taught tags: training, search, export, new photos, retagging, deletion."""

from collections.abc import Callable

import pytest

from scene_model.errors import InvalidTag, TooFewExamples
from scene_model.learning.retag import retag
from scene_model.learning.taught_tags import (
    delete_taught_tag,
    fit_tag,
    list_taught,
    save_taught_tag,
)
from scene_model.services import Services
from tests.pictures import encode, striped, textured

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]
STRIPED = 7


@pytest.fixture
def ids(add_photos: Add) -> list[str]:
    """Seven striped pictures, then smooth ones."""
    files = [(f"stripes_{i:02d}.jpg", striped(i)) for i in range(STRIPED)]
    files += [(f"smooth_{i:02d}.jpg", encode(textured(160, 120, seed=i))) for i in range(24)]
    return add_photos(files)


def teach_tag(services: Services, ids: list[str], label: str = "stripes") -> None:
    candidate = fit_tag(services.library, services.classifier, label, ids[:6])
    save_taught_tag(services.library, services.classifier, candidate)


def test_a_candidate_changes_nothing(services: Services, ids: list[str]) -> None:
    candidate = fit_tag(services.library, services.classifier, "stripes", ids[:6])
    assert {match.photo_id for match in candidate.would_tag} == set(ids[6:STRIPED])
    assert candidate.figures.found >= 5
    assert services.gallery().count("tag:stripes") == 0
    assert list_taught(services.library, services.classifier) == []


def test_a_saved_tag_is_in_search_class_choices_and_export(
    services: Services, ids: list[str]
) -> None:
    teach_tag(services, ids)
    assert set(services.gallery().ids("tag:stripes")) == set(ids[:STRIPED])
    assert "stripes" in services.library.human_labels()
    lines = list(services.exports.csv_lines([ids[6]]))
    assert "stripes" in lines[1]
    (tag,) = list_taught(services.library, services.classifier)
    assert (tag.label, set(tag.examples), tag.is_current) == ("stripes", set(ids[:6]), True)


def test_new_photos_get_the_tag_and_retagging_preserves_it(
    services: Services, ids: list[str], add_photos: Add
) -> None:
    teach_tag(services, ids)
    (new,) = add_photos([("new.jpg", striped(13))])
    assert new in services.gallery().ids("tag:stripes")
    retag(services.library, services.classifier, ids[6])
    assert ids[6] in services.gallery().ids("tag:stripes")


def test_a_deleted_tag_stays_on_the_examples(services: Services, ids: list[str]) -> None:
    teach_tag(services, ids)
    delete_taught_tag(services.library, "stripes")
    assert set(services.gallery().ids("tag:stripes")) == set(ids[:6])
    assert list_taught(services.library, services.classifier) == []


def test_a_taught_tag_takes_precedence_over_an_alias(services: Services, ids: list[str]) -> None:
    # "receipt" is an alias of "text document".
    teach_tag(services, ids, "receipt")
    assert set(services.gallery().ids("tag:receipt")) == set(ids[:STRIPED])


def test_counterexamples_are_not_tagged(services: Services, ids: list[str]) -> None:
    candidate = fit_tag(services.library, services.classifier, "stripes", ids[:6], [ids[6]])
    assert ids[6] not in {match.photo_id for match in candidate.would_tag}


def test_too_few_examples_and_bad_names(services: Services, ids: list[str]) -> None:
    with pytest.raises(TooFewExamples, match="4 examples"):
        fit_tag(services.library, services.classifier, "stripes", [*ids[:4], *ids[:4], "x"])
    with pytest.raises(InvalidTag):
        fit_tag(services.library, services.classifier, " ", ids[:6])
