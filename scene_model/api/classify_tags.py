"""``POST /classify`` and ``/classify/``: the tags of base64 images, as display names.

By contract one bad image fails the whole request with 400; ``?partial=true`` returns a result or
an error per image instead.
"""

import asyncio
import base64
import json
import re
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.concurrency import run_in_threadpool

from scene_model.api.context import ApiContext, batches_dir
from scene_model.api.inference_queue import InferenceQueue
from scene_model.api.request.body import body_of, read_into, require_few_values
from scene_model.api.responses import problems
from scene_model.api.schemas import (
    ClassifyAnswer,
    ClassifyRequest,
    ItemError,
    PartialClassifyAnswer,
)
from scene_model.classifier.classify import Classifier
from scene_model.classifier.tagging import tags_by_rule
from scene_model.errors import (
    BrokenRequest,
    FileTooLarge,
    NotAPicture,
    PhotoError,
    RequestTooLarge,
    TooManyPixels,
    UnsupportedPicture,
    UsageError,
)
from scene_model.library.files.file_system import library_error
from scene_model.photos.sniff import FileKind, sniff

UNKNOWN = "Unknown"
_ACCEPTED = ("JPEG", "PNG", "WebP", "HEIF")
_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_MAX_OTHER_VALUES = 10_000
_SPOOLED_BYTES = 1_000_000


@dataclass(frozen=True)
class _Image:
    """One image of a request: its byte range in the request's file, or the error."""

    start: int = 0
    size: int = 0
    error: PhotoError | None = None


