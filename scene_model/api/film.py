"""The film of a motion photo: a part of its original, served with ranges for players."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Header, Response
from fastapi.responses import StreamingResponse

from scene_model.api.request.photo_ids import checked_photo_id
from scene_model.api.responses import problems
from scene_model.errors import PhotoNotFound
from scene_model.services import Services

_CHUNK_BYTES = 1 << 18
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_FILM: dict[str, Any] = {"content": {"video/mp4": {}}}


def add_film_route(api: FastAPI, get_services: Callable[[], Services]) -> None:
    """Add the route to the API."""

    @api.get(
        "/photos/{photo_id}/film",
        response_class=Response,
        responses=problems(404, 409, 410, 502)
        | {200: {"description": "The film."} | _FILM, 206: {"description": "A part."} | _FILM},
        tags=["library"],
    )
    def film(
        photo_id: str, requested: Annotated[str | None, Header(alias="Range")] = None
    ) -> Response:
        """Serve the film of a motion photo, which is a part of its file, with ranges."""
        library = get_services().library
        photo = library.photo(checked_photo_id(photo_id))
        if photo.film_start is None or photo.film_bytes is None:
            raise PhotoNotFound(
                f"{photo.name} is no motion photo: there is no film in its file.", code="no_film"
            )
        library.fetch_original(photo.id, may_wait=False)
        path = library.verified_original(photo.id)
        part = _part(requested, photo.film_bytes)
        first, last = part or (0, photo.film_bytes - 1)
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Length": str(last - first + 1),
            "Cache-Control": "private, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        }
        if part is not None:
            headers["Content-Range"] = f"bytes {first}-{last}/{photo.film_bytes}"
        return StreamingResponse(
            _bytes(path, photo.film_start + first, last - first + 1),
            status_code=200 if part is None else 206,
            media_type="video/mp4",
            headers=headers,
        )


def _part(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first and last byte of a Range header; None for the whole film.

    A header that cannot be met is ignored, as RFC 9110, 14.2 allows.
    """
    matched = _RANGE.fullmatch(header or "")
    if matched is None or matched[1] == matched[2] == "":
        return None
    if not matched[1]:  # so many bytes from the end
        first, last = max(0, size - int(matched[2])), size - 1
    else:
        first, last = int(matched[1]), min(int(matched[2] or size), size - 1)
    return (first, last) if first <= last < size else None


def _bytes(path: Path, start: int, count: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while count > 0 and (chunk := file.read(min(count, _CHUNK_BYTES))):
            count -= len(chunk)
            yield chunk
