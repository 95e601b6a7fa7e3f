"""Response headers that restrict what a page may load, and who may show it in a frame."""

import base64
import hashlib
import re
from collections.abc import MutableMapping, Sequence
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from scene_model.api.access.guard import ASGIApp, Receive, Scope, Send, valid_host
from scene_model.api.problem import problem_response
from scene_model.errors import InternalError

CONTENT_SECURITY_POLICY = "Content-Security-Policy"

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer", browsers would send "Origin: null" from our own pages.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

# An inline script: one without `src`.
_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.I)


def script_hashes(html: str) -> tuple[str, ...]:
    """Return the hashes of the inline scripts of a page, as a policy names them."""
    digests = (hashlib.sha256(text.encode()).digest() for text in _INLINE_SCRIPT.findall(html))
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def content_security_policy(hashes: Sequence[str] = (), host: str | None = None) -> str:
    """Return the policy of pages: nothing from other servers, no script that is not ours.

    hashes: of the inline scripts that may run. host: from the Host header, for WebSockets; not
    every browser counts them as `'self'`.

    Streamlit loads the modules of widgets as `blob:` and compiles WebAssembly for 64-bit numbers;
    it runs without `unsafe-eval` and without other inline scripts. Its styles are inline.
    """
    sockets = f" ws://{host} wss://{host}" if host else ""
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self' blob: 'wasm-unsafe-eval'", *hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self'{sockets}",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class SecurityHeaders:
    """ASGI middleware: adds the headers to every response; a policy of the response's own stays."""

    def __init__(self, app: ASGIApp, page_script_hashes: Sequence[str] = ()) -> None:
        """Wrap an app; page_script_hashes: of the inline scripts of the pages."""
        self._app, self._hashes = app, page_script_hashes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; one that fails is answered here, so that it has the headers too."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host, is_started = valid_host(Headers(scope=scope)), False

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers[name] = value
                policy = content_security_policy(self._hashes, host)
                headers.setdefault(CONTENT_SECURITY_POLICY, policy)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            if not is_started:
                error = InternalError("Internal error; see the server's log.")
                await problem_response(error)(scope, receive, send_with_headers)
            raise
