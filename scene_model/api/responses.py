"""What every route may answer beside what it is for, for the OpenAPI document."""

from typing import Any

from scene_model.api.schemas import Problem

_SAID = {
    400: "The request cannot be read.",
    401: "From another computer without a token, or of a shared server's visitor without a cookie.",
    403: "The request comes from another site, or names a host that is not ours.",
    404: "There is no such thing here.",
    408: "The body stopped coming, or comes too slowly.",
    409: "That cannot be done now.",
    410: "What the library knows of is not on disk any more.",
    413: "Over a limit, which the detail names.",
    415: "No picture, or of a kind that is not read.",
    422: "A parameter or a photo cannot be used; the detail says which and why.",
    429: "As much waits as may wait; `Retry-After` says when to ask again.",
    500: "Something unforeseen; the server's log has the details.",
    503: "The library cannot be used now.",
    507: "There is no room left.",
}
_ALWAYS = (401, 403, 422, 429, 500, 503)


_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that may answer these, and those that any may."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _SAID[status],
            "content": {"application/problem+json": {"schema": schema}},
            **({"headers": _RETRY_AFTER} if status == 429 else {}),
        }
        for status in sorted({*statuses, *_ALWAYS})
    }


def problem_schema() -> dict[str, Any]:
    """The schema that `problems` points at."""
    return Problem.model_json_schema()


def file_form(field: str, is_list: bool) -> dict[str, Any]:
    """The request body of a route that takes files, which reads its form itself."""
    one = {"type": "string", "format": "binary", "description": "A photo."}
    value = {"type": "array", "items": one, "minItems": 1} if is_list else one
    schema = {"type": "object", "required": [field], "properties": {field: value}}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }
