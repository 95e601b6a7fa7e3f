"""The API application, and its routes for health, models, photo files and downloads."""

import datetime
import logging
from collections.abc import Callable, Iterator
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, StreamingResponse
from starlette.exceptions import HTTPException

from scene_model import __version__
from scene_model.api.batch_jobs import add_batch_job_routes
from scene_model.api.classify_tags import add_classify_routes
from scene_model.api.context import ApiContext
from scene_model.api.docs_page import add_docs
from scene_model.api.film import add_film_route
from scene_model.api.library_photos import add_library_routes
from scene_model.api.photo_map import add_map_routes
from scene_model.api.predict import add_predict_routes
from scene_model.api.problem import problem_response
from scene_model.api.request.photo_ids import checked_photo_id
from scene_model.api.responses import problems
from scene_model.api.trips import add_trip_routes
from scene_model.api.uploads import add_upload_routes
from scene_model.classifier.classify import Classifier
from scene_model.config import Settings
from scene_model.errors import InternalError, SceneError, UsageError
from scene_model.export.archive import archive_file_name, safe_name
from scene_model.export.table import utf8_chunks
from scene_model.library.sort_order import NEWEST_ADDED, Sort
from scene_model.photos.video.kinds import MEDIA_TYPES
from scene_model.services import Services

# A photo's id is its content hash, so its files never change.
_FOREVER = "private, max-age=31536000, immutable"

_LIMITS = (
    "max_file_bytes",
    "max_video_bytes",
    "max_pixels",
    "max_batch_files",
    "max_batch_bytes",
    "max_images",
    "max_json_bytes",
    "max_waiting",
    "max_batches",
    "batch_lifetime_s",
)

logger = logging.getLogger(__name__)


PublicInfo = tuple[Classifier, Settings]
"""Public information: the model, and the settings with the limits."""


