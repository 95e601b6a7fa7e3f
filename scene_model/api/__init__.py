"""The REST API: routes under ``/api``, mounted by ``app.py`` beside the pages, or alone."""

from scene_model.api.routes import close_api, create_api
from scene_model.api.standalone import create_app

__all__ = ["close_api", "create_api", "create_app"]
