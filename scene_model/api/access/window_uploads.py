"""Protects Streamlit's file uploader on a shared server: owner check and memory limit.

Streamlit stores whole files in memory until the page reads them, and requires only the window's id
for an upload.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence

from scene_model.api.access.guard import ASGIApp, Receive, Scope, Send
from scene_model.api.access.visitor_cookie import request_owner
from scene_model.api.problem import problem_response
from scene_model.errors import NotForVisitors, QuotaExceeded, SceneError
from scene_model.visitors.visitors import Visitors

PREFIX = "/_stcore/upload_file/"
MAX_BYTES = 400_000_000


class WindowUploads:
    """ASGI middleware for the upload path; must run inside `VisitorCookie`."""

    def __init__(
        self,
        app: ASGIApp,
        get_visitors: Callable[[], Visitors],
        held_bytes: Callable[[Sequence[str]], int],
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Wrap an app; held_bytes: returns the upload bytes in memory for some windows.

        max_bytes: the limit for one visitor.
        """
        self._app, self._get_visitors = app, get_visitors
        self._held_bytes, self._max_bytes = held_bytes, max_bytes
        self._lock = threading.Lock()
        self._incoming_bytes: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass uploads of the window's owner on, within the limit; refuse others."""
        if scope["type"] != "http" or not str(scope["path"]).startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        owner = request_owner()
        window = str(scope["path"]).removeprefix(PREFIX).partition("/")[0]
        if owner is None or self._get_visitors().windows.owner(window) != owner:
            error = NotForVisitors("This URL belongs to another window. Reload the page.")
            await problem_response(error)(scope, receive, send)
            return
        incoming_bytes = _length(scope) if scope["method"] == "PUT" else 0
        quota_error = self._reserve(owner, incoming_bytes)
        if quota_error is not None:
            await problem_response(quota_error)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            with self._lock:
                self._incoming_bytes[owner] -= incoming_bytes
                if not self._incoming_bytes[owner]:
                    del self._incoming_bytes[owner]  # do not accumulate former visitors

    def _reserve(self, owner: str, incoming_bytes: int) -> SceneError | None:
        stored = self._held_bytes(self._get_visitors().windows.of(owner))
        with self._lock:
            total = stored + self._incoming_bytes[owner] + incoming_bytes
            if incoming_bytes and total > self._max_bytes:
                return QuotaExceeded(
                    f"{total / 1e6:,.0f} MB exceed the limit of {self._max_bytes / 1e6:,.0f} MB in "
                    "memory. Use “Drop photos or folders”, which has no such limit."
                )
            self._incoming_bytes[owner] += incoming_bytes
        return None


def _length(scope: Scope) -> int:
    """Return Content-Length; without it, assume the maximum."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    text = headers.get(b"content-length", b"").decode("latin-1")
    return int(text) if text.isdecimal() else MAX_BYTES
