"""Edits say what people mean, and any number of them can be taken back."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scene_model.classifier.labels import HUMAN
from scene_model.errors import InvalidTag
from scene_model.gallery import edits
from scene_model.gallery.records import PhotoRecord
from scene_model.gallery.store import Library
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def state(services: Services) -> dict[str, PhotoRecord]:
    library = services.library
    ids = sorted([*library.find(), *library.find(trashed=True)])
    return {record.id: record for record in library.records(ids)}


def without_times(records: dict[str, PhotoRecord]) -> list[tuple[object, ...]]:
    return [
        (r.id, r.photo_class, r.class_source, sorted(map(repr, r.tags)), r.trashed_at is None)
        for r in records.values()
    ]


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
    # Adding an automatic tag makes it a person's.
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


def test_what_changes_nothing_is_no_edit(
    services: Services, add_photos: Add, flower: bytes
) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    edits.add_tag(services.library, [photo_id], "a")
    assert edits.add_tag(services.library, [photo_id, photo_id], "a").photo_count == 0
    assert edits.remove_tag(services.library, [photo_id], "never there").photo_count == 0
    assert edits.add_tag(services.library, ["0" * 64], "a").photo_count == 0
    undone = edits.undo(services.library)
    assert undone is not None
    assert undone.description == "Added “a”"
    assert edits.undo(services.library) is None


def test_trash_and_back(services: Services, add_photos: Add, flower: bytes) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    edits.move_to_trash(services.library, [photo_id])
    assert (services.library.count(), services.library.count(trashed=True)) == (0, 1)
    assert services.library.original_path(photo_id).read_bytes() == flower
    edits.restore(services.library, [photo_id])
    assert (services.library.count(), services.library.count(trashed=True)) == (1, 0)


def test_the_same_photo_again_leaves_the_trash_and_keeps_the_tags(
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


@pytest.mark.parametrize("typed", ["", "  ", "x" * 61, "a\x00b", "a\u202eb", 'say "x"'])
def test_tags_that_are_refused(services: Services, typed: str) -> None:
    with pytest.raises(InvalidTag):
        edits.add_tag(services.library, [], typed)


LABELS = st.sampled_from(["flower", "sea", "mine", "forest"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "class", "auto", "trash", "restore"]),
        LABELS,
        st.sets(st.integers(0, 2), min_size=1),
    ),
    max_size=12,
)


def apply_step(library: Library, kind: str, photos: list[str], label: str) -> edits.EditDone:
    match kind:
        case "add":
            return edits.add_tag(library, photos, label)
        case "remove":
            return edits.remove_tag(library, photos, label)
        case "class":
            return edits.set_class(library, photos, label)
        case "auto":
            return edits.set_class(library, photos, None)
        case "trash":
            return edits.move_to_trash(library, photos)
        case _:
            return edits.restore(library, photos)


@given(steps=STEPS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_as_many_undos_bring_back_the_first_state(
    services: Services,
    made_photos: list[tuple[str, bytes]],
    steps: list[tuple[str, str, set[int]]],
) -> None:
    library = services.library
    if not library.count():
        services.jobs.submit(made_photos[:3]).wait(60)
    ids = sorted(state(services))
    first, made = without_times(state(services)), 0
    for kind, label, chosen in steps:
        photos = [ids[i] for i in chosen]
        done = apply_step(library, kind, photos, label)
        made += done.photo_count > 0
    for _ in range(made):
        assert edits.undo(library) is not None
    assert edits.latest_edit(library) is None
    assert without_times(state(services)) == first
