"""Error responses and form bodies for the OpenAPI document."""

from typing import Any

from scene_model.api.schemas import Problem

_DESCRIPTIONS = {
    400: "The request cannot be read.",
    401: "No token from another computer, or no visitor cookie on a shared server.",
    403: "The request comes from another site, or its host name is not allowed.",
    404: "Not found.",
    408: "The body stopped or arrives too slowly.",
    409: "Not possible in the current state.",
    410: "The file is missing on disk.",
    413: "Over a limit, which the detail names.",
    415: "Not a picture, or an unsupported format.",
    422: "A parameter or a photo cannot be used; the detail gives the reason.",
    429: "The queue is full or the rate is exceeded; retry after `Retry-After` seconds.",
    500: "Internal error; the server's log has the details.",
    502: "The original is at a URL and could not be fetched.",
    503: "The library is not available now.",
    507: "No disk space left.",
}
_ALWAYS = (401, 403, 422, 429, 500, 503)


_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route: the given statuses and those common to all."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _DESCRIPTIONS[status],
            "content": {"application/problem+json": {"schema": schema}},
            **({"headers": _RETRY_AFTER} if status == 429 else {}),
        }
        for status in sorted({*statuses, *_ALWAYS})
    }


def problem_schema() -> dict[str, Any]:
    """Return the schema that `problems` refers to."""
    return Problem.model_json_schema()


def file_form(field: str, is_list: bool) -> dict[str, Any]:
    """Return the request body of a route that takes files and reads its form itself."""
    photo = {"type": "string", "format": "binary", "description": "A photo."}
    value = {"type": "array", "items": photo, "minItems": 1} if is_list else photo
    schema = {"type": "object", "required": [field], "properties": {field: value}}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }
