"""The API without pages: ``uvicorn scene_model.api:create_app --factory``."""

import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount

from scene_model.api.access.middleware import middleware_stack
from scene_model.api.access.visitor_cookie import request_owner
from scene_model.api.context import ApiContext
from scene_model.api.log_limit import limit_logs
from scene_model.api.routes import close_api, create_api
from scene_model.config import Settings
from scene_model.services import Services, open_services
from scene_model.visitors.folder_lock import visitors_lock
from scene_model.visitors.visitors import Visitors

Opened = TypeVar("Opened", Services, Visitors)


class _Lazy(Generic[Opened]):
    """A value that is opened on first use, and closed if it was opened."""

    def __init__(self, open_value: Callable[[], Opened]) -> None:
        self._open: Callable[[], Opened] = open_value
        self._lock = threading.Lock()
        self._opened: Opened | None = None

    def get(self) -> Opened:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()


def create_app(settings: Settings | None = None) -> Starlette:
    """Create an app with the API under ``/api``; settings default to the environment's."""
    settings = settings or Settings.from_environment()
    personal = _Lazy(lambda: open_services(settings))
    visitors = _Lazy(lambda: _open_visitors(settings))
    api = create_api(
        (lambda: visitors.get().view(request_owner())) if settings.is_shared else personal.get,
        lambda: (
            visitors.get().common.model.classifier
            if settings.is_shared
            else personal.get().classifier,
            settings,
        ),
        (lambda: visitors.get().services(request_owner())) if settings.is_shared else personal.get,
    )

    context: ApiContext = api.state.context

    def owner_of(cookies: Mapping[str, str]) -> str | None:
        return visitors.get().keys.owner_of(cookies)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        limit_logs(settings.log_lines_per_minute)
        with visitors_lock(settings):
            # Open at once, so that errors of the model or the library appear at the start.
            await run_in_threadpool(visitors.get if settings.is_shared else context.open)
            try:
                yield
            finally:
                await run_in_threadpool(close_api, api)
                await run_in_threadpool(visitors.close if settings.is_shared else personal.close)

    return Starlette(
        routes=[Mount("/api", app=api)],
        middleware=middleware_stack(settings, visitors.get, owner_of),
        lifespan=lifespan,
    )


def _open_visitors(settings: Settings) -> Visitors:
    visitors = Visitors(settings)
    visitors.start_sweeping()
    return visitors