def create_api(
    get_services: Callable[[], Services],
    get_public_info: Callable[[], PublicInfo] | None = None,
    get_storage: Callable[[], Services] | None = None,
) -> FastAPI:
    """Create the API; services are opened on first use, which keeps the start fast.

    get_services: returns the services of the current request; raises without an owner.
    get_public_info: returns information that needs no owner; default: that of the services.
    get_storage: returns the services of a request that stores something; default: get_services.
    """
    api = FastAPI(
        title="Scene Gallery",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=problems(),
    )
    get_storage = get_storage or get_services
    context = api.state.context = ApiContext(get_services, get_storage)

    @api.exception_handler(SceneError)
    def handle_scene_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, SceneError)  # noqa: S101 - registered for this type
        if error.http_status >= 500:
            logger.error("%s: %s", error.code, error.message)
        return problem_response(error)

    @api.exception_handler(RequestValidationError)
    def handle_invalid_parameter(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
        first = error.errors()[0]
        return problem_response(UsageError(f"{first['loc'][-1]}: {first['msg']}."), 422)

    @api.exception_handler(HTTPException)
    def handle_no_route(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
        detail = f"{request.method} {request.url.path} is not a route of this API."
        return problem_response(UsageError(detail), error.status_code)

    @api.exception_handler(Exception)
    def handle_unexpected_error(_: Request, error: Exception) -> Response:
        logger.exception("a request failed", exc_info=error)
        return problem_response(InternalError("Internal error; see the server's log."))

    def info_of_services() -> PublicInfo:
        services = get_services()
        return services.classifier, services.settings

    _add_status_routes(api, get_public_info or info_of_services, get_services)
    _add_photo_routes(api, get_services)
    _add_download_routes(api, get_services)
    add_upload_routes(api, get_services, get_storage)
    add_predict_routes(api, context)
    add_batch_job_routes(api, context)
    add_classify_routes(api, context)
    add_library_routes(api, context)
    add_film_route(api, get_services)
    add_map_routes(api, context)
    add_trip_routes(api, context)
    add_docs(api)
    return api


def close_api(api: FastAPI) -> None:
    """End the API's running work; call when the server stops."""
    context: ApiContext = api.state.context
    context.close()


def _add_status_routes(
    api: FastAPI,
    get_public_info: Callable[[], PublicInfo],
    get_services: Callable[[], Services],
) -> None:
    @api.get("/health", tags=["server"])
    def health() -> dict[str, str]:
        """Respond when the model and the library are available; 503 when they are not."""
        classifier, settings = get_public_info()
        if not settings.is_shared:  # on a shared server each visitor has a library
            get_services().library.require_ready()
        return {
            "status": "ok",
            "bundle": classifier.bundle_id,
            "version": __version__,
        }

    @api.get("/models", tags=["server"])
    def models() -> dict[str, Any]:
        """Return the bundle, its heads and labels, the groups of labels, and the limits."""
        classifier, settings = get_public_info()
        return {
            "bundle": classifier.bundle_id,
            "licence": classifier.bundle.licence,
            "limits": {name: getattr(settings, name) for name in _LIMITS},
            "heads": [
                {
                    "id": head.id,
                    "name": head.name,
                    "labels": [
                        {
                            "id": label.id,
                            "name": label.name,
                            "aliases": list(label.aliases),
                            "group": label.group,
                        }
                        for label in head.labels.labels
                    ],
                }
                for head in classifier.heads.values()
            ],
            "groups": [{"id": group.id, "name": group.name} for group in classifier.bundle.groups],
        }


def _add_photo_routes(api: FastAPI, get_services: Callable[[], Services]) -> None:
    @api.get("/photos/{photo_id}/thumbnail", **_file("image/webp", 404, 409, 410))
    def thumbnail(photo_id: str) -> Response:
        """Serve a small upright WebP without metadata."""
        data = get_services().library.thumbnail(checked_photo_id(photo_id))
        return Response(data, media_type="image/webp", headers={"Cache-Control": _FOREVER})

    @api.get("/photos/{photo_id}/frames", **_file("image/webp", 404, 409, 410))
    def frames(photo_id: str) -> Response:
        """Serve four frames of a video side by side, as a WebP without metadata."""
        data = get_services().library.frames(checked_photo_id(photo_id))
        return Response(data, media_type="image/webp", headers={"Cache-Control": _FOREVER})

    @api.get("/photos/{photo_id}/video", **_file("video/mp4", 404, 409, 410, 502))
    def video(photo_id: str) -> Response:
        """Serve a video's bytes to a player: all of them, or a `Range`."""
        library = get_services().library
        photo = library.photo(checked_photo_id(photo_id))
        library.fetch_original(photo.id, may_wait=False)
        return FileResponse(
            library.video_path(photo.id),
            media_type=MEDIA_TYPES[photo.format],
            headers={
                "Cache-Control": _FOREVER,
                "Content-Disposition": "inline",
                "X-Content-Type-Options": "nosniff",
            },
        )

    @api.get("/photos/{photo_id}/preview", **_file("image/webp", 404, 409, 410, 502))
    def preview(photo_id: str) -> Response:
        """Serve a screen-sized upright WebP without metadata."""
        library, known_id = get_services().library, checked_photo_id(photo_id)
        library.fetch_original(known_id, may_wait=False)
        data = library.preview(known_id)
        return Response(data, media_type="image/webp", headers={"Cache-Control": _FOREVER})

    @api.get("/photos/{photo_id}/full", **_file("image/jpeg", 404, 409, 410, 413, 422, 502))
    def full(photo_id: str) -> Response:
        """Serve the whole upright photo as JPEG without metadata, also of RAW, HEIC and TIFF."""
        library, known_id = get_services().library, checked_photo_id(photo_id)
        library.fetch_original(known_id, may_wait=False)
        data = library.full_size(known_id)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": _FOREVER})

    @api.get("/photos/{photo_id}/original", **_file("application/octet-stream", 404, 409, 410, 502))
    def original(photo_id: str) -> Response:
        """Serve the original's bytes as a download under its original name."""
        library = get_services().library
        photo = library.photo(checked_photo_id(photo_id))
        library.fetch_original(photo.id, may_wait=False)
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
    @api.get("/library/export.csv", **_file("text/csv; charset=utf-8", 400))
    def export_csv(
        q: Annotated[str, Query(max_length=1000)] = "",
        sort: Annotated[str, Query(max_length=20)] = str(NEWEST_ADDED),
        bom: bool = False,
        place: bool = True,
        people: bool = False,
        language: Annotated[str, Query(max_length=20, examples=["de"])] = "en",
    ) -> Response:
        """Stream a query's photos as CSV; ``place=false`` leaves coordinates and places out.

        ``people=true`` gives fewer columns for people to read, with names of labels in a language.
        """
        services = get_services()
        ids = services.gallery(Sort.read(sort)).all_ids(q)
        if people:
            readable = services.exports.people_lines(ids, language, with_bom=bom)
            return _download(readable, "text/csv; charset=utf-8", "scene-gallery-people.csv")
        lines = services.exports.csv_lines(ids, with_bom=bom, with_place=place)
        return _download(lines, "text/csv; charset=utf-8", "scene-gallery.csv")

    @api.get("/library/export.json", **_file("application/json", 400))
    def export_json(
        q: Annotated[str, Query(max_length=1000)] = "",
        sort: Annotated[str, Query(max_length=20)] = str(NEWEST_ADDED),
        place: bool = True,
    ) -> Response:
        """Stream a query's photos as JSON; ``place=false`` leaves coordinates and places out."""
        services = get_services()
        lines = services.exports.json_lines(services.gallery(Sort.read(sort)).all_ids(q), place)
        return _download(lines, "application/json", "scene-gallery.json")

    @api.get("/library/export.jsonl", **_file("application/x-ndjson", 400))
    def export_json_lines(
        q: Annotated[str, Query(max_length=1000)] = "",
        sort: Annotated[str, Query(max_length=20)] = str(NEWEST_ADDED),
        place: bool = True,
    ) -> Response:
        """Stream one JSON object per line, with the fields of `export.json`."""
        services = get_services()
        ids = services.gallery(Sort.read(sort)).all_ids(q)
        lines = services.exports.json_lines(ids, place, is_one_list=False)
        return _download(lines, "application/x-ndjson", "scene-gallery.jsonl")

    @api.get("/library/export.zip", **_file("application/zip", 400))
    def export_zip(
        q: Annotated[str, Query(max_length=1000)] = "",
        sort: Annotated[str, Query(max_length=20)] = str(NEWEST_ADDED),
        by: Annotated[str, Query(max_length=100)] = "class",
        place: bool = True,
    ) -> Response:
        """Stream a query's photos as a ZIP.

        by: ``class``, ``group``, ``tag`` for one folder per tag, ``trip``, ``day`` for trips by
        month with a folder for each day, as in ``2024-07 Lisbon/01 Sintra``, or ``head:ID`` for the
        labels of a head. ``place=false`` packs copies without the place, and names trips by their
        dates unless a person titled them.
        """
        services = get_services()
        rule = services.exports.folder_rule(by)
        chunks = services.exports.zip_by(
            services.gallery(Sort.read(sort)).all_ids(q), rule, with_place=place
        )
        name = archive_file_name(datetime.datetime.now().astimezone())
        return StreamingResponse(
            chunks,
            media_type="application/zip",
            headers={"Content-Disposition": _attachment(name)},
        )


def _download(lines: Iterator[str], media_type: str, name: str) -> Response:
    return StreamingResponse(
        utf8_chunks(lines),
        media_type=media_type,
        headers={"Content-Disposition": _attachment(name)},
    )


def _file(media_type: str, *statuses: int) -> dict[str, Any]:
    """Return the OpenAPI options of a route that responds with a file."""
    success = {"description": "The file.", "content": {media_type: {}}}
    responses = problems(*statuses) | {200: success}
    return {"response_class": Response, "responses": responses, "tags": ["library"]}


def _attachment(file_name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
