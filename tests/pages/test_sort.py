"""The Sort page: plan, move, undo, errors."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.services import Services
from tests.pages.conftest import click, labels, texts


@pytest.fixture
def source(tmp_path: Path, temple: bytes, flower: bytes) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "temple.jpg").write_bytes(temple)
    (folder / "flower.jpg").write_bytes(flower)
    (folder / "flower.xmp").write_text("sidecar")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.rglob("*") if p.is_file() and ".scene-sort" not in p.parts}


def test_plan_move_and_undo(opened: Services, app: AppTest, tmp_path: Path, source: Path) -> None:
    app.switch_page("sort.py").run()
    assert "Create plan" not in labels(app)
    dest = tmp_path / "sorted"
    app.session_state["sort_source"] = str(source)
    app.session_state["sort_dest"] = str(dest)
    app.run()
    app.segmented_control(key="sort_kind").set_value("Move").run()
    click(app, "Create plan")
    text = texts(app)
    assert "3 files to move · 1 skipped" in text
    assert "belongs to flower.jpg" in text
    assert "This is not a picture" in text
    assert not dest.exists(), "the plan changes nothing"
    click(app, "Move 3 files")
    assert "3 files moved." in texts(app)
    assert names(source) == {"broken.jpg"}
    assert names(dest) == {"temple.jpg", "flower.jpg", "flower.xmp"}
    click(app, "Undo sort")
    assert "3 files moved back." in texts(app)
    assert len(names(source)) == 4
    assert not dest.exists()


def test_invalid_folder_and_query_are_reported(
    opened: Services, app: AppTest, tmp_path: Path, source: Path
) -> None:
    app.switch_page("sort.py").run()
    app.session_state["sort_source"] = str(tmp_path / "nowhere")
    app.session_state["sort_dest"] = str(tmp_path / "sorted")
    app.run()
    click(app, "Create plan")
    assert "There is no folder" in texts(app)
    app.session_state["sort_source"] = str(source)
    app.text_input(key="sort_q").set_value("(a").run()
    click(app, "Create plan")
    assert app.error


def test_a_typed_path_is_replaced_only_by_another_choice(opened: Services, app: AppTest) -> None:
    """What the server sets replaces what somebody is typing while the page runs."""
    app.switch_page("sort.py").run()
    app.toggle(key="sort_dest_typing").set_value(True).run()
    app.text_input(key="sort_dest_typed").set_value("/first").run()
    assert app.session_state["sort_dest"] == "/first"
    app.run()
    assert not app.text_input(key="sort_dest_typed").proto.set_value
    app.session_state["sort_dest"] = "/second"
    app.run()
    assert app.text_input(key="sort_dest_typed").value == "/second"


def test_groups_are_preselected_and_classes_can_be_chosen(
    opened: Services, app: AppTest, tmp_path: Path, source: Path
) -> None:
    app.switch_page("sort.py").run()
    by, layout = app.selectbox(key="sort_by"), app.selectbox(key="sort_folders")
    assert by.options[:4] == ["Group", "Class", "Album", "Trip"]
    assert layout.options[:2] == ["Group", "Year / month / group"]
    app.session_state["sort_source"] = str(source)
    app.session_state["sort_dest"] = str(tmp_path / "sorted")
    app.run()
    click(app, "Create plan")
    assert "'Folder': 'plants', 'Files': 2" in texts(app)
    app.selectbox(key="sort_by").set_value("class").run()
    assert "'Folder': 'plants'" not in texts(app), "the plan was another one"
    assert app.selectbox(key="sort_folders").options[:2] == ["Class", "Year / month / class"]
    click(app, "Create plan")
    assert "'Folder': 'flower', 'Files': 2" in texts(app)
