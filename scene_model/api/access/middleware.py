"""The middleware stack, in order, for pages and API routes alike."""

from collections.abc import Callable, Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from scene_model.api.access.guard import API_PREFIX, ASGIApp, Receive, SameSiteGuard, Scope, Send
from scene_model.api.access.proxy_headers import ProxyHeaders
from scene_model.api.access.rate_limit import RateLimit
from scene_model.api.access.security_headers import SecurityHeaders
from scene_model.api.access.socket_limits import SocketLimits
from scene_model.api.access.token_gate import TokenGate
from scene_model.api.access.visitor_cookie import OwnerOf, VisitorCookie
from scene_model.config import Settings
from scene_model.visitors.proxies import TrustedProxies
from scene_model.visitors.tokens import Tokens
from scene_model.visitors.visitors import Visitors


class ApiCors:
    """ASGI middleware: CORS for the API, for configured origins and without cookies."""

    def __init__(self, app: ASGIApp, origins: frozenset[str]) -> None:
        """Wrap an app; origins: such as ``https://example.org``, lower case."""
        self._app = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=sorted(origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["Location", "Retry-After", "Content-Disposition"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a preflight request, or pass on and add CORS headers to the response."""
        if scope["type"] == "http" and str(scope["path"]).startswith(API_PREFIX):
            await self._cors(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def middleware_stack(
    settings: Settings,
    get_visitors: Callable[[], Visitors],
    owner_of: OwnerOf,
    page_script_hashes: Sequence[str] = (),
) -> list[Middleware]:
    """Return the middleware; raises InvalidSetting for invalid tokens or proxies.

    get_visitors and owner_of are called only on a shared server. page_script_hashes: of the inline
    scripts of the pages.
    """
    origins = settings.api_cors_origin_names
    middleware = [Middleware(SecurityHeaders, page_script_hashes=page_script_hashes)]
    proxies = TrustedProxies.read(settings.trusted_proxies)
    if proxies.networks:
        middleware.append(Middleware(ProxyHeaders, proxies=proxies))
    middleware.append(
        Middleware(
            SameSiteGuard, allowed_hosts=settings.allowed_host_names, allowed_origins=origins
        )
    )
    if origins:
        # Before the token gate: browsers send preflight requests without a token.
        middleware.append(Middleware(ApiCors, origins=origins))
    tokens = Tokens.read(settings.api_tokens)
    middleware.append(
        Middleware(
            TokenGate,
            tokens=tokens,
            is_shared=settings.is_shared,
            trusts_loopback=settings.trust_loopback,
        )
    )
    if settings.is_shared:
        middleware += _visitor_middleware(settings, get_visitors, owner_of)
    if settings.api_rate_per_minute:
        middleware.append(Middleware(RateLimit, per_minute=settings.api_rate_per_minute))
    return middleware


def _visitor_middleware(
    settings: Settings, get_visitors: Callable[[], Visitors], owner_of: OwnerOf
) -> list[Middleware]:
    return [
        Middleware(
            VisitorCookie,
            get_visitors=get_visitors,
            owner_of=owner_of,
            max_new_per_hour=settings.max_new_visitors_per_hour,
        ),
        Middleware(
            SocketLimits,
            limits=settings,
            has_library=lambda cookies: get_visitors().has_library(owner_of(cookies)),
        ),
    ]
