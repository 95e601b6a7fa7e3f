"""Own labels keep the case in which they were typed, and are found in any case."""

import csv
import io
import zipfile
from collections.abc import Callable

import pytest

from scene_model.export.folders import FolderRule
from scene_model.library import edits
from scene_model.library.own_labels import own_labels
from scene_model.search.completion import complete
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]
NAME = "Grandma Rosa"


@pytest.fixture
def ids(add_photos: Add, temple: bytes, flower: bytes) -> list[str]:
    return add_photos([("temple.jpg", temple), ("dahlia.jpg", flower)])


def test_a_tag_keeps_its_case_and_is_found_in_any(services: Services, ids: list[str]) -> None:
    gallery = services.gallery()
    gallery.add_tag(ids[:1], NAME)
    assert NAME in services.library.photo(ids[0]).shown_tags
    assert gallery.vocabulary.display_name(NAME) == NAME
    for query in (f'"{NAME}"', '"grandma rosa"', 'tag:"GRANDMA ROSA"', "tag:grandma_rosa"):
        assert gallery.ids(query) == ids[:1], query
        assert services.gallery().ids(query) == ids[:1], query
    assert gallery.ids('-tag:"grandma rosa"') == ids[1:]
    assert NAME in gallery.labels_of_words('"grandma rosa"')


def test_a_class_keeps_its_case_and_is_found_in_any(services: Services, ids: list[str]) -> None:
    gallery = services.gallery()
    gallery.set_class(ids[:1], NAME)
    assert gallery.count_by_class()[NAME] == 1
    assert gallery.ids('class:"grandma rosa"') == gallery.ids('"grandma rosa"') == ids[:1]


def test_another_spelling_is_the_same_label(services: Services, ids: list[str]) -> None:
    gallery = services.gallery()
    gallery.add_tag(ids[:1], NAME)
    gallery.add_tag(ids[1:], "GRANDMA  rosa")
    gallery.set_class(ids, "grandma_rosa")
    assert gallery.count_by_tag()[NAME] == 2
    assert own_labels(services.library) == [NAME]
    edits.add_tag(services.library, ids, "grandma rosa")  # as an earlier version wrote it
    assert gallery.vocabulary.canonical("grandma rosa") == "grandma rosa"
    assert gallery.vocabulary.canonical(NAME) == NAME
    assert gallery.vocabulary.canonical("Grandma ROSA") in (NAME, "grandma rosa")


def test_labels_of_the_model_are_not_own(services: Services, ids: list[str]) -> None:
    vocabulary = services.gallery().vocabulary
    assert vocabulary.canonical("Text Document") == "text_document"
    assert vocabulary.canonical("UNSURE") == "unsure"


def test_exports_keep_the_case(services: Services, ids: list[str]) -> None:
    services.gallery().add_tag(ids, NAME)
    services.gallery().set_class(ids, NAME)
    rows = list(csv.DictReader(io.StringIO("".join(services.exports.csv_lines(ids)))))
    assert {row["Class"] for row in rows} == {NAME}
    assert all(NAME in row["Tags"].split("; ") for row in rows)
    data = b"".join(
        services.exports.zip_by(ids, FolderRule.read("class", services.classifier.heads))
    )
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert f"{NAME}/dahlia.jpg" in names


def test_completion_shows_the_case(services: Services, ids: list[str]) -> None:
    gallery = services.gallery()
    gallery.add_tag(ids, NAME)
    (completion,) = complete(
        "tag:grandm", gallery.vocabulary, services.model.albums, gallery.count_by_any_tag()
    )
    assert completion.shown == NAME
    assert gallery.count(completion.line) == 2
