"""``/docs``: the OpenAPI document as a page, with scripts served by this server, not a CDN."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from scene_model.api.access.security_headers import (
    CONTENT_SECURITY_POLICY,
    content_security_policy,
    script_hashes,
)
from scene_model.api.responses import problem_schema

_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token of `python -m scene_model token NAME`; needed once the server has one.",
}


def add_docs(api: FastAPI) -> None:
    """Add the page and its files, and the error schema to the document."""
    api.mount("/docs-files", StaticFiles(directory=assets_dir()), name="docs-files")

    @api.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        base = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{base}{api.openapi_url}",
            title=f"{api.title}: REST",
            swagger_js_url=f"{base}/docs-files/swagger-ui-bundle.js",
            swagger_css_url=f"{base}/docs-files/swagger-ui.css",
            swagger_favicon_url="data:,",
            # By default the page sends the document to a public validator.
            swagger_ui_parameters={"validatorUrl": None, "defaultModelsExpandDepth": 0},
        )
        # The page starts Swagger UI with an inline script, which no other page may run.
        hashes = script_hashes(bytes(page.body).decode())
        page.headers[CONTENT_SECURITY_POLICY] = content_security_policy(hashes)
        return page

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            openapi = get_openapi(
                title=api.title,
                version=api.version,
                description=api.description,
                routes=api.routes,
                servers=[{"url": "/api"}],
            )
            schemas = openapi.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = problem_schema()
            openapi["components"]["securitySchemes"] = {"token": _TOKEN}
            openapi["security"] = [
                {},
                {"token": []},
            ]  # optional: where no token is set, local requests need none
            api.openapi_schema = openapi
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign]


def assets_dir() -> Path:
    """Return the folder with the Swagger UI of fastapi-offline; its code is not used."""
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("fastapi-offline is not installed; it is a dependency.")
    return Path(spec.origin).parent / "static"
