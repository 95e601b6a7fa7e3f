"""The query language, checked against photos with known tags."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_model.classifier.classify import Classifier
from scene_model.classifier.vocabulary import vocabulary_of
from scene_model.errors import QueryError
from scene_model.gallery.edits import remove_tag, set_class
from scene_model.gallery.gallery import Gallery
from scene_model.gallery.query import parse_query
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def gallery(services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]]) -> Gallery:
    """Four photos: a pier at sunset, a pier, a harbour at sunset, and one of nothing known."""
    names = ("pier_1.jpg", "pier_2.jpg", "harbour.jpg", "odd 50%_name.jpg")
    pictures = [(name, data) for name, (_, data) in zip(names, made_photos, strict=False)]
    ids = add_photos(pictures)
    opened = services.gallery()
    for photo_id in ids:
        for tag in opened.library.photo(photo_id).tags:
            remove_tag(opened.library, [photo_id], tag.label)
        set_class(opened.library, [photo_id], "zzz")
    opened.add_tag(ids[:2], "old pier")
    opened.add_tag([ids[0], ids[2]], "Sunset")
    opened.set_class([ids[2]], "harbour")
    return opened


def names(gallery: Gallery, query: str) -> set[str]:
    return {r.name.split(".")[0] for r in gallery.library.records(gallery.ids(query))}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"pier_1", "pier_2", "harbour", "odd 50%_name"}),
        ("sunset", {"pier_1", "harbour"}),
        ("SUNSET", {"pier_1", "harbour"}),
        ("Sonnenuntergang", {"pier_1", "harbour"}),
        ("dusk", {"pier_1", "harbour"}),
        ('"old pier" sunset', {"pier_1"}),
        ("pier", {"pier_1", "pier_2"}),
        ('tag:"old pier"', {"pier_1", "pier_2"}),
        ("tag:pier", set()),
        ("sunset OR pier", {"pier_1", "pier_2", "harbour"}),
        ("sunset -pier", {"harbour"}),
        ("-sunset", {"pier_2", "odd 50%_name"}),
        ("-sunset -pier OR harbour", {"odd 50%_name", "harbour"}),
        ("(sunset OR pier) -harbour", {"pier_1", "pier_2"}),
        ("-(sunset OR pier)", {"odd 50%_name"}),
        ("class:harbour", {"harbour"}),
        ("name:PIER_", {"pier_1", "pier_2"}),
        ('"50%"', {"odd 50%_name"}),
        ("name:%", {"odd 50%_name"}),
        ("is:edited", {"pier_1", "pier_2", "harbour", "odd 50%_name"}),
        ("has:gps", set()),
        ("score>=0", {"pier_1", "pier_2", "harbour", "odd 50%_name"}),
        ("score>1", set()),
    ],
)
def test_meaning(gallery: Gallery, query: str, expected: set[str]) -> None:
    assert names(gallery, query) == expected


def test_a_rejected_tag_is_not_found(gallery: Gallery) -> None:
    (pier, *_) = [r for r in gallery.library.records(gallery.ids("sunset")) if "pier" in r.name]
    remove_tag(gallery.library, [pier.id], "sunset")
    assert names(gallery, "sunset") == {"harbour"}


@pytest.mark.parametrize(
    ("query", "position", "says"),
    [
        ("(sea", 4, "closing bracket"),
        ("sea )", 4, "character 5"),
        ('sea "old', 4, "never closed"),
        ("colour:red", 0, "no field"),
        ("sea is:happy", 4, "is:unsure"),
        ("sea OR", 6, "ends too early"),
        ("sea -", 5, "ends too early"),
        ("x" * 1001, 1000, "limit is 1,000"),
    ],
)
def test_errors_point_at_the_place(
    classifier: Classifier, query: str, position: int, says: str
) -> None:
    with pytest.raises(QueryError, match=says) as caught:
        parse_query(query, vocabulary_of(classifier.heads.values()))
    assert caught.value.position == position


@given(st.text(max_size=40) | st.text(alphabet='ab:"()-OR <>=0.5score', max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_query_or_a_query_error(classifier: Classifier, text: str) -> None:
    vocabulary = vocabulary_of([classifier.head("scenes")])
    try:
        str(parse_query(text, vocabulary))
    except QueryError as error:
        assert 0 <= error.position <= max(len(text), 1)
        assert error.message.endswith((".", "mark."))


@pytest.mark.parametrize("text", ["a (b OR " * 12 + "c" + ")" * 12, "-(" * 40 + "a" + ")" * 40])
def test_nesting_the_database_could_not_read_is_refused(classifier: Classifier, text: str) -> None:
    with pytest.raises(QueryError, match="brackets"):
        parse_query(text, vocabulary_of([classifier.head("scenes")]))


def test_what_is_accepted_can_be_run(services: Services) -> None:
    gallery = services.gallery()
    gallery.count("a (b OR " * 5 + "c" + ")" * 5)
    gallery.count("-(" * 11 + "a" + ")" * 11)
    gallery.count(" OR ".join("abcdefghij" * 20))
    gallery.count(" ".join("abcdefghij" * 40))
    for text in ("\ud800", "score>", "score>=1.x"):
        with pytest.raises(QueryError):
            gallery.count(text)
