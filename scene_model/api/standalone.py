"""The API alone, without pages: ``uvicorn scene_model.api:create_app --factory``."""

import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount

from scene_model.api.context import ApiContext
from scene_model.api.access.middleware import middleware_stack
from scene_model.api.routes import close_api, create_api
from scene_model.api.access.visitor_cookie import asking_owner
from scene_model.config import Settings
from scene_model.services import Services, open_services
from scene_model.visitors.keys import COOKIE_NAME
from scene_model.visitors.visitors import Visitors

Opened = TypeVar("Opened", Services, Visitors)


class _Once(Generic[Opened]):
    """Opens a thing when first asked for it; closes it if it was."""

    def __init__(self, open_it: Callable[[], Opened]) -> None:
        self._open_it: Callable[[], Opened] = open_it
        self._lock = threading.Lock()
        self._opened: Opened | None = None

    def get(self) -> Opened:
        with self._lock:
            if self._opened is None:
                self._opened = self._open_it()
            return self._opened

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()


def create_app(settings: Settings | None = None) -> Starlette:
    """Make a server of the API under ``/api``; settings come from the environment unless given."""
    settings = settings or Settings.from_environment()
    own = _Once(lambda: open_services(settings))
    visitors = _Once(lambda: _open_visitors(settings))
    api = create_api(
        (lambda: visitors.get().services(asking_owner())) if settings.is_shared else own.get,
        lambda: (
            visitors.get().common.model.classifier if settings.is_shared else own.get().classifier,
            settings,
        ),
    )

    context: ApiContext = api.state.context

    def owner_of(cookies: Mapping[str, str]) -> str | None:
        return visitors.get().keys.owner(cookies.get(COOKIE_NAME, ""))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # At once, so that what is wrong with model or library shows at the start.
        await run_in_threadpool(visitors.get if settings.is_shared else context.open)
        try:
            yield
        finally:
            await run_in_threadpool(close_api, api)
            await run_in_threadpool(visitors.close if settings.is_shared else own.close)

    return Starlette(
        routes=[Mount("/api", app=api)],
        middleware=middleware_stack(settings, visitors.get, owner_of),
        lifespan=lifespan,
    )


def _open_visitors(settings: Settings) -> Visitors:
    visitors = Visitors(settings)
    visitors.keep_sweeping()
    return visitors
