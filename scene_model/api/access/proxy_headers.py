"""Client address and scheme of requests that come through trusted reverse proxies.

Forwarding headers of anybody else are ignored: every client can write them.
"""

from starlette.datastructures import Headers

from scene_model.api.access.guard import ASGIApp, Receive, Scope, Send
from scene_model.visitors.proxies import TrustedProxies, client_network


class ProxyHeaders:
    """ASGI middleware: reads client and scheme from the headers of trusted proxies."""

    def __init__(self, app: ASGIApp, proxies: TrustedProxies) -> None:
        """Wrap an app."""
        self._app, self._proxies = app, proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the client and scheme that a trusted proxy reports."""
        peer = scope.get("client")
        if scope["type"] in ("http", "websocket") and peer and peer[0] in self._proxies:
            headers = Headers(scope=scope)
            client = self._proxies.client_of(peer[0], ",".join(headers.getlist("x-forwarded-for")))
            scope = {**scope, "client": (client, peer[1] if client == peer[0] else 0)}
            # The last value: earlier ones may be the client's own.
            protocol = ",".join(headers.getlist("x-forwarded-proto")).rpartition(",")[2]
            scheme = protocol.strip().lower()
            if scheme in ("http", "https"):
                is_socket = scope["type"] == "websocket"
                scope["scheme"] = scheme.replace("http", "ws") if is_socket else scheme
        await self._app(scope, receive, send)


def client_of(scope: Scope) -> str:
    """Return the network of a request's client, as limits count it."""
    client = scope.get("client")
    return client_network(str(client[0])) if client else ""


def is_encrypted(scope: Scope) -> bool:
    """Whether the browser sent a request with TLS, as far as the server or its proxy knows."""
    return scope.get("scheme") in ("https", "wss")
