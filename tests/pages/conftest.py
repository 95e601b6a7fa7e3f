"""The pages as a visitor's browser runs them, on a library of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.state.session import get_services
from scene_model.config import PROJECT_DIR
from scene_model.services import Services


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    st.cache_resource.clear()
    yield AppTest.from_file(str(PROJECT_DIR / "pages" / "navigation.py"), default_timeout=60)
    get_services().close()
    st.cache_resource.clear()


@pytest.fixture
def opened(app: AppTest) -> Services:
    """The services the pages of this test use."""
    app.run()
    return get_services()


def texts(app: AppTest) -> str:
    """Everything a page says, in one string."""
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
        app.subheader,
    )
    said = [str(element.value) for kind in kinds for element in kind]
    said += [str(row) for frame in app.dataframe for row in frame.value.to_dict("records")]
    said += [f"{metric.label} {metric.value}" for metric in app.metric]
    return "\n".join(said)
