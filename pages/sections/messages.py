"""Text on the pages: error messages, counts with their nouns, and escaped names."""

import streamlit as st

from pages.state.session import get_settings
from scene_model.errors import SceneError
from scene_model.jobs.job import Skipped

_MARKDOWN_CHARACTERS = "\\`*_{}[]()<>#+-.!|~$:"


def escape_markdown(text: str) -> str:
    """Escape names of people, cameras and bundles, so that Markdown shows them unchanged."""
    return "".join(f"\\{sign}" if sign in _MARKDOWN_CHARACTERS else sign for sign in text)


def counted(count: int, noun: str) -> str:
    """Format a count with its noun: "1 photo", "2,000 photos"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def error_text(error: SceneError | Skipped) -> str:
    """Return the message of an error; in shared mode without paths on the server's disk."""
    # Read the settings only when needed: the error may be that they cannot be read.
    has_paths = error.public_message != error.message
    return error.public_message if has_paths and get_settings().is_shared else error.message


def show_error(error: SceneError) -> None:
    """Show an error at the current position on the page."""
    st.error(error_text(error), icon=":material/error:")
