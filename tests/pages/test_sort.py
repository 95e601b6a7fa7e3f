"""A folder put in order on the page, looked at before, and taken back."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.services import Services
from tests.pages.conftest import texts
from tests.pages.test_upkeep import click, labels


@pytest.fixture
def heap(tmp_path: Path, temple: bytes, flower: bytes) -> Path:
    folder = tmp_path / "heap"
    folder.mkdir()
    (folder / "temple.jpg").write_bytes(temple)
    (folder / "flower.jpg").write_bytes(flower)
    (folder / "flower.xmp").write_text("sidecar")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.rglob("*") if p.is_file() and ".scene-sort" not in p.parts}


def test_plan_move_and_undo(opened: Services, app: AppTest, tmp_path: Path, heap: Path) -> None:
    app.switch_page("sort.py").run()
    assert "Make a plan" not in labels(app)
    dest = tmp_path / "sorted"
    app.text_input(key="sort_source").set_value(str(heap)).run()
    app.text_input(key="sort_dest").set_value(str(dest)).run()
    app.segmented_control(key="sort_kind").set_value("Move").run()
    click(app, "Make a plan")
    said = texts(app)
    assert "3 files to move · 1 stay" in said
    assert "belongs to flower.jpg" in said
    assert "This is not a picture" in said
    assert not dest.exists(), "a plan touches nothing"
    click(app, "Move 3 files")
    assert "3 files in their places." in texts(app)
    assert names(heap) == {"broken.jpg"}
    assert names(dest) == {"temple.jpg", "flower.jpg", "flower.xmp"}
    click(app, "Undo this sort")
    assert "3 files back where they were." in texts(app)
    assert len(names(heap)) == 4
    assert not dest.exists()


def test_wrong_words_are_told(opened: Services, app: AppTest, tmp_path: Path, heap: Path) -> None:
    app.switch_page("sort.py").run()
    app.text_input(key="sort_source").set_value(str(tmp_path / "nowhere")).run()
    app.text_input(key="sort_dest").set_value(str(tmp_path / "sorted")).run()
    click(app, "Make a plan")
    assert "There is no folder" in texts(app)
    app.text_input(key="sort_source").set_value(str(heap)).run()
    app.text_input(key="sort_q").set_value("(a").run()
    click(app, "Make a plan")
    assert app.error
