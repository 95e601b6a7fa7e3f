"""The REST API: routes under ``/api``, mounted by ``app.py`` beside the pages."""

from scene_model.api.routes import create_api

__all__ = ["create_api"]
