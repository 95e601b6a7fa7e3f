"""Saved searches are stored in the library; two windows do not overwrite each other's."""

import threading

import pytest

from scene_model.errors import (
    InvalidSearchName,
    QueryError,
    SavedSearchNotFound,
    SceneError,
    SearchNameTaken,
)
from scene_model.library.sort_order import NEWEST_ADDED, Sort
from scene_model.library.store import Library
from scene_model.search.saved_searches import (
    delete_search,
    list_searches,
    rename_search,
    save_search,
)
from scene_model.services import Services


def names(library: Library) -> list[str]:
    return [search.name for search in list_searches(library)]


def test_save_rename_delete(services: Services) -> None:
    library = services.library
    sea = save_search(library, "  By   the sea ", "sea OR beach", Sort.read("-taken"))
    save_search(library, "album", "album:travel", NEWEST_ADDED)
    assert sea.name == "By the sea"
    with Library(library.folder) as second:
        assert list_searches(second)[1] == sea
        rename_search(second, sea.id, "Wasser")
    assert names(library) == ["album", "Wasser"]
    delete_search(library, sea.id)
    delete_search(library, sea.id)
    assert names(library) == ["album"]
    with pytest.raises(SavedSearchNotFound):
        rename_search(library, sea.id, "again")


@pytest.mark.parametrize("name", ["", " \n ", "x" * 61, "a\x00b", "a\u202eb"])
def test_invalid_names(services: Services, name: str) -> None:
    saved = save_search(services.library, "saved", "sea", NEWEST_ADDED)
    with pytest.raises(InvalidSearchName):
        save_search(services.library, name, "sea", NEWEST_ADDED)
    with pytest.raises(InvalidSearchName):
        rename_search(services.library, saved.id, name)
    assert names(services.library) == ["saved"]


def test_names_are_unique_without_regard_to_case(services: Services) -> None:
    library = services.library
    save_search(library, "Été", "summer", NEWEST_ADDED)
    other = save_search(library, "other", "winter", NEWEST_ADDED)
    with pytest.raises(SearchNameTaken, match="été"):
        save_search(library, "été", "winter", NEWEST_ADDED)
    with pytest.raises(SearchNameTaken):
        rename_search(library, other.id, "ÉTÉ")
    rename_search(library, other.id, "OTHER")  # its own name may change its case
    assert [search.query for search in list_searches(library)] == ["winter", "summer"]


def test_ids_are_not_reused(services: Services) -> None:
    library = services.library
    deleted = save_search(library, "a", "sea", NEWEST_ADDED)
    delete_search(library, deleted.id)
    save_search(library, "b", "lake", NEWEST_ADDED)
    with pytest.raises(SavedSearchNotFound):
        rename_search(library, deleted.id, "c")


def test_two_windows_at_once(services: Services) -> None:
    errors: list[SceneError] = []

    def save(query: str) -> None:
        try:
            save_search(services.library, "same", query, NEWEST_ADDED)
        except SearchNameTaken as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=(f"query{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(errors), names(services.library)) == (7, ["same"])


def test_an_invalid_query_is_not_saved(services: Services) -> None:
    gallery = services.gallery()
    with pytest.raises(QueryError):
        gallery.save_search("broken", "sea OR")
    gallery.sort = Sort.read("name")
    assert gallery.save_search("good", "sea").sort == Sort.read("name")
    assert names(services.library) == ["good"]
