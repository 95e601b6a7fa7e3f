"""Photos by their place, region and country, in every language."""

from collections.abc import Iterator

import pytest

from scene_model.classifier.albums.album_rules import AlbumRules
from scene_model.classifier.classify import Classifier
from scene_model.classifier.model import Model
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library.place_proposals import update_places
from scene_model.library.store import Library
from scene_model.search.completion import complete
from scene_model.search.place_names import place_names
from scene_model.search.query import parse_query
from tests.library.rows import Row, put

PLACES = {
    "lisbon": (38.7139, -9.1394),
    "lisbon 2": (38.7139, -9.1394),
    "sintra": (38.7876, -9.3906),
    "munich": (48.137, 11.575),
    "sao paulo": (-23.55, -46.63),
    "long beach": (33.77, -118.19),
    "new york": (40.75, -73.99),
    "ocean": (30.0, -40.0),
    "nowhere": None,
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library(tmp_path_factory.mktemp("library")) as library:
        # Names that no query matches.
        rows = [Row(f"{i}.x", place=place) for i, place in enumerate(PLACES.values())]
        put(library, [*rows, Row("trashed.x", place=(35.68, 139.76), trashed=True)])
        update_places(library)
        yield library


@pytest.fixture(scope="module")
def vocabulary(classifier: Classifier) -> Vocabulary:
    return Model.of(classifier).vocabulary


def matches(library: Library, vocabulary: Vocabulary, line: str) -> set[str]:
    records = library.records(library.find(parse_query(line, vocabulary)))
    return {[*PLACES][int(photo.name.partition(".")[0])] for photo in records}


LISBON = {"lisbon", "lisbon 2"}
PORTUGAL = LISBON | {"sintra"}


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("city:lisbon", LISBON),
        ("place:lisbon", PORTUGAL),  # also the region
        *((f"city:{name}", LISBON) for name in ("LISBOA", "Lissabon", "lisbonne", "里斯本")),
        *((f"country:{name}", PORTUGAL) for name in ("pt", "PT", "Portugal", "葡萄牙")),
        ("place:portugal -city:lisbon", {"sintra"}),
        ("country:lisbon", set()),
        ("city:portugal", set()),
        ("country:Deutschland", {"munich"}),
        ("country:Allemagne", {"munich"}),
        ("country:Alemania", {"munich"}),
        ('country:"estados unidos"', {"long beach", "new york"}),
        ("place:münchen", {"munich"}),
        ("place:munchen", {"munich"}),
        ("place:Bavaria", {"munich"}),
        ('place:"SÃO PAULO"', {"sao paulo"}),
        ('place:"sao paulo"', {"sao paulo"}),
        ('place:"new york"', {"new york"}),
        ("place:sea", {"ocean"}),
        ("place:pau", set()),
        ('place:"%"', set()),
        ("place:-", set()),
        ("lisbon", PORTUGAL),
        ("Lissabon", LISBON),
        ("portugal", PORTUGAL),
        ("new york", {"new york"}),
        ("lisbon OR munich", PORTUGAL | {"munich"}),
        ("pt", set()),  # a code is no word
        ("-place:portugal has:gps", {*PLACES} - PORTUGAL - {"nowhere"}),
    ],
)
def test_queries(library: Library, vocabulary: Vocabulary, line: str, names: set[str]) -> None:
    assert matches(library, vocabulary, line) == names


def test_a_label_in_a_name_is_not_the_place(library: Library, vocabulary: Vocabulary) -> None:
    assert matches(library, vocabulary, "beach") == set()
    assert matches(library, vocabulary, 'long "long beach"') == {"long beach"}


def test_completions(library: Library, vocabulary: Vocabulary) -> None:
    def completed(line: str) -> list[tuple[str, str, int | None]]:
        names = place_names(library)
        terms = complete(line, vocabulary, AlbumRules(()), {}, places=names, limit=20)
        return [(term.line, term.shown, term.count) for term in terms]

    assert completed("city:lis") == [("city:lisbon", "Lisbon", 2)]
    assert completed("-country:por") == [("-country:portugal", "Portugal", 3)]
    assert completed("country:lis") == []
    assert completed("place:Lissa") == [("place:lisbon", "Lisbon (lissabon)", 2)]
    assert completed("place:lisb") == [("place:lisbon", "Lisbon", 3)]
    assert ('place:"são paulo"', "São Paulo", 1) in completed("place:sao")
    assert ("lisbon", "Lisbon", 3) in completed("lisb")
    assert ("place:portugal", "Portugal", 3) in completed("place:")[:2]
    assert ("place:", "place:", None) in completed("place")


def test_a_photo_in_the_trash_gives_no_completion(library: Library) -> None:
    names = {name.name for name in place_names(library)}
    assert names >= {"Lisbon", "Portugal", "Bavaria"}
    assert names.isdisjoint({"Tokyo", "Japan"})
