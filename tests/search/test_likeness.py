"""Photos found by sentences: by a pair that knows colours, on a library of coloured pictures."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import delete, select

from scene_model.config import Settings
from scene_model.errors import JobNotFound, NoSearchEmbeddings, NotForVisitors, QueryError
from scene_model.gallery import Gallery
from scene_model.jobs.job import JobState
from scene_model.library import edits
from scene_model.library.database.schema import backbone_embeddings, photos
from scene_model.library.embeddings.backbone_embeddings import Network, write_embeddings
from scene_model.library.embeddings.unit_vectors import UnitVectors
from scene_model.library.sort_order import NEWEST_ADDED
from scene_model.library.trash import empty_trash
from scene_model.maintenance.verify import verify
from scene_model.photos.decoders.pool import Decoders
from scene_model.services import Services, open_services
from tests.pictures import encode
from tests.text_pairs import add_calibration, colour_pair

PICTURES = {
    "p1.jpg": (250, 10, 10),
    "p2.jpg": (10, 250, 10),
    "p3.jpg": (10, 10, 250),
    "p4.jpg": (240, 90, 60),
    "p5.jpg": (128, 128, 128),
}
pytestmark = pytest.mark.slow


def pictures(names: list[str]) -> list[tuple[str, bytes]]:
    return [(name, encode(Image.new("RGB", (64, 64), PICTURES[name]))) for name in names]


def open_app(folder: Path, decoders: Decoders, resume: bool = True) -> Services:
    settings = Settings(library=folder / "library", bundles=folder / "bundles", workers=1)
    return open_services(settings, decoders=decoders, resume=resume)


@pytest.fixture
def app(tmp_path: Path, decoders: Decoders) -> Iterator[Services]:
    """A library of coloured pictures, and a pair to choose; no search model is in use."""
    colour_pair(tmp_path / "bundles")
    opened = open_app(tmp_path, decoders)
    opened.search_choice.use(None)
    add(opened, list(PICTURES))
    yield opened
    opened.close()


@pytest.fixture
def searching(app: Services) -> Services:
    """The same, with the pair in use and all embeddings computed."""
    app.search_choice.use("colours")
    assert app.search_choice.start().wait(60)
    return app


def add(app: Services, names: list[str]) -> None:
    job = app.jobs.submit(pictures(names))
    assert job.wait(60)
    assert not job.progress().skipped


def wait_for_embeddings(app: Services) -> None:
    while (job := app.search_choice.running()) is not None:
        assert job.wait(60)


def names_of(app: Services, line: str, gallery: Gallery | None = None) -> list[str]:
    gallery = gallery or app.gallery()
    assert gallery.count(line) == len(gallery.ids(line))
    return [photo.name for photo in app.library.records(gallery.ids(line))]


def test_sentences_find_photos_the_best_match_first(searching: Services) -> None:
    lines = {
        '"a red thing"': ["p1.jpg", "p4.jpg"],
        "crimson red": ["p1.jpg", "p4.jpg"],
        "like:blue": ["p3.jpg"],
        "like:green OR like:blue": ["p3.jpg", "p2.jpg"],
        '"a red thing" -name:p1': ["p4.jpg"],
        'name:p "a red thing" added:today': ["p1.jpg", "p4.jpg"],
        '"a red thing" taken:2001': [],
        "like:people": [],  # nothing rather than noise
        "like:xyzzy": [],
        "p3": ["p3.jpg"],  # a file name is no sentence
    }
    assert {line: names_of(searching, line) for line in lines} == lines
    assert set(names_of(searching, '-"a red thing"')) == {"p2.jpg", "p3.jpg", "p5.jpg"}
    gallery = searching.gallery()
    assert gallery.sentences('"a red thing" name:p') == ("a red thing",)
    assert gallery.has_words("like:red")
    gallery.sort = NEWEST_ADDED
    assert set(names_of(searching, "like:red", gallery)) == {"p1.jpg", "p4.jpg"}


def test_a_corrected_class_stays_a_word_of_sentences(searching: Services) -> None:
    gallery = searching.gallery()
    before = names_of(searching, "red dog")
    assert set(before) == {"p1.jpg", "p4.jpg"}
    gallery.set_class(gallery.ids("name:p3"), "dog")
    assert names_of(searching, "red dog") == before
    gallery.add_tag(gallery.ids("name:p1"), "Grandma")
    assert names_of(searching, "red grandma") == ["p1.jpg"], "a picture shows no names"


def test_pages_of_the_api_follow_the_same_order(searching: Services) -> None:
    gallery, names, cursor = searching.gallery(), [], None
    line = "like:red OR name:p"
    while True:
        page = gallery.page_after(cursor, 2, line)
        names += [photo.name for photo in searching.library.records(page.ids)]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert names == names_of(searching, line)
    assert names[:2] == ["p1.jpg", "p4.jpg"]
    assert len(names) == 5


def test_without_a_model_the_line_works_as_before(app: Services) -> None:
    app.search_choice.use(None)
    assert names_of(app, '"a red thing"') == []
    assert names_of(app, "p1") == ["p1.jpg"]
    with pytest.raises(QueryError, match=r"docs/models\.md"):
        app.gallery().count("like:red")


def test_new_photos_are_embedded_after_they_came_in(app: Services) -> None:
    empty(app, ["p4.jpg"])
    app.search_choice.use("colours")
    assert app.search_choice.embed_new() is None  # nobody asked for embeddings yet
    app.search_choice.start().wait(60)
    assert names_of(app, "like:red") == ["p1.jpg"]
    add(app, ["p4.jpg"])
    wait_for_embeddings(app)
    assert names_of(app, "like:red") == ["p1.jpg", "p4.jpg"]


def test_new_photos_are_embedded_where_none_lacked_an_embedding(searching: Services) -> None:
    empty(searching, ["p4.jpg"])
    searching.search_choice.use(None)
    searching.search_choice.use("colours")
    add(searching, ["p4.jpg"])
    wait_for_embeddings(searching)
    assert names_of(searching, "like:red") == ["p1.jpg", "p4.jpg"]


def empty(app: Services, names: list[str]) -> None:
    ids = [photo.id for photo in app.library.records(app.library.find()) if photo.name in names]
    edits.move_to_trash(app.library, ids)
    empty_trash(app.library, ids)


def test_photos_in_the_trash_are_not_found_and_their_slots_are_used_again(
    searching: Services,
) -> None:
    size = searching.search_choice.state()
    assert size is not None
    assert size.embeddings is not None
    empty(searching, ["p1.jpg"])
    assert names_of(searching, "like:red") == ["p4.jpg"]
    add(searching, ["p1.jpg"])
    wait_for_embeddings(searching)
    assert names_of(searching, "like:red") == ["p1.jpg", "p4.jpg"]
    after = searching.search_choice.state()
    assert after is not None
    assert after.embeddings == size.embeddings
    assert not verify(searching.library, settle_s=0).problems


def test_a_stopped_job_goes_on_where_it_ended(app: Services) -> None:
    choice = app.search_choice
    choice.use("colours")
    ids = app.library.find()
    model = app.model.search
    assert model is not None
    network = Network(model.backbone, model.size)
    write_embeddings(app.library, network, dict.fromkeys(ids[:2], np.ones(64, np.float32)))
    job = choice.start()
    choice.stop()
    assert job.wait(60)
    assert choice.embed_new() is None
    state = choice.state()
    assert state is not None
    assert not state.is_on
    job = choice.start()
    assert job.wait(60)
    progress = job.progress()
    assert progress.state is JobState.DONE
    assert progress.total <= 3
    state = choice.state()
    assert state is not None
    assert state.embeddings is not None
    assert (state.embeddings.embedded, state.embeddings.missing) == (5, 0)


def test_a_killed_job_is_resumed_at_the_next_start(tmp_path: Path, decoders: Decoders) -> None:
    colour_pair(tmp_path / "bundles")
    first = open_app(tmp_path, decoders)
    add(first, list(PICTURES))
    first.search_choice.use("colours")
    first.library.choose("search_embeddings", "on")  # as `start` does before its first photo
    first.close()
    second = open_app(tmp_path, decoders)
    wait_for_embeddings(second)
    assert names_of(second, "like:red") == ["p1.jpg", "p4.jpg"]
    second.close()


def test_a_photo_that_cannot_be_read_is_named(app: Services) -> None:
    (photo,) = (p for p in app.library.records(app.library.find()) if p.name == "p2.jpg")
    app.library.original_location(photo).unlink()
    app.search_choice.use("colours")
    job = app.search_choice.start()
    assert job.wait(60)
    progress = job.progress()
    assert [item.name for item in progress.skipped] == ["p2.jpg"]
    assert progress.done == 5
    assert names_of(app, "like:red") == ["p1.jpg", "p4.jpg"]
    with pytest.raises(JobNotFound):
        app.jobs.job("0" * 32)
    assert app.jobs.job(job.id).progress().skipped == progress.skipped


def test_photos_that_cannot_be_read_are_not_tried_for_ever(app: Services) -> None:
    choice = app.search_choice
    remove_original(app, "p2.jpg")
    choice.use("colours")
    assert choice.start().wait(60)
    empty(app, ["p4.jpg"])
    add(app, ["p4.jpg"])
    wait_for_embeddings(app)
    remove_original(app, "p3.jpg")
    (third,) = (p.id for p in app.library.records(app.library.find()) if p.name == "p3.jpg")
    forget_embeddings(app, third)
    first = choice.embed_new()
    assert first is not None
    assert first.wait(60)
    assert [item.name for item in first.progress().skipped] == ["p3.jpg"]
    assert choice.running() is None
    assert choice.embed_new() is None
    asked_for = choice.start()
    assert asked_for.wait(60)
    assert {item.name for item in asked_for.progress().skipped} == {"p2.jpg", "p3.jpg"}


def remove_original(app: Services, name: str) -> None:
    (photo,) = (p for p in app.library.records(app.library.find()) if p.name == name)
    app.library.original_location(photo).unlink()


def forget_embeddings(app: Services, photo_id: str) -> None:
    """Delete the rows of the search model, as a repair does."""
    number = select(photos.c.number).where(photos.c.id == photo_id).scalar_subquery()
    with app.library.database.writer.begin() as connection:
        connection.execute(delete(backbone_embeddings).where(backbone_embeddings.c.photo == number))


def test_removing_turns_the_search_off(searching: Services) -> None:
    state = searching.search_choice.state()
    assert state is not None
    assert state.embeddings is not None
    assert searching.search_choice.remove() == state.embeddings.file_bytes > 0
    assert names_of(searching, "like:red") == []
    assert searching.search_choice.embed_new() is None
    searching.search_choice.use(None)
    assert searching.search_choice.state() is None
    with pytest.raises(NoSearchEmbeddings):
        searching.search_choice.start()


def test_the_choice_stays_after_a_restart(searching: Services, decoders: Decoders) -> None:
    folder = searching.settings.library.parent
    with_choice = open_app(folder, decoders, resume=False)
    assert names_of(with_choice, "like:red") == ["p1.jpg", "p4.jpg"]
    with_choice.search_choice.use(None)
    with_choice.close()
    without = open_app(folder, decoders, resume=False)
    assert without.model.search is None
    without.close()


def test_a_damaged_search_model_leaves_the_library_usable(
    searching: Services, decoders: Decoders
) -> None:
    folder = searching.settings.library.parent
    (folder / "bundles" / "colours" / "text.onnx").write_bytes(b"")
    app = open_app(folder, decoders, resume=False)
    assert names_of(app, "p1") == ["p1.jpg"]
    state = app.search_choice.state()
    assert state is not None
    assert state.problem is not None
    app.close()


def test_visitors_of_a_shared_server_choose_nothing(app: Services) -> None:
    shared = app.settings.model_copy(update={"mode": "shared"})
    choice = type(app.search_choice)(shared, app.model, app.library, app.jobs)
    for action in (lambda: choice.use("colours"), choice.start, choice.stop, choice.remove):
        with pytest.raises(NotForVisitors):
            action()


def test_rules_take_no_sentence_whose_embeddings_come_later(searching: Services) -> None:
    with pytest.raises(QueryError, match="afterwards"):
        searching.rules.check_query("like:red")
    searching.rules.check_query("crimson")  # a word, as without the model


def test_an_album_follows_a_sentence(searching: Services) -> None:
    gallery = searching.gallery()
    gallery.make_query_album("Reds", '"a red thing"')
    assert names_of(searching, "album:reds") == ["p1.jpg", "p4.jpg"]


def test_the_calibration_of_the_bundle_decides_what_is_noise(
    tmp_path: Path, decoders: Decoders
) -> None:
    add_calibration(colour_pair(tmp_path / "bundles"), spreads=4.0, spread=0.24)
    app = open_app(tmp_path, decoders)
    add(app, list(PICTURES))
    app.search_choice.use("colours")
    app.search_choice.start().wait(60)
    assert names_of(app, "like:red") == ["p1.jpg"]
    app.close()


def test_vectors_in_memory_follow_the_file(searching: Services) -> None:
    """Rounded to one byte, and read anew where a slot has changed."""
    model, library = searching.model.search, searching.library
    assert model is not None
    network = Network(model.backbone, model.size)
    vectors = UnitVectors(library.embeddings, network.file, model.text.size, model.text.project)
    (red,) = model.text.encode(["red"])
    exact = model.text.project(library.embeddings.rows(network.file, slice(0, 5))) @ red
    assert vectors.products(red) == pytest.approx(exact, abs=0.004)
    empty(searching, ["p1.jpg", "p2.jpg"])
    add(searching, ["p2.jpg"])
    wait_for_embeddings(searching)
    exact = model.text.project(library.embeddings.rows(network.file, slice(0, 5))) @ red
    assert vectors.products(red) == pytest.approx(exact, abs=0.004)
