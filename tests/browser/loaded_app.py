"""What the process has loaded that servers of the browser tests are forked from."""

import streamlit.web.cli  # noqa: F401
from streamlit.components.v2 import manifest_scanner

import scene_model.api
import scene_model.visitors.visitors  # noqa: F401
from pages.state.warm_start import load_pages
from tests.components import scan_once

scan_once()
manifest_scanner.scan_component_manifests()
load_pages()
