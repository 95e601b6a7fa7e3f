"""Edits of tags, class and trash, with undo and redo of any number of them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scene_model.classifier.labels import HUMAN
from scene_model.errors import InvalidTag, UsageError
from scene_model.library import edits
from scene_model.library.records import PhotoRecord
from scene_model.library.store import Library
from scene_model.services import Services
from tests.library.libraries import add_rows
from tests.library.statements import statements

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def state(services: Services) -> dict[str, PhotoRecord]:
    library = services.library
    ids = sorted([*library.find(), *library.find(trashed=True)])
    return {record.id: record for record in library.records(ids)}


def test_tags_of_people_and_of_the_model(
    services: Services, add_photos: Add, flower: bytes
) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    library = services.library
    assert "flower" in library.photo(photo_id).shown_tags
    assert edits.add_tag(library, [photo_id], "Grandma").photo_count == 1
    assert edits.remove_tag(library, [photo_id], "flower").photo_count == 1
    photo = library.photo(photo_id)
    assert [t.label for t in photo.tags if t.head == HUMAN] == ["Grandma"]
    assert "flower" not in photo.shown_tags
    # Adding an automatic tag turns it into a person's.
    edits.add_tag(library, [photo_id], "flower")
    assert ("flower", HUMAN) in {(t.label, t.head) for t in library.photo(photo_id).tags}


def test_class(services: Services, add_photos: Add, flower: bytes) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    before = services.library.photo(photo_id)
    edits.set_class(services.library, [photo_id], "garden")
    chosen = services.library.photo(photo_id)
    assert (chosen.photo_class, chosen.class_source) == ("garden", "human")
    edits.set_class(services.library, [photo_id], None)
    assert services.library.photo(photo_id) == before


def test_favourite_and_rating(services: Services, add_photos: Add, flower: bytes) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    library = services.library
    before = library.photo(photo_id)
    assert (before.favourite, before.rating) == (False, 0)
    assert edits.set_favourite(library, [photo_id], False).photo_count == 0
    assert edits.set_favourite(library, [photo_id], True).photo_count == 1
    assert edits.set_rating(library, [photo_id], 0).photo_count == 0
    assert edits.set_rating(library, [photo_id], 4) == edits.EditResult("Rated 4", 1)
    assert edits.set_rating(library, [photo_id], 4).photo_count == 0
    rated = library.photo(photo_id)
    assert (rated.favourite, rated.rating) == (True, 4)
    assert edits.set_rating(library, [photo_id], 0).description == "Rating removed"
    assert library.photo(photo_id).rating == 0
    for expected in (rated, None, before):
        assert edits.undo(library) is not None
        assert expected is None or library.photo(photo_id) == expected
    assert edits.undo(library) is None


@pytest.mark.parametrize("rating", [-1, 6, 100])
def test_a_rating_is_from_0_to_5(tmp_path: Path, rating: int) -> None:
    with Library(tmp_path / "library") as library:
        for rate in (edits.set_rating, edits.import_rating):
            with pytest.raises(UsageError, match=rf"from 0 to 5, not {rating}") as caught:
                rate(library, [], rating)
            assert (caught.value.code, caught.value.http_status) == ("invalid_rating", 400)


def test_an_import_never_changes_a_persons_rating(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        (photo_id,) = add_rows(library, 1)

        def rating_after_import(imported: int) -> int:
            edits.import_rating(library, [photo_id], imported)
            return library.photo(photo_id).rating

        assert [rating_after_import(imported) for imported in (3, 5, 0, 2)] == [3, 5, 0, 2]
        edits.set_rating(library, [photo_id], 2)
        assert rating_after_import(5) == 2, "the person gave the number that was imported"
        edits.set_rating(library, [photo_id], 0)
        assert rating_after_import(5) == 0, "the person removed the rating"


def test_an_edit_without_changes_is_not_recorded(
    services: Services, add_photos: Add, flower: bytes
) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    edits.add_tag(services.library, [photo_id], "a")
    assert edits.add_tag(services.library, [photo_id, photo_id], "a").photo_count == 0
    assert edits.remove_tag(services.library, [photo_id], "never added").photo_count == 0
    assert edits.add_tag(services.library, ["0" * 64], "a").photo_count == 0
    undone = edits.undo(services.library)
    assert undone is not None
    assert undone.description == "Added “a”"
    assert edits.undo(services.library) is None


@pytest.mark.slow
def test_trash_and_back(services: Services, add_photos: Add, flower: bytes) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    edits.move_to_trash(services.library, [photo_id])
    assert (services.library.count(), services.library.count(trashed=True)) == (0, 1)
    assert services.library.original_path(photo_id).read_bytes() == flower
    edits.restore(services.library, [photo_id])
    assert (services.library.count(), services.library.count(trashed=True)) == (1, 0)


@pytest.mark.slow
def test_adding_a_trashed_photo_again_restores_it_with_its_tags(
    services: Services, add_photos: Add, flower: bytes
) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    edits.add_tag(services.library, [photo_id], "mine")
    edits.move_to_trash(services.library, [photo_id])
    job = services.jobs.submit([("again.jpg", flower)])
    job.wait(60)
    photo = services.library.photo(photo_id)
    assert photo.trashed_at is None
    assert photo.name == "dahlia.jpg"
    assert "mine" in photo.shown_tags


@pytest.mark.slow
@pytest.mark.parametrize("typed", ["", "  ", "x" * 61, "a\x00b", "a\u202eb", 'say "x"'])
def test_invalid_tags(services: Services, typed: str) -> None:
    with pytest.raises(InvalidTag):
        edits.add_tag(services.library, [], typed)


LABELS = st.sampled_from(["flower", "sea", "mine", "forest"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["add", "remove", "accept", "reject", "class", "auto", "trash", "restore"]
            + ["favourite", "not favourite", "rate", "rate 0", "import rating"]
        ),
        LABELS,
        st.sets(st.integers(0, 2), min_size=1),
    ),
    max_size=12,
)


def apply_step(library: Library, kind: str, photos: list[str], label: str) -> edits.EditResult:
    match kind:
        case "add":
            return edits.add_tag(library, photos, label)
        case "remove":
            return edits.remove_tag(library, photos, label)
        case "accept":
            return edits.accept_tag(library, photos, label)
        case "reject":
            return edits.reject_tag(library, photos, label)
        case "class":
            return edits.set_class(library, photos, label)
        case "auto":
            return edits.set_class(library, photos, None)
        case "favourite" | "not favourite":
            return edits.set_favourite(library, photos, kind == "favourite")
        case "rate":
            return edits.set_rating(library, photos, 1 + len(label) % 5)
        case "rate 0":
            return edits.set_rating(library, photos, 0)
        case "import rating":
            return edits.import_rating(library, photos, len(label) % 6)
        case "trash":
            return edits.move_to_trash(library, photos)
        case _:
            return edits.restore(library, photos)


@pytest.fixture
def three_photos(add_photos: Add, made_photos: list[tuple[str, bytes]]) -> list[str]:
    return add_photos(made_photos[:3])


@pytest.mark.slow
@given(steps=STEPS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_undos_restore_the_first_state_and_redos_the_last(
    services: Services, three_photos: list[str], steps: list[tuple[str, str, set[int]]]
) -> None:
    library, states = services.library, [state(services)]
    for kind, label, chosen in steps:
        if apply_step(library, kind, [three_photos[i] for i in chosen], label).photo_count:
            states.append(state(services))
    for before in reversed(states[:-1]):
        assert edits.undo(library) is not None
        assert state(services) == before
    assert edits.latest_edit(library) is None
    for after in states[1:]:
        assert edits.redo(library) is not None
        assert state(services) == after
    assert not states[1:] or edits.redo(library) is None
    while edits.undo(library):
        pass


@pytest.mark.slow
def test_confirming_and_rejecting(services: Services, add_photos: Add, flower: bytes) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    library = services.library

    def heads() -> set[str]:
        return {tag.head for tag in library.photo(photo_id).tags if tag.label == "flower"}

    before = library.photo(photo_id)
    assert HUMAN not in heads()
    assert edits.accept_tag(library, [photo_id], "not a tag").photo_count == 0
    assert edits.accept_tag(library, [photo_id], "flower").description == "Confirmed “flower”"
    assert heads() == {HUMAN}
    assert edits.accept_tag(library, [photo_id], "flower").photo_count == 0
    assert edits.reject_tag(library, [photo_id], "flower").photo_count == 1
    assert heads() == set()
    assert edits.reject_tag(library, [photo_id], "flower").photo_count == 0
    assert edits.accept_tag(library, [photo_id], "flower").photo_count == 0, "rejected"
    assert edits.reject_tag(library, [photo_id], "not a tag").photo_count == 0
    edits.add_tag(library, [photo_id], "mine")
    edits.reject_tag(library, [photo_id], "mine")
    assert "mine" not in library.photo(photo_id).shown_tags
    for _ in range(4):
        edits.undo(library)
    assert library.photo(photo_id) == before


@pytest.mark.slow
def test_a_rejected_tag_stays_rejected(services: Services, add_photos: Add, flower: bytes) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    library = services.library
    edits.add_tag(library, [photo_id], "mine")
    edits.reject_tag(library, [photo_id], "mine")  # the model does not predict it
    assert edits.remove_tag(library, [photo_id], "mine").photo_count == 0
    assert services.gallery().count("is:edited") == 1


@pytest.mark.slow
def test_a_hundred_undos_after_a_restart(
    services: Services, add_photos: Add, flower: bytes
) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    states = [services.library.photo(photo_id)]
    for number in range(120):
        if number % 3 == 0:
            edits.set_class(services.library, [photo_id], f"class {number}")
        else:
            edits.add_tag(services.library, [photo_id], f"tag {number}")
        states.append(services.library.photo(photo_id))
    services.library.close()
    with Library(services.library.folder) as opened:
        for before in reversed(states[:-1]):
            assert edits.undo(opened) is not None
            assert opened.photo(photo_id) == before
        assert edits.undo(opened) is None
    with Library(services.library.folder) as opened:
        for after in states[1:]:
            assert edits.redo(opened) is not None
            assert opened.photo(photo_id) == after
        assert edits.redo(opened) is None


@pytest.mark.slow
def test_a_new_edit_discards_undone_edits(
    services: Services, add_photos: Add, flower: bytes
) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    library = services.library
    for label in ("a", "b", "c"):
        edits.add_tag(library, [photo_id], label)
    edits.undo(library)
    edits.undo(library)
    assert edits.latest_undone(library) == "Added “b”"
    edits.add_tag(library, [photo_id], "d")
    assert edits.redo(library) is None
    edits.undo(library)
    assert edits.redo(library) == edits.EditResult("Added “d”", 1)
    assert set(library.photo(photo_id).shown_tags) >= {"a", "d"}
    assert not {"b", "c"} & set(library.photo(photo_id).shown_tags)


@pytest.mark.slow
def test_an_edit_is_undone_only_while_it_is_the_latest(
    services: Services, add_photos: Add, flower: bytes
) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    library = services.library
    first = edits.add_tag(library, [photo_id], "a")
    assert first.edit_id == edits.latest_edit_id(library)
    assert edits.add_tag(library, [photo_id], "a").edit_id is None, "nothing was changed"
    second = edits.set_favourite(library, [photo_id], True)
    assert edits.undo(library, first.edit_id) is None
    assert library.photo(photo_id).favourite
    assert edits.undo(library, second.edit_id) == second
    assert edits.undo(library, first.edit_id) == first
    assert edits.latest_edit_id(library) is None


@pytest.mark.slow
def test_undone_edits_of_an_earlier_version_are_not_redone(
    services: Services, add_photos: Add, flower: bytes
) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    library = services.library
    edits.add_tag(library, [photo_id], "old")
    edits.undo(library)
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql("INSERT INTO edits (id, at, description) VALUES (9, '', 'new')")
    assert edits.latest_undone(library) is None
    assert edits.undo(library) == edits.EditResult("new", 0)
    assert edits.latest_undone(library) == "new"


@pytest.mark.slow
def test_ten_thousand_photos_at_once(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        ids = add_rows(library, 10_000)
        with statements(library) as executed:
            assert edits.add_tag(library, ids, "mine").photo_count == 10_000
            assert edits.remove_tag(library, ids, "forest").photo_count == 10_000
            assert edits.set_class(library, ids[:9_000], "garden").photo_count == 9_000
            assert edits.move_to_trash(library, ids).photo_count == 10_000
            assert library.count(trashed=True) == 10_000
            for count in (10_000, 9_000, 10_000, 10_000):
                undone = edits.undo(library)
                assert undone is not None
                assert undone.photo_count == count
            assert library.photo(ids[0]).shown_tags == ("forest",)
        assert len(executed) < 1_000, "one statement per photo would take a minute"
