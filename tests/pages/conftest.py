"""Fixtures: the pages run by AppTest on a temporary library."""

import gc
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from pages.state.session import get_services
from scene_model.config import PROJECT_DIR
from scene_model.services import Services
from tests.components import scan_once


@pytest.fixture(scope="session", autouse=True)
def _quick_start() -> None:
    scan_once()


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    # What is frozen is never freed: the model of every test would stay in memory.
    monkeypatch.setattr(gc, "freeze", lambda: None)
    # Nor does a run have to wait until all of it has been looked through.
    config.set_option("runner.postScriptGC", False)
    st.cache_resource.clear()
    yield AppTest.from_file(str(PROJECT_DIR / "pages" / "navigation.py"), default_timeout=60)
    get_services().close()
    st.cache_resource.clear()


@pytest.fixture
def opened(app: AppTest) -> Services:
    """The services used by the pages under test."""
    app.run()
    return get_services()


def texts(app: AppTest) -> str:
    """Return all text of a page in one string, without the escapes of Markdown."""
    assert not app.exception, app.exception
    kinds: tuple[Any, ...] = (
        app.title,
        app.caption,
        app.markdown,
        app.info,
        app.success,
        app.warning,
        app.error,
        app.text,
        app.header,
        app.subheader,
    )
    lines = [str(element.value) for kind in kinds for element in kind]
    lines += [str(row) for frame in app.dataframe for row in frame.value.to_dict("records")]
    lines += [f"{metric.label} {metric.value}" for metric in app.metric]
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", "\n".join(lines))


def field_data(app: AppTest, label: str) -> dict[str, Any]:
    """Return what the browser is sent for the field of a class or tag."""
    sent = (json.loads(element.proto.json or "{}") for element in app.get("bidi_component"))
    return next(data for data in sent if data.get("label") == label)


def notice_text(app: AppTest) -> str:
    """Return the text of the notice that the latest edit left."""
    sent = (json.loads(element.proto.json or "{}") for element in app.get("bidi_component"))
    return next(str(data["text"]) for data in sent if "can_undo" in data)


def click(app: AppTest, label: str) -> None:
    next(b for b in app.button if b.label.startswith(label)).click().run()
    assert not app.exception, app.exception


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, label: str) -> None:
    next(b for b in app.button if b.label == label).click().run()
