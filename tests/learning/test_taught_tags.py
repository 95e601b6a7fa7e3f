"""A taught tag is a tag like any other: searched, exported, kept through tagging again."""

from collections.abc import Callable

import pytest
from PIL import Image

from scene_model.errors import InvalidTag, TooFewExamples
from scene_model.learning.retag import retag
from scene_model.learning.taught_tags import (
    delete_taught_tag,
    fit_tag,
    list_taught,
    save_taught_tag,
)
from scene_model.services import Services
from tests.pictures import encode, textured

Add = Callable[[list[tuple[str, bytes]]], list[str]]
STRIPED = 7


def stripes(seed: int) -> bytes:
    """Bold stripes: nothing like the smooth pictures of `textured`."""
    picture = Image.new("RGB", (160, 120), "white")
    for x in range(seed % 5, 160, 16):
        picture.paste((seed * 9 % 120, 0, 0), (x, 0, x + 7, 120))
    return encode(picture)


@pytest.fixture
def ids(add_photos: Add) -> list[str]:
    """Seven striped pictures, then smooth ones."""
    files = [(f"stripes_{i:02d}.jpg", stripes(i)) for i in range(STRIPED)]
    files += [(f"smooth_{i:02d}.jpg", encode(textured(160, 120, seed=i))) for i in range(24)]
    return add_photos(files)


def taught(services: Services, ids: list[str], label: str = "stripes") -> None:
    candidate = fit_tag(services.library, services.classifier, label, ids[:6])
    save_taught_tag(services.library, services.classifier, candidate)


def test_nothing_is_kept_before_it_is_saved(services: Services, ids: list[str]) -> None:
    candidate = fit_tag(services.library, services.classifier, "stripes", ids[:6])
    assert {one.photo_id for one in candidate.would_tag} == set(ids[6:STRIPED])
    assert candidate.figures.found >= 5
    assert services.gallery().count("tag:stripes") == 0
    assert list_taught(services.library, services.classifier) == []


def test_it_joins_search_and_class_choices_and_export(services: Services, ids: list[str]) -> None:
    taught(services, ids)
    assert set(services.gallery().ids("tag:stripes")) == set(ids[:STRIPED])
    assert "stripes" in services.library.human_labels()
    lines = list(services.exports.csv_lines([ids[6]]))
    assert "stripes" in lines[1]
    (tag,) = list_taught(services.library, services.classifier)
    assert (tag.label, set(tag.examples), tag.is_current) == ("stripes", set(ids[:6]), True)


def test_new_photos_get_it_and_tagging_again_keeps_it(
    services: Services, ids: list[str], add_photos: Add
) -> None:
    taught(services, ids)
    (new,) = add_photos([("new.jpg", stripes(13))])
    assert new in services.gallery().ids("tag:stripes")
    retag(services.library, services.classifier, ids[6])
    assert ids[6] in services.gallery().ids("tag:stripes")


def test_forgotten_it_stays_on_the_examples(services: Services, ids: list[str]) -> None:
    taught(services, ids)
    delete_taught_tag(services.library, "stripes")
    assert set(services.gallery().ids("tag:stripes")) == set(ids[:6])
    assert list_taught(services.library, services.classifier) == []


def test_a_word_the_model_has_as_an_alias_means_the_taught_tag(
    services: Services, ids: list[str]
) -> None:
    # "receipt" is another word for "text document".
    taught(services, ids, "receipt")
    assert set(services.gallery().ids("tag:receipt")) == set(ids[:STRIPED])


def test_a_rejected_photo_does_not_get_it_back(services: Services, ids: list[str]) -> None:
    candidate = fit_tag(services.library, services.classifier, "stripes", ids[:6], [ids[6]])
    assert ids[6] not in {one.photo_id for one in candidate.would_tag}


def test_too_few_examples_and_bad_names(services: Services, ids: list[str]) -> None:
    with pytest.raises(TooFewExamples, match="4 examples"):
        fit_tag(services.library, services.classifier, "stripes", [*ids[:4], *ids[:4], "x"])
    with pytest.raises(InvalidTag):
        fit_tag(services.library, services.classifier, " ", ids[:6])
