"""One server: Streamlit's pages, the REST API and the photo files.

Run it with ``streamlit run app.py``, ``uvicorn app:app`` or ``python -m scene_model serve``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import Mount

from pages.components.session import (
    get_classifier,
    get_settings,
    get_visitors,
    owner_of,
    services_of,
)
from scene_model.api import create_api
from scene_model.api.guard import SameSiteGuard
from scene_model.api.visitor_cookie import VisitorCookie, asking_owner

settings = get_settings()
middleware = [Middleware(SameSiteGuard, allowed_hosts=settings.allowed_host_names)]
if settings.is_shared:
    middleware.append(Middleware(VisitorCookie, get_visitors=get_visitors, owner_of=owner_of))


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Look after expiry from the start, also when nobody comes."""
    if settings.is_shared:
        await run_in_threadpool(get_visitors)
    yield


api = create_api(lambda: services_of(asking_owner()), get_classifier)
app = st.App(
    "pages/navigation.py", lifespan=lifespan, routes=[Mount("/api", app=api)], middleware=middleware
)
