"""The API alone, without pages: ``uvicorn scene_model.api:create_app --factory``."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import Mount

from scene_model.api.guard import SameSiteGuard
from scene_model.api.routes import close_api, create_api, open_api
from scene_model.config import Settings
from scene_model.errors import InvalidSetting
from scene_model.services import Services, open_services


def create_app(settings: Settings | None = None) -> Starlette:
    """Make a server of the API under ``/api``; settings come from the environment unless given.

    Raises InvalidSetting in shared mode: it is the pages that tell visitors apart.
    """
    settings = settings or Settings.from_environment()
    if settings.is_shared:
        raise InvalidSetting(
            "SCENE_MODE is 'shared', but the API alone has one library for all who ask. Run "
            "`python -m scene_model serve`, whose pages tell visitors apart, or unset it."
        )
    opened: list[Services] = []
    lock = threading.Lock()

    def get_services() -> Services:
        with lock:
            if not opened:
                opened.append(open_services(settings))
            return opened[0]

    api = create_api(get_services)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # At once, so that what is wrong with model or library shows at the start.
        await run_in_threadpool(open_api, api)
        try:
            yield
        finally:
            await run_in_threadpool(close_api, api)
            await run_in_threadpool(opened[0].close)

    return Starlette(
        routes=[Mount("/api", app=api)],
        middleware=[Middleware(SameSiteGuard, allowed_hosts=settings.allowed_host_names)],
        lifespan=lifespan,
    )