class _Images:
    """A request's images, decoded into one file: waiting images take no memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._lock = file, threading.Lock()

    def add(self, entry: object) -> _Image:
        try:
            data = decoded(entry)
        except PhotoError as error:
            return _Image(error=error)
        start = self._file.seek(0, 2)
        self._file.write(data)
        return _Image(start, len(data))

    def read(self, image: _Image) -> bytes:
        with self._lock:
            self._file.seek(image.start)
            return self._file.read(image.size)


def add_classify_routes(api: FastAPI, context: ApiContext) -> None:
    """Add the routes to the API."""

    @api.post(
        "/classify",
        responses=problems(400, 408, 413, 429, 507),
        openapi_extra=body_of(ClassifyRequest),
        tags=["classify"],
    )
    @api.post("/classify/", include_in_schema=False)
    async def classify(
        request: Request,
        is_partial: Annotated[
            bool,
            Query(
                alias="partial",
                description="Return a result or an error per image instead of 400 for all.",
            ),
        ] = False,
    ) -> ClassifyAnswer | PartialClassifyAnswer:
        """Tag base64 images: one name, two, or `Unknown` each."""
        services, work = await context.opened()
        spool, settings = batches_dir(services), services.settings
        owner = services.queue_owner
        work.inference_queue.require_room(owner=owner)
        await run_in_threadpool(spool.mkdir, parents=True, exist_ok=True)
        try:
            with (
                tempfile.SpooledTemporaryFile(_SPOOLED_BYTES, dir=str(spool)) as body,
                tempfile.SpooledTemporaryFile(_SPOOLED_BYTES, dir=str(spool)) as decoded_images,
            ):
                await read_into(request, body, settings.max_json_bytes, "SCENE_MAX_JSON_BYTES")
                images = _Images(decoded_images)
                (reading,) = work.inference_queue.submit(
                    [lambda: _entries(body, images, settings.max_images, is_partial)], owner
                )
                entries = await asyncio.wrap_future(reading)
                results = await _tags(
                    work.inference_queue, owner, services.classifier, images, entries
                )
        except OSError as error:
            raise library_error(error, Path(services.library.folder)) from error
        if is_partial:
            return PartialClassifyAnswer(
                tags=[None if isinstance(item, PhotoError) else item for item in results],
                errors=[
                    _item_error(item) if isinstance(item, PhotoError) else None for item in results
                ],
            )
        return ClassifyAnswer(tags=[_required(number, item) for number, item in enumerate(results)])


def read_images(body: bytes, max_images: int) -> list[Any]:
    """Return the entries of a request; raises UsageError."""
    require_few_values(body, _MAX_OTHER_VALUES + 4 * max_images)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BrokenRequest(
            'The body is not JSON. Send {"images": [...]} with base64 strings.'
        ) from error
    if not isinstance(document, dict) or "images" not in document:
        raise UsageError('The parameter "images" is missing.', code="invalid_images")
    images = document["images"]
    if not isinstance(images, list):
        raise UsageError(
            'The parameter "images" is not a list. Send a list of base64 strings.',
            code="invalid_images",
        )
    if not images:
        raise UsageError(
            'The list "images" is empty. Send at least one image.', code="invalid_images"
        )
    if len(images) > max_images:
        raise RequestTooLarge(
            f"The request has {len(images):,} images; the limit is {max_images:,}. Send them in "
            "several requests, or raise SCENE_MAX_IMAGES."
        )
    return images


def decoded(entry: object) -> bytes:
    """Decode an entry, base64 with or without a ``data:`` prefix; raises PhotoError."""
    if not isinstance(entry, str):
        raise NotAPicture("This is not a base64 image: it is not a string.")
    prefix = _DATA_URL.match(entry)
    text = entry[prefix.end() :] if prefix else entry
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise NotAPicture("This is not a base64 image: it cannot be decoded.") from error
    sniffed = sniff(data[:512])
    if sniffed.kind is FileKind.OTHER:
        raise NotAPicture("This is not a base64 image: the decoded bytes are not a picture.")
    if sniffed.kind is not FileKind.PICTURE or sniffed.name not in _ACCEPTED:
        raise UnsupportedPicture(
            f"The type {sniffed.name} is not accepted. Send JPEG, PNG, WebP or HEIC."
        )
    return data


def display_tags(classifier: Classifier, data: bytes) -> list[str]:
    """Return an image's tags by the exact rule, as capitalised names; raises PhotoError."""
    predictions = classifier.predict(data).head_predictions
    head_prediction = predictions.tag_prediction or predictions.class_prediction
    labels = classifier.heads[head_prediction.head].labels
    names = [
        labels[labels.index(tag.label)].name
        for tag in tags_by_rule(head_prediction.probabilities, labels)
    ]
    return [name[:1].upper() + name[1:] for name in names] or [UNKNOWN]


def _entries(body: IO[bytes], images: _Images, max_images: int, is_partial: bool) -> list[_Image]:
    body.seek(0)
    entries = read_images(body.read(), max_images)
    decoded_entries = []
    for number, entry in enumerate(entries):
        image = images.add(entry)
        if image.error is not None and not is_partial:
            _required(number, image.error)
        decoded_entries.append(image)
    return decoded_entries


async def _tags(
    inference_queue: InferenceQueue,
    owner: str,
    classifier: Classifier,
    images: _Images,
    entries: Sequence[_Image],
) -> list[list[str] | PhotoError]:
    def tags(image: _Image) -> list[str] | PhotoError:
        if image.error is not None:
            return image.error
        try:
            return display_tags(classifier, images.read(image))
        except PhotoError as error:
            return error

    futures = inference_queue.submit([partial(tags, image) for image in entries], owner)
    # Wait for all before the images' file is closed.
    return await asyncio.gather(*(asyncio.wrap_future(future) for future in futures))


def _required(number: int, result: list[str] | PhotoError) -> list[str]:
    """Return an image's tags, or raise the error that fails the whole request."""
    if isinstance(result, (FileTooLarge, TooManyPixels)):
        raise type(result)(f"images[{number}]: {result.message}")
    if isinstance(result, PhotoError):
        raise UsageError(f"images[{number}]: {result.message}", code="invalid_images")
    return result


def _item_error(error: PhotoError) -> ItemError:
    return ItemError(code=error.code, message=error.message)
