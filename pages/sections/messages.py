"""Text on the pages: error messages, counts with their nouns, and escaped names."""

import re

import streamlit as st

from pages.state.session import get_settings
from scene_model.errors import SceneError
from scene_model.jobs.job import Skipped

_MARKDOWN_CHARACTERS = frozenset("\\`*_{}[]()<>#+-.!|~$:&/")
# Streamlit replaces these after Markdown has removed the escapes: addresses become links, names of
# icons and arrows become signs.
_REPLACED_IN_TEXT = re.compile(
    r"https?:(?=//)|www(?=\.)|@(?=[\w-])|:(?=(?:material_\w+|streamlit):)"
    r"|(?<!\S)[-<>~](?=(?:->|[->=])(?!\S))",
    re.IGNORECASE,
)
_WORD_JOINER = "\u2060"  # invisible; separates the characters that would be replaced


def escape_markdown(text: str) -> str:
    """Escape text of people, photos and bundles, so that Markdown shows it as it is, on one line.

    Every label that is not written in this package goes through here: an image in a label would be
    fetched from where its author wants.
    """
    line = _REPLACED_IN_TEXT.sub(rf"\g<0>{_WORD_JOINER}", " ".join(text.split()))
    return "".join(f"\\{sign}" if sign in _MARKDOWN_CHARACTERS else sign for sign in line)


def counted(count: int, noun: str) -> str:
    """Format a count with its noun: "1 photo", "2,000 photos"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size_text(file_bytes: int) -> str:
    """Format a number of bytes: "3.4 MB", "1.2 GB"."""
    return f"{file_bytes / 1e9:,.1f} GB" if file_bytes >= 1e9 else f"{file_bytes / 1e6:,.1f} MB"


def error_text(error: SceneError | Skipped) -> str:
    """Return the message of an error; in shared mode without paths on the server's disk."""
    # Read the settings only when needed: the error may be that they cannot be read.
    has_paths = error.public_message != error.message
    return error.public_message if has_paths and get_settings().is_shared else error.message


def error_markdown(error: SceneError | Skipped) -> str:
    """Return `error_text` for elements that render Markdown; it may quote names and queries."""
    return escape_markdown(error_text(error))


def show_error(error: SceneError) -> None:
    """Show an error at the current position on the page."""
    st.error(error_markdown(error), icon=":material/error:")
