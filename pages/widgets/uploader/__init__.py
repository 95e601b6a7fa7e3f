"""Drag and drop of files and folders, uploaded one by one to the API and stored on disk."""

from pathlib import Path

import streamlit as st

from pages.widgets.scripts import component_script

_HERE = Path(__file__).parent
_uploader = st.components.v2.component(
    "scene_gallery_uploader",
    css=(_HERE / "uploader.css").read_text(encoding="utf-8"),
    js=component_script(_HERE / "view.js"),
)


def streaming_uploader(key: str, hint: str, streaming: str | None, cut: str | None) -> str | None:
    """Show the drop zone; returns the id of the upload that this window has started.

    hint: a text about accepted formats. streaming: id of the upload that this window is running.
    cut: id of an interrupted upload that the visitor may continue.
    """
    result = _uploader(
        key=key,
        data={"hint": hint, "streaming": streaming, "cut": cut},
        on_started_change=lambda: None,
        on_ended_change=lambda: None,
    )
    started: str | None = result.started
    return started
