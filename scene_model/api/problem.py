"""Errors as ``application/problem+json`` (RFC 9457)."""

import http
import json
import re

from starlette.responses import Response

from scene_model.errors import BackupError, BundleError, LibraryError, SceneError, ServerBusy

# From a path's first slash to the end of its last name, which may have spaces before.
_PATH = re.compile(r"""(?<![^\s('"])(?:/|[A-Za-z]:\\)(?:.*[/\\])?[^\s),;:'"]*""", re.DOTALL)


def problem_response(error: SceneError, status_code: int | None = None) -> Response:
    """Answer with what may be told of an error; its own status unless another is given."""
    status = http.HTTPStatus(status_code or error.http_status)
    body = {
        "type": f"urn:scene-gallery:{error.code}",
        "title": status.phrase,
        "status": status.value,
        "detail": told_outside(error),
    }
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, ServerBusy) else {}
    return Response(json.dumps(body), status.value, headers, "application/problem+json")


def told_outside(error: SceneError) -> str:
    """An error's message without where things lie on the server's disk."""
    if isinstance(error, (LibraryError, BundleError, BackupError)):
        return _PATH.sub("…", error.message)
    return error.message
