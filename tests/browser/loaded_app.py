"""What the process has loaded that servers of the browser tests are forked from."""

import streamlit.web.cli  # noqa: F401

import scene_model.api
import scene_model.visitors.visitors  # noqa: F401
from pages.state.warm_start import load_pages

load_pages()
