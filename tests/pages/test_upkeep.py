"""Undo and redo, accept and reject, the trash, and the retag preview."""

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.sections import models
from pages.state.session import get_services
from scene_model.ingest.ingest_photo import ingest_file
from scene_model.learning.retag_preview import RetagPreview
from scene_model.library import edits
from scene_model.services import Services
from tests.bundles import other_network, own_head
from tests.pages.conftest import click, texts


@pytest.fixture
def ids(opened: Services, app: AppTest, temple: bytes, flower: bytes) -> list[str]:
    """Ids of the temple and the flower, with the Gallery page open."""
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    by_name = {p.name: p.id for p in opened.library.records(opened.library.find())}
    app.switch_page("gallery.py").run()
    return [by_name["temple.jpg"], by_name["dahlia.jpg"]]


def undo_states(app: AppTest) -> list[tuple[str, bool]]:
    """Return the labels of Undo and Redo and whether they are enabled."""
    return [(b.label, not b.disabled) for b in app.button if b.label in {"Undo", "Redo"}]


def test_undo_and_redo(opened: Services, app: AppTest, ids: list[str]) -> None:
    predicted = opened.library.photo(ids[0]).photo_class
    edits.set_class(opened.library, ids, "holiday")
    app.run()
    assert undo_states(app) == [("Undo", True), ("Redo", False)]
    click(app, "Undo")
    assert opened.library.photo(ids[0]).photo_class == predicted
    assert undo_states(app) == [("Undo", False), ("Redo", True)]
    click(app, "Redo")
    assert opened.library.photo(ids[0]).photo_class == "holiday"
    assert undo_states(app) == [("Undo", True), ("Redo", False)]


def tag_tools_for_all() -> None:
    """The contents of the “Tag” popover with all photos selected; AppTest cannot open it."""
    from pages.sections.bulk_edit import tag_tools
    from pages.state.session import get_gallery

    gallery = get_gallery()
    gallery.selection = gallery.ids("")
    tag_tools()


def test_accept_and_reject(opened: Services, ids: list[str]) -> None:
    app = AppTest.from_function(tag_tools_for_all, default_timeout=60).run()
    assert "◐ Flower · 1 of 2" in app.pills(key="bulk_chip").options
    app.session_state["bulk_tag"] = "flower"
    app.run()
    click(app, "Accept")
    heads = {tag.head for tag in opened.library.photo(ids[1]).tags if tag.label == "flower"}
    assert heads == {"human"}
    assert "flower" not in opened.library.photo(ids[0]).shown_tags
    click(app, "Reject")
    assert "flower" not in opened.library.photo(ids[1]).shown_tags
    click(app, "Add tag")
    assert "● Flower · all 2" in app.pills(key="bulk_chip").options


def test_emptying_the_trash_asks_first(opened: Services, app: AppTest, ids: list[str]) -> None:
    edits.move_to_trash(opened.library, ids)
    app.run()
    click(app, "Trash (2)")
    assert "still on disk" in texts(app)
    app.session_state["trash_selection"] = ids[:1]
    app.run()
    click(app, "Restore 1 photo")
    assert opened.library.find() == ids[:1]
    click(app, "Empty trash")
    assert "Delete this photo permanently? This frees about 0.1 MB and cannot be undone." in texts(
        app
    )
    click(app, "Cancel")
    assert opened.library.count(trashed=True) == 1
    click(app, "Empty trash")
    click(app, "Delete permanently")
    assert re.search(r"1 photo deleted, 0\.\d MB freed\.", texts(app))
    assert "The trash is empty" in texts(app)
    assert opened.library.count(trashed=True) == 0
    assert opened.library.find() == ids[:1]


def test_the_trash_shows_pictures_with_names(
    opened: Services, app: AppTest, ids: list[str]
) -> None:
    edits.move_to_trash(opened.library, ids)
    app.run()
    click(app, "Trash (2)")
    (grid,) = (
        data
        for element in app.get("bidi_component")
        if (data := json.loads(element.proto.json or "{}")).get("name") == "trash_grid"
    )
    (page,) = grid["pages"].values()
    assert {photo["id"] for photo in page["photos"]} == set(ids)
    assert {photo["name"] for photo in page["photos"]} == {"temple.jpg", "dahlia.jpg"}
    assert grid["selectable"]
    assert app.button(key="trash_restore").disabled


def test_photo_trashed_after_the_question_is_not_deleted(
    opened: Services, app: AppTest, ids: list[str]
) -> None:
    edits.move_to_trash(opened.library, ids[:1])
    app.run()
    click(app, "Trash (1)")
    click(app, "Empty trash")
    edits.move_to_trash(opened.library, ids[1:])
    click(app, "Delete permanently")
    assert opened.library.find(trashed=True) == ids[1:]
    click(app, "Restore all")
    assert opened.library.find() == ids[1:]


def test_trash_cannot_be_emptied(opened: Services, app: AppTest, ids: list[str]) -> None:
    edits.move_to_trash(opened.library, ids)
    (opened.library.folder / "trash").write_text("in the way")
    app.run()
    click(app, "Trash (2)")
    click(app, "Empty trash")
    assert "these 2 photos" in texts(app)
    click(app, "Delete permanently")
    assert "cannot be written" in texts(app)
    assert opened.library.count(trashed=True) == 2


def test_referenced_files_stay(
    opened: Services, app: AppTest, tmp_path: Path, temple: bytes
) -> None:
    (tmp_path / "mine.jpg").write_bytes(temple)
    added = ingest_file(
        opened.library,
        opened.classifier,
        tmp_path / "mine.jpg",
        "2026-01-01T00:00:00+00:00",
        by_reference=True,
    )
    edits.move_to_trash(opened.library, [added.id])
    app.switch_page("gallery.py").run()
    click(app, "Trash (1)")
    click(app, "Empty trash")
    assert "1 original file is outside the library and will not be deleted" in texts(app)
    click(app, "Delete permanently")
    assert (tmp_path / "mine.jpg").read_bytes() == temple


def test_model_page_previews_retagging(
    models_dir: Path,
    app: AppTest,
    temple: bytes,
    flower: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own_head(models_dir, "mine")
    other_network(models_dir, "whole")
    app.run()
    services = get_services()
    services.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    services.model_choice.use_bundle("mine")
    app.switch_page("model_card.py").run()
    assert "**2 of 2 photos would change**: 2 would get another class, 2 other tags." in texts(app)
    services.model_choice.use_bundle("whole")
    monkeypatch.setattr(models, "MAX_AUTOMATIC_PREVIEW", 1)
    app.run()
    assert "different network" not in texts(app)
    click(app, "Preview changes")
    assert "these photos were processed by a different network" in texts(app)


def test_retag_preview_of_some_photos() -> None:
    preview = RetagPreview(total=5, changed=1, class_changed=0, tags_changed=1, unknown=2)
    text = models._retag_preview_text(preview)
    assert "1 of 3 photos would change" in text
    assert "No preview for 2 more photos, which were processed by a different network" in text


def test_undeleted_files_are_reported(
    opened: Services, app: AppTest, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    edits.move_to_trash(opened.library, ids[:1])
    app.run()
    click(app, "Trash (1)")
    click(app, "Empty trash")

    def refuse(step: str, path: Path) -> None:
        if step == "remove":
            raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(opened.library.file_system, "before_step", refuse)
        click(app, "Delete permanently")
    assert "2 files could not be deleted; empty the trash again to retry" in texts(app)
