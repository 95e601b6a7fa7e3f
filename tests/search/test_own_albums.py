"""`album:` finds people's albums; the same rule says in which albums one photo is."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_model.classifier.albums.album_rules import Album, AlbumRules, Rule
from scene_model.classifier.model import Model
from scene_model.config import Settings
from scene_model.errors import AlbumNameTaken, InvalidAlbum, QueryError
from scene_model.library.albums.album_edits import (
    create_album,
    create_query_album,
    delete_album,
    rename_album,
    set_album_sort,
)
from scene_model.library.albums.own_albums import own_albums
from scene_model.library.sort_order import BEST_MATCH, NEWEST_ADDED, Sort
from scene_model.photos.decoders.pool import Decoders
from scene_model.search.albums import AlbumKind
from scene_model.services import Services, open_services
from tests.library.rows import Row, put

ROWS = [
    Row("a", tags=[("camera", "beach", 0.9)], taken_at="2024-07-15T10:00:00"),
    Row("b", tags=[("camera", "dog", 0.9)], taken_at="2023-07-15T10:00:00"),
    Row("c", tags=[("camera", "beach", 0.9), ("camera", "dog", 0.8)]),
    Row("d", added=["travel"], taken_at="2025-07-15T10:00:00"),
]
A, B, C, D = (row.id for row in ROWS)


@pytest.fixture
def filled(services: Services) -> Services:
    put(services.library, ROWS)
    return services


def names(services: Services, query: str, sort: Sort = BEST_MATCH) -> str:
    gallery = services.gallery(sort)
    return "".join(photo.name for photo in services.library.records(gallery.ids(query)))


def test_an_album_is_found_by_its_name(filled: Services) -> None:
    create_album(filled.library, "Our trip", [D, A])
    for query in ('album:"Our trip"', 'album:"OUR TRIP"', "album:our_trip"):
        assert names(filled, query) == "da", query
    assert names(filled, 'album:"our trip" beach', NEWEST_ADDED) == "a"
    assert set(names(filled, '-album:"our trip"')) == {"b", "c"}
    with pytest.raises(QueryError, match="Our trip"):
        names(filled, "album:nowhere")


def test_the_order_of_an_album(filled: Services) -> None:
    album_id = create_album(filled.library, "Trip", [D, A, B])
    gallery = filled.gallery()
    assert names(filled, "album:trip") == "dab"
    assert gallery.shown_order("album:trip") == BEST_MATCH
    assert gallery.shown_order("is:unsure") == NEWEST_ADDED
    assert names(filled, "album:trip", Sort.read("name")) == "abd", "another order was chosen"
    assert gallery.ids_from(1, 1, "album:trip") == [A]
    page = gallery.page_after(None, 2, "album:trip")
    assert page.ids == (D, A)
    assert gallery.page_after(page.next_cursor, 2, "album:trip").ids == (B,)
    set_album_sort(filled.library, album_id, Sort.read("taken"))
    assert names(filled, "album:trip") == "bad"
    set_album_sort(filled.library, album_id, None)
    assert names(filled, "album:trip") == "dab"


def test_an_album_follows_a_search(filled: Services) -> None:
    gallery = filled.gallery()
    gallery.make_query_album("Beaches", "tag:beach", Sort.read("name"))
    assert names(filled, "album:beaches") == "ac"
    gallery.make_query_album("Dogs there", "album:beaches tag:dog")
    assert names(filled, 'album:"dogs there"') == "c"
    put(filled.library, [*ROWS, Row("e", tags=[("camera", "beach", 0.9)])])
    assert names(filled, "album:beaches") == "ace", "it follows the search from now on"


def test_a_search_is_checked_before_an_album_follows_it(filled: Services) -> None:
    gallery = filled.gallery()
    for name, query, message in (
        ("New", "tag:(", "In the search of the album “New”"),
        ("New", "album:nowhere", "There is no album 'nowhere'"),
        ("New", "album:new", "leads back to it: New → New"),
    ):
        with pytest.raises(QueryError, match=message):
            gallery.make_query_album(name, query)
    with pytest.raises(InvalidAlbum, match="no search"):
        gallery.make_query_album("New", "  ")
    gallery.make_query_album("New", "sea")
    with pytest.raises(AlbumNameTaken):
        gallery.make_query_album("NEW", "sea")


@pytest.mark.slow
def test_a_circle_of_albums_is_an_error_and_not_more(filled: Services) -> None:
    create_query_album(filled.library, "First", "album:second")
    create_query_album(filled.library, "Second", "album:third OR sea")
    third = create_query_album(filled.library, "Third", "beach -album:first")
    with pytest.raises(QueryError, match="First → Second → Third → First") as raised:
        names(filled, "sea album:first")
    assert raised.value.position == len("sea album:")
    entries = {entry.name: entry for entry in filled.gallery().albums()}
    assert "leads back" in str(entries["Second"].error)
    assert filled.gallery().albums_with(filled.library.photo(A))
    delete_album(filled.library, third)
    with pytest.raises(QueryError, match="In the search of the album “Second”: There is no album"):
        names(filled, "album:first")


def test_albums_of_albums_are_limited(filled: Services) -> None:
    create_query_album(filled.library, "n0", "sea")
    for number in range(1, 5):
        other = f"album:n{number - 1}"
        create_query_album(filled.library, f"n{number}", f"{other} OR -{other}")
    with pytest.raises(QueryError, match="more than 12 album: terms|too many nested"):
        names(filled, "album:n4")
    deep = "beach"
    for word in "abcdefgh":
        deep = f"({deep} OR {word}) sea"
    create_query_album(filled.library, "deep", deep)
    with pytest.raises(QueryError, match="too many nested brackets"):
        names(filled, "(((album:deep OR a) b OR c) d)")


def test_a_persons_album_comes_before_a_rule_album(filled: Services) -> None:
    assert names(filled, "album:travel") == "acd"
    create_album(filled.library, "Travel", [A])
    assert names(filled, "album:travel") == "a"
    assert names(filled, "album:Reisen") == "acd", "by a name that no other album has"
    entries = [entry for entry in filled.gallery().albums() if entry.count]
    lines = [(entry.kind, entry.line, entry.count) for entry in entries]
    assert (AlbumKind.OWN, "album:Travel", 1) in lines
    (travel,) = [
        entry for entry in entries if entry.kind is AlbumKind.RULES and entry.id == "travel"
    ]
    assert travel.line is not None
    assert names(filled, travel.line) == "acd"
    assert travel.cover == A


def test_the_list_of_albums(filled: Services) -> None:
    create_album(filled.library, "Trip", [B, A])
    create_album(filled.library, "Empty")
    filled.gallery().make_query_album("Beaches", "tag:beach")
    entries = filled.gallery(Sort.read("name")).albums()
    own = [(e.name, e.kind, e.count, e.cover) for e in entries if e.kind is not AlbumKind.RULES]
    assert own == [
        ("Beaches", AlbumKind.SEARCH, 2, A),
        ("Empty", AlbumKind.OWN, 0, None),
        ("Trip", AlbumKind.OWN, 2, B),
    ]
    assert "tag:beach" in entries[0].why
    by_id = {e.id: e for e in entries if e.kind is AlbumKind.RULES}
    assert by_id["friends"].why == "Photos that you tag “Friends”"


# Contract: which albums a photo is in, album by album and photo by photo.

MEMBERS = st.lists(st.sampled_from([A, B, C, D]), max_size=4)
QUERIES = st.sampled_from(
    ["tag:beach", "-tag:dog", "album:rule", "album:first", "name:a OR name:b", "album:first -dog"]
)
RULES = AlbumRules(
    (
        Album.model_validate(
            {"id": "rule", "name": "Rule", "rule": [Rule(tags=frozenset({"dog"}))]}
        ),
        Album.model_validate({"id": "rest", "name": "Rest", "rest": True}),
    )
)


@pytest.mark.slow
@given(MEMBERS, MEMBERS, QUERIES, st.sampled_from(["Second", "Rule"]))
@settings(max_examples=30, deadline=None)
def test_contract_of_albums_with_and_album_lines(
    contract_library: Services, first: list[str], second: list[str], query: str, name: str
) -> None:
    library = contract_library.library
    for album in own_albums(library):
        delete_album(library, album.id)
    create_album(library, "First", first)
    create_album(library, name, second)
    create_query_album(library, "Following", query)
    gallery = contract_library.gallery()
    entries = [entry for entry in gallery.albums() if entry.line is not None]
    assert len(entries) >= 4
    photos = list(library.records([A, B, C, D]))
    words = {p.id: {album.word for album in gallery.albums_with(p)} for p in photos}
    for entry in entries:
        assert entry.line is not None
        inside = {photo_id for photo_id, of_photo in words.items() if entry.word in of_photo}
        assert set(gallery.ids(entry.line)) == inside, entry.line
        assert entry.count == len(inside)
        assert set(gallery.ids(f"-{entry.line}")) == {A, B, C, D} - inside


@pytest.fixture(scope="module")
def contract_library(
    tmp_path_factory: pytest.TempPathFactory, decoders: Decoders
) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("contract") / "library"
    opened = open_services(Settings(library=folder, workers=1), decoders=decoders)
    opened.model.swap(Model(opened.classifier, opened.vocabulary, RULES))
    put(opened.library, ROWS)
    yield opened
    opened.close()


def test_renaming_keeps_what_follows_by_error(filled: Services) -> None:
    album_id = create_album(filled.library, "Our trip", [A])
    make: Callable[[str, str], int] = filled.gallery().make_query_album
    make("Both", 'album:"our trip" tag:beach')
    rename_album(filled.library, album_id, "Journey")
    with pytest.raises(QueryError, match="In the search of the album “Both”: There is no album"):
        names(filled, "album:both")
