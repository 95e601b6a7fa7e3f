"""Streamlit's own uploader on a shared server: for the window's visitor, and so much at a time.

It keeps whole files in memory until the page has taken them, and asks for no more than the
window's id.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence

from scene_model.api.access.guard import ASGIApp, Receive, Scope, Send
from scene_model.api.problem import problem_response
from scene_model.api.access.visitor_cookie import asking_owner
from scene_model.errors import NotForVisitors, QuotaExceeded, SceneError
from scene_model.visitors.visitors import Visitors

PREFIX = "/_stcore/upload_file/"
MAX_BYTES = 400_000_000


class WindowUploads:
    """ASGI middleware, inside `VisitorCookie`."""

    def __init__(
        self,
        app: ASGIApp,
        get_visitors: Callable[[], Visitors],
        held_bytes: Callable[[Sequence[str]], int],
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Wrap an app; held_bytes: what lies in memory for some windows.

        max_bytes: how much one visitor may have there.
        """
        self._app, self._get_visitors = app, get_visitors
        self._held_bytes, self._max_bytes = held_bytes, max_bytes
        self._lock = threading.Lock()
        self._coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a window's own visitor send, and nobody else."""
        if scope["type"] != "http" or not str(scope["path"]).startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        owner = asking_owner()
        window = str(scope["path"]).removeprefix(PREFIX).partition("/")[0]
        if owner is None or self._get_visitors().windows.owner(window) != owner:
            refusal = NotForVisitors("This address belongs to another window. Load the page again.")
            await problem_response(refusal)(scope, receive, send)
            return
        coming = _length(scope) if scope["method"] == "PUT" else 0
        error = self._reserve(owner, coming)
        if error is not None:
            await problem_response(error)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            with self._lock:
                self._coming[owner] -= coming
                if not self._coming[owner]:
                    del self._coming[owner]  # visitors come and go

    def _reserve(self, owner: str, coming: int) -> SceneError | None:
        held = self._held_bytes(self._get_visitors().windows.of(owner))
        with self._lock:
            if coming and held + self._coming[owner] + coming > self._max_bytes:
                return QuotaExceeded(
                    f"{(held + self._coming[owner] + coming) / 1e6:,.0f} MB would wait in memory; "
                    f"the limit is {self._max_bytes / 1e6:,.0f} MB. Drop them on “Drop photos or "
                    "folders”, which has no such limit."
                )
            self._coming[owner] += coming
        return None


def _length(scope: Scope) -> int:
    """How much a request says it brings; one that does not say could bring anything."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    text = headers.get(b"content-length", b"").decode("latin-1")
    return int(text) if text.isdecimal() else MAX_BYTES
