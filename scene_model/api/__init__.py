"""The REST API under ``/api``: mounted beside the pages by ``app.py``, or served alone."""

from scene_model.api.routes import close_api, create_api
from scene_model.api.standalone import create_app

__all__ = ["close_api", "create_api", "create_app"]
