"""What the process has loaded that servers of the browser tests are forked from."""

import importlib
import tempfile
from pathlib import Path

import streamlit.web.cli  # noqa: F401
from streamlit.components.v2 import manifest_scanner

import scene_model.visitors.visitors  # noqa: F401
from pages.state.warm_start import freeze_garbage_collector, load_pages
from scene_model.api import create_api
from scene_model.config import Settings
from scene_model.services import Services, open_services
from tests.components import scan_once

# What a server imports between its start and its first page.
for _name in (
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "streamlit.web.server.starlette.starlette_agent_routes",
    "streamlit.material_icon_names",
    "streamlit.runtime.scriptrunner.magic_funcs",
    "starlette.middleware.sessions",
    "anyio._backends._asyncio",
    "pages.phone",
    "scene_model.api.access.window_uploads",
    "scene_model.api.inbox",
    "scene_model.api.phone",
    "scene_model.cli.prompt_http",
    "tests.browser.servers",
):
    importlib.import_module(_name)


def _no_services() -> Services:
    raise AssertionError("this API answers nobody")


# Much is made once in a process: what FastAPI and Pydantic learn of types, the words of the model's
# labels, the text of each SQL statement.
create_api(_no_services)
with tempfile.TemporaryDirectory() as _library:
    open_services(Settings(library=Path(_library), database_copies=0)).close()
scan_once()
manifest_scanner.scan_component_manifests()
load_pages()
freeze_garbage_collector()
