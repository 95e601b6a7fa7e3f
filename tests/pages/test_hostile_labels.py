"""Labels with Markdown in them, everywhere: no page hands one to Streamlit as Markdown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from scene_model.library import edits
from scene_model.library.albums.album_edits import create_album, create_query_album
from scene_model.library.sort_order import NEWEST_ADDED
from scene_model.search.saved_searches import save_search
from scene_model.services import Services
from tests.bundles import own_head
from tests.pages.conftest import click, press

# Elements that show plain text, and elements that escape HTML themselves.
_PLAIN = {"text", "html", "code", "arrow_data_frame", "bidi_component", "vega_lite_chart"}
_PLAIN |= {"arrow_vega_lite_chart"}
_MARKDOWN_FIELDS = {"label", "help", "body", "text", "content", "delta", "caption", "title"}
_ALBUMS = """
[[album]]
id = "evil"
name = "![album](http://evil.example/album)"
[[album.rule]]
own_tags = ["![tag](http://evil.example/tag)"]

[[album]]
id = "people"
name = "![people](http://evil.example/people)"
unknowable = "no rule can"

[[album]]
id = "others"
name = "![others](http://evil.example/others)"
rest = true
"""


def hostile(kind: str) -> str:
    return f"![{kind}](http://evil.example/{kind})"


def markdown_texts(app: AppTest) -> list[str]:
    """Return every text of a page that Streamlit renders as Markdown."""
    assert not app.exception, app.exception
    nodes: list[Any] = [*app._tree]  # with dialogs and toasts, which are in no public part
    return [
        text
        for node in nodes
        if node.type not in _PLAIN and isinstance(getattr(node, "proto", None), Message)
        for text in _texts_of(node.proto)
    ]


def _texts_of(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        for item in value if _is_repeated(value) else [value]:
            if isinstance(item, Message):
                yield from _texts_of(item)
            elif isinstance(item, str) and field.name in _MARKDOWN_FIELDS:
                yield item


def _is_repeated(value: object) -> bool:
    return not isinstance(value, Message | str | bytes | int | float)


def assert_escaped(app: AppTest, *kinds: str) -> None:
    """Check that no label is Markdown, and that those of some kinds are on the page."""
    shown = markdown_texts(app)
    for text in shown:
        assert "://" not in text, text
        assert "![" not in text, text
    for kind in kinds:
        assert any(f"\\[{kind}\\]" in text for text in shown), f"no {kind} in {shown}"


@pytest.fixture
def evil(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    temple: bytes,
    flower: bytes,
) -> Services:
    (tmp_path / "albums.toml").write_text(_ALBUMS, encoding="utf-8")
    monkeypatch.setenv("SCENE_ALBUMS", str(tmp_path / "albums.toml"))
    services: Services = request.getfixturevalue("opened")
    names = ["![file](http:evil.jpg", "![other](www.evil.example.jpg"]
    services.jobs.submit(list(zip(names, (temple, flower), strict=True))).wait(60)
    ids = list(services.library.find())
    edits.add_tag(services.library, ids, hostile("tag"))
    edits.set_class(services.library, ids[:1], hostile("class"))
    save_search(services.library, hostile("search"), f"sea {hostile('query')}", NEWEST_ADDED)
    return services


def test_gallery_and_its_notices(evil: Services, app: AppTest) -> None:
    app.switch_page("gallery.py").run()
    assert_escaped(app, "class")  # in the help of Undo
    click(app, "Undo")
    assert_escaped(app, "class")  # in the toast, and in the help of Redo


def test_photo_dialog(evil: Services, app: AppTest) -> None:
    app.switch_page("gallery.py")
    app.query_params["photo"] = next(iter(evil.library.find()))
    app.run()
    assert_escaped(app, "album", "people")


def tag_tools_for_all() -> None:
    """The contents of the “Tag” popover with all photos selected; AppTest cannot open it."""
    from pages.sections.bulk_edit import tag_tools
    from pages.state.session import get_gallery

    gallery = get_gallery()
    gallery.selection = gallery.ids("")
    tag_tools()


def test_tag_menu(evil: Services) -> None:
    assert_escaped(AppTest.from_function(tag_tools_for_all, default_timeout=60).run(), "tag")


def test_saved_searches_and_completions(evil: Services, app: AppTest) -> None:
    app.switch_page("search.py").run()
    assert_escaped(app, "search", "query")
    press(app, "Delete")
    assert_escaped(app, "search")  # in the toast
    app.text_input(key="q").set_value("tag:").run()
    assert_escaped(app)
    app.text_input(key="q").set_value("![bad](http://evil.example:x (").run()
    assert_escaped(app)


@pytest.mark.parametrize("page", ["classify", "duplicates", "export", "insights", "teach"])
def test_other_pages(evil: Services, app: AppTest, page: str) -> None:
    app.switch_page(f"{page}.py").run()
    assert_escaped(app, *(["tag", "class"] if page == "insights" else []))


def test_albums(evil: Services, app: AppTest) -> None:
    create_album(evil.library, hostile("own"), evil.library.find())
    create_query_album(evil.library, hostile("other"), f'"{hostile("query")}"')
    app.switch_page("albums.py").run()
    assert_escaped(app, "album", "own", "other", "query")
    app.query_params["album"] = hostile("own")
    app.switch_page("albums.py").run()
    assert_escaped(app, "own")
    app.query_params["album"] = "![unknown](http://evil.example)"
    app.switch_page("albums.py").run()
    assert_escaped(app, "unknown")


def test_review(evil: Services, app: AppTest) -> None:
    for photo_id in evil.library.find():
        edits.set_class(evil.library, [photo_id], None)
    app.switch_page("review.py").run()
    assert_escaped(app)
    app.session_state["review_tabs"] = "Threshold"
    app.run()
    assert_escaped(app)


def test_one_classified_photo(evil: Services, app: AppTest, flower: bytes) -> None:
    (photo_id,) = list(evil.library.find())[:1]
    edits.set_class(evil.library, [photo_id], hostile("class"))
    photo = evil.library.photo(photo_id)
    data = evil.library.original_path(photo_id).read_bytes()
    app.session_state["job_id"] = evil.jobs.submit([(photo.name, data)]).id
    evil.jobs.job(app.session_state["job_id"]).wait(60)
    app.run()
    assert_escaped(app, "class")


def test_names_and_card_of_a_model(
    models_dir: Path, app: AppTest, temple: bytes, request: pytest.FixtureRequest
) -> None:
    folder = own_head(models_dir, "mine")
    for file in folder.glob("*.json"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("My folders", hostile("head")), encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text(f"# {hostile('card')}\n\n{hostile('more')}\n")
    services: Services = request.getfixturevalue("opened")
    services.model_choice.use_bundle("mine")
    services.jobs.submit([("temple.jpg", temple)]).wait(60)
    app.switch_page("model_card.py").run()
    for text in markdown_texts(app):
        assert "![" not in text, text
    assert any("\\[head\\]" in text for text in markdown_texts(app))
    app.switch_page("export.py").run()
    assert_escaped(app, "head")
    app.switch_page("gallery.py")
    app.query_params["photo"] = next(iter(services.library.find()))
    app.run()
    assert_escaped(app, "head")
