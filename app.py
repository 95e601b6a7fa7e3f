"""One server: Streamlit's pages, the REST API and the photo files.

Run it with ``streamlit run app.py``, ``uvicorn app:app`` or ``python -m scene_model serve``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from pages.phone import PHONE_FILES
from pages.state.identity import require_one_server_for_sign_in
from pages.state.phones import get_phones
from pages.state.session import (
    get_classifier,
    get_settings,
    get_visitors,
    owner_of,
    services_of,
    uploader_bytes,
)
from pages.state.warm_start import freeze_garbage_collector, load_pages, open_inboxes, watch_folders
from pages.widgets.map import DATA_ADDRESS, DATA_DIR
from scene_model.api import close_api, create_api
from scene_model.api.access.guard import PHONE_PREFIX
from scene_model.api.access.middleware import middleware_stack
from scene_model.api.access.security_headers import script_hashes
from scene_model.api.access.visitor_cookie import request_owner
from scene_model.api.access.window_uploads import WindowUploads
from scene_model.api.inbox import InboxApp
from scene_model.api.log_limit import limit_logs
from scene_model.api.phone import create_lan_app, create_phone_app
from scene_model.cli.prompt_http import HeadTimeoutProtocol
from scene_model.visitors.folder_lock import visitors_lock

settings = get_settings()
require_one_server_for_sign_in(settings)
# Streamlit's page has an inline script, another one in each version.
page_file = Path(st.__file__).parent / "static" / "index.html"
page_script_hashes = script_hashes(page_file.read_text(encoding="utf-8"))
middleware = middleware_stack(settings, get_visitors, owner_of, page_script_hashes)
if settings.is_shared:
    middleware.append(
        Middleware(WindowUploads, get_visitors=get_visitors, held_bytes=uploader_bytes)
    )
api = create_api(
    lambda: services_of(request_owner()),
    lambda: (get_classifier(), settings),
    lambda: services_of(request_owner(), is_storing=True),
)
phone_app = create_phone_app(get_phones(), PHONE_FILES)
inbox_app = InboxApp(get_phones())


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Look after expiry from the start, also when nobody comes; finish what runs at the end."""
    with visitors_lock(settings):
        await run_in_threadpool(load_pages)
        limit_logs(settings.log_lines_per_minute)
        if settings.is_shared:
            await run_in_threadpool(get_visitors)
            freeze_garbage_collector()
        else:
            await run_in_threadpool(watch_folders)
            listen = get_phones().listener.serve
            lan_app = partial(create_lan_app, phone_app, inbox_app)
            await run_in_threadpool(listen, lan_app, HeadTimeoutProtocol)
            await run_in_threadpool(open_inboxes)
        yield
        await run_in_threadpool(get_phones().listener.close)
        await run_in_threadpool(close_api, api)


app = st.App(
    "pages/navigation.py",
    lifespan=lifespan,
    routes=[
        Mount("/api", app=api),
        Mount(PHONE_PREFIX, app=phone_app),
        Mount(DATA_ADDRESS, app=StaticFiles(directory=DATA_DIR)),
    ],
    middleware=middleware,
)
