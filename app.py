"""One server: Streamlit's pages, the REST API and the photo files.

Run it with ``streamlit run app.py``, ``uvicorn app:app`` or ``python -m scene_model serve``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import Mount

from pages.components.session import get_services, get_settings
from scene_model.api import close_api, create_api
from scene_model.api.guard import SameSiteGuard

api = create_api(get_services)


@asynccontextmanager
async def finish_at_the_end(_: st.App) -> AsyncIterator[None]:
    """Let the API finish what it works on, when the server stops."""
    yield
    await run_in_threadpool(close_api, api)


app = st.App(
    "pages/navigation.py",
    routes=[Mount("/api", app=api)],
    lifespan=finish_at_the_end,
    middleware=[Middleware(SameSiteGuard, allowed_hosts=get_settings().allowed_host_names)],
)
