"""Errors as ``application/problem+json`` (RFC 9457)."""

import http
import json

from starlette.responses import Response

from scene_model.errors import SceneError, ServerBusy


def problem_response(error: SceneError, status_code: int | None = None) -> Response:
    """Return an error's response without private details; default status: the error's own."""
    status = http.HTTPStatus(status_code or error.http_status)
    body = {
        "type": f"urn:scene-gallery:{error.code}",
        "title": status.phrase,
        "status": status.value,
        "detail": error.public_message,
    }
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, ServerBusy) else {}
    return Response(json.dumps(body), status.value, headers, "application/problem+json")
