"""One server: Streamlit's pages, the REST API and the photo files.

Run it with ``streamlit run app.py``, ``uvicorn app:app`` or ``python -m scene_model serve``.
"""

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

from pages.components.session import get_services, get_settings
from scene_model.api import create_api
from scene_model.api.guard import SameSiteGuard

app = st.App(
    "pages/navigation.py",
    routes=[Mount("/api", app=create_api(get_services))],
    middleware=[Middleware(SameSiteGuard, allowed_hosts=get_settings().allowed_host_names)],
)
