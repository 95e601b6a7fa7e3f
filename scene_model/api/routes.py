"""The routes: health, models, photo files, downloads."""

import datetime
import logging
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, StreamingResponse
from starlette.exceptions import HTTPException

from scene_model import __version__
from scene_model.api.problem import problem_response
from scene_model.api.uploads import add_upload_routes
from scene_model.classifier.classify import Classifier
from scene_model.errors import InternalError, PhotoNotFound, SceneError, UsageError
from scene_model.export.archive import archive_file_name, safe_name
from scene_model.gallery.sorting import NEWEST_ADDED, Sort
from scene_model.services import Services

# A photo's id is its content hash, so what an id stands for never changes.
_FOREVER = "private, max-age=31536000, immutable"
_PHOTO_ID = re.compile(r"[0-9a-f]{64}")

logger = logging.getLogger(__name__)


def create_api(
    get_services: Callable[[], Services], get_classifier: Callable[[], Classifier] | None = None
) -> FastAPI:
    """Make the API; services are fetched when first needed, so that starting stays light.

    get_services: those of whoever asks; raises where that is nobody. get_classifier: what is
    told about without asking who, if not that of the services.
    """
    api = FastAPI(title="Scene Gallery", version=__version__, docs_url=None, redoc_url=None)

    @api.exception_handler(SceneError)
    def answer_problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, SceneError)  # noqa: S101 - registered for it alone
        return problem_response(error)

    @api.exception_handler(RequestValidationError)
    def answer_wrong_parameter(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
        first = error.errors()[0]
        return problem_response(UsageError(f"{first['loc'][-1]}: {first['msg']}."), 422)

    @api.exception_handler(HTTPException)
    def answer_no_route(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
        detail = f"{request.method} {request.url.path} is no route of this API."
        return problem_response(UsageError(detail), error.status_code)

    @api.exception_handler(Exception)
    def answer_unforeseen(_: Request, error: Exception) -> Response:
        logger.exception("a request failed", exc_info=error)
        return problem_response(InternalError("Something went wrong; the server's log says what."))

    _add_status_routes(api, get_classifier or (lambda: get_services().classifier))
    _add_photo_routes(api, get_services)
    _add_download_routes(api, get_services)
    add_upload_routes(api, get_services)
    return api


def _add_status_routes(api: FastAPI, get_classifier: Callable[[], Classifier]) -> None:
    @api.get("/health")
    def health() -> dict[str, str]:
        """Answer when the model and the library can be used."""
        return {"status": "ok", "bundle": get_classifier().bundle_id}

    @api.get("/models")
    def models() -> dict[str, Any]:
        """Name the bundle, its heads and labels, and the limits."""
        classifier = get_classifier()
        limits = classifier.limits
        return {
            "bundle": classifier.bundle_id,
            "licence": classifier.bundle.licence,
            "limits": {"max_file_bytes": limits.max_file_bytes, "max_pixels": limits.max_pixels},
            "heads": [
                {
                    "id": head.id,
                    "name": head.name,
                    "labels": [
                        {"id": label.id, "name": label.name, "aliases": list(label.aliases)}
                        for label in head.labels.labels
                    ],
                }
                for head in classifier.heads.values()
            ],
        }


def _add_photo_routes(api: FastAPI, get_services: Callable[[], Services]) -> None:
    @api.get("/photos/{photo_id}/thumbnail")
    def thumbnail(photo_id: str) -> Response:
        """Serve a small upright WebP without metadata."""
        data = get_services().library.thumbnail(_checked(photo_id))
        return Response(data, media_type="image/webp", headers={"Cache-Control": _FOREVER})

    @api.get("/photos/{photo_id}/preview")
    def preview(photo_id: str) -> Response:
        """Serve a screen-sized upright WebP without metadata."""
        data = get_services().library.preview(_checked(photo_id))
        return Response(data, media_type="image/webp", headers={"Cache-Control": _FOREVER})

    @api.get("/photos/{photo_id}/original")
    def original(photo_id: str) -> Response:
        """Serve the original's bytes as a download under the name it came with."""
        library = get_services().library
        photo = library.photo(_checked(photo_id))
        return FileResponse(
            library.verified_original(photo.id),
            media_type="application/octet-stream",
            headers={
                "Cache-Control": _FOREVER,
                "Content-Disposition": _attachment(safe_name(photo.name)),
                "X-Content-Type-Options": "nosniff",
            },
        )


def _add_download_routes(api: FastAPI, get_services: Callable[[], Services]) -> None:
    @api.get("/library/export.csv")
    def export_csv(
        q: Annotated[str, Query(max_length=1000)] = "",
        sort: Annotated[str, Query(max_length=20)] = str(NEWEST_ADDED),
        bom: bool = False,
        place: bool = True,
    ) -> Response:
        """Stream the CSV of a query's photos; ``place=false`` leaves coordinates out."""
        services = get_services()
        ids = services.gallery(Sort.read(sort)).ids(q)
        lines = services.csv_lines(ids, with_bom=bom, with_place=place)
        return _download(lines, "text/csv; charset=utf-8", "scene-gallery.csv")

    @api.get("/library/export.json")
    def export_json(
        q: Annotated[str, Query(max_length=1000)] = "",
        sort: Annotated[str, Query(max_length=20)] = str(NEWEST_ADDED),
        place: bool = True,
    ) -> Response:
        """Stream a JSON list of a query's photos; ``place=false`` leaves coordinates out."""
        services = get_services()
        ids = services.gallery(Sort.read(sort)).ids(q)
        return _download(
            services.json_lines(ids, with_place=place), "application/json", "scene-gallery.json"
        )

    @api.get("/library/export.zip")
    def export_zip(
        q: Annotated[str, Query(max_length=1000)] = "",
        sort: Annotated[str, Query(max_length=20)] = str(NEWEST_ADDED),
        by: Annotated[str, Query(max_length=100)] = "class",
        place: bool = True,
    ) -> Response:
        """Stream a ZIP of a query's photos.

        by: ``class``, ``tag`` for a folder of each tag, or ``head:ID`` for one head's labels.
        """
        services = get_services()
        rule = services.folder_rule(by)
        pieces = services.zip_by(services.gallery(Sort.read(sort)).ids(q), rule, with_place=place)
        name = archive_file_name(datetime.datetime.now().astimezone())
        return StreamingResponse(
            pieces,
            media_type="application/zip",
            headers={"Content-Disposition": _attachment(name)},
        )


def _download(lines: Iterator[str], media_type: str, name: str) -> Response:
    return StreamingResponse(
        (line.encode("utf-8") for line in lines),
        media_type=media_type,
        headers={"Content-Disposition": _attachment(name)},
    )


def _checked(photo_id: str) -> str:
    if not _PHOTO_ID.fullmatch(photo_id):
        raise PhotoNotFound("A photo's id has 64 hexadecimal digits.")
    return photo_id


def _attachment(file_name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
