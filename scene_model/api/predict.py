"""``POST /predict`` and ``POST /predict/batch``: classify photos without storing them."""

import asyncio
import datetime
import tempfile
from functools import partial
from pathlib import Path
from typing import IO, Annotated

from fastapi import FastAPI, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from scene_model.api import schemas
from scene_model.api.batch import Batch, ClassifyFile, file_path
from scene_model.api.batches import Batches
from scene_model.api.context import ApiContext, batches_dir
from scene_model.api.request.counted_file import CountedFile
from scene_model.api.request.form import (
    FormLimits,
    FormReader,
    ReceivedFile,
    boundary_of,
    read_form,
    require_length_below,
    too_many_bytes,
)
from scene_model.api.request.memory_file import MemoryFile
from scene_model.api.responses import file_form, problems
from scene_model.api.schemas import BatchAnswer, BatchItem, JobStarted, JobStatus
from scene_model.classifier.classify import Classifier, Prediction
from scene_model.config import Settings
from scene_model.errors import FileTooLarge, UsageError
from scene_model.ingest.ingest_photo import ingest_photo
from scene_model.ingest.quota import Reception
from scene_model.library.files.file_system import library_error
from scene_model.library.records import NewPhoto
from scene_model.photos.decode import read_photo_file
from scene_model.services import Services

# Without room in memory, larger photos are written to disk.
_SPOOLED_BYTES = 1_000_000
_FORM_BYTES = 1_000_000
_POLL_S = 0.5


def add_predict_routes(api: FastAPI, context: ApiContext) -> None:
    """Add the routes to the API."""
    _add_predict(api, context)
    _add_batch(api, context)


def _add_predict(api: FastAPI, context: ApiContext) -> None:
    @api.post(
        "/predict",
        response_model=schemas.Prediction,
        responses=problems(400, 408, 413, 415, 429, 507),
        openapi_extra=file_form("file", is_list=False),
        tags=["classify"],
    )
    async def predict(
        request: Request,
        head: Annotated[
            str | None,
            Query(
                max_length=100,
                description="Label set to predict; default: the one that decides the class.",
            ),
        ] = None,
    ) -> Response:
        """Classify one photo; nothing is stored."""
        services, work = await context.opened()
        classifier = services.classifier
        head_id = classifier.head(head or classifier.class_head.id).id
        spool = batches_dir(services)
        work.inference_queue.require_room(owner=services.queue_owner)
        length = _parse_length(request.headers.get("content-length", "0"))
        with work.memory.reserve(length) as in_memory:
            name, file = await _receive_file(request, services.settings, spool, in_memory)
            with file:

                def predict_received() -> Prediction:
                    file.seek(0)
                    return classifier.predict(file.read())

                (future,) = work.inference_queue.submit([predict_received], services.queue_owner)
                prediction = await asyncio.wrap_future(future)
        body = prediction_schema(name, prediction, classifier, head_id)
        # Skip FastAPI's second validation.
        return Response(body.model_dump_json(), media_type="application/json")


def prediction_schema(
    name: str, prediction: Prediction, classifier: Classifier, head_id: str
) -> schemas.Prediction:
    """Convert a prediction to the response model."""
    head_prediction = prediction.head_predictions.of_head(head_id)
    group = prediction.head_predictions.group
    ids = classifier.heads[head_id].labels.ids
    return schemas.Prediction(
        filename=name,
        label=head_prediction.label,
        confidence=min(head_prediction.confidence, 1.0),
        unsure=head_prediction.unsure,
        probabilities={
            i: float(p) for i, p in zip(ids, head_prediction.probabilities, strict=True)
        },
        class_=prediction.head_predictions.photo_class.label,
        group=None if group is None else group.believed_label,
        bundle=classifier.bundle_id,
    )


async def _receive_file(
    request: Request, settings: Settings, spool: Path, in_memory: bool
) -> tuple[str, IO[bytes]]:
    limits = FormLimits(
        1,
        settings.max_file_bytes,
        settings.max_file_bytes,
        "/predict/batch",
        "SCENE_MAX_FILE_BYTES",
    )
    boundary = boundary_of(request, "file")
    length = request.headers.get("content-length", "0")
    require_length_below(
        request, limits.max_bytes + _FORM_BYTES, too_many_bytes(_parse_length(length), limits)
    )

    def open_file(_: int) -> IO[bytes]:
        if in_memory:
            return MemoryFile()
        spool.mkdir(parents=True, exist_ok=True)
        return tempfile.SpooledTemporaryFile(_SPOOLED_BYTES, dir=str(spool))

    reader = FormReader(boundary, "file", limits, open_file, lambda file: file)
    try:
        files = await read_form(request, reader, in_memory)
        if not files:
            raise UsageError(
                "file: no file was sent. Send multipart/form-data with a part 'file'.",
                code="missing_file",
            )
        received = files[0]
        if received.file is None:
            raise received.error or FileTooLarge("The file is too large.")
        return received.name, received.file
    except OSError as error:
        reader.discard()
        raise library_error(error, spool.parent) from error
    except BaseException:
        reader.discard()
        raise


def _add_batch(api: FastAPI, context: ApiContext) -> None:
    @api.post(
        "/predict/batch",
        response_model=BatchAnswer,
        responses=problems(400, 408, 413, 429, 507)
        | {202: {"model": JobStarted, "description": "Accepted; `Location` is the job's URL."}},
        openapi_extra=file_form("files", is_list=True),
        tags=["classify"],
    )
    async def predict_batch(
        request: Request,
        background: Annotated[
            bool, Query(description="Respond 202 at once, with the job.")
        ] = False,
        add_to_library: Annotated[
            bool, Query(description="Also add the photos to the library.")
        ] = False,
        idempotency_key: Annotated[
            str | None,
            Header(
                max_length=200,
                description="A repeated request with the same key is processed once.",
            ),
        ] = None,
    ) -> Response:
        """Classify many photos; an unusable photo never fails the others."""
        services, work = await context.opened(is_storing=True)
        job_id = await _start_batch(
            request, services, work.batches, add_to_library, idempotency_key
        )
        base = request.scope.get("root_path", "")
        if background:
            url = f"{base}/jobs/{job_id}"
            started = JobStarted(job_id=job_id, status_url=url)
            return JSONResponse(started.model_dump(), 202, {"Location": url})
        status = await _wait_for_batch(request, work.batches, batches_dir(services), job_id)
        return await run_in_threadpool(_batch_response, status, base)


async def _start_batch(
    request: Request, services: Services, batches: Batches, is_added: bool, key: str | None
) -> str:
    """Receive and start a batch; returns its job id, or the earlier id for a repeated key."""
    boundary, root = boundary_of(request, "files"), batches_dir(services)
    limits = _batch_limits(services.settings)
    _require_length(request, limits)
    declared = _parse_length(request.headers.get("content-length", "0"))
    # It counts towards the quota from now on: other requests may be received at the same time.
    with await run_in_threadpool(services.quota.receiving, declared) as reception:
        folder = await run_in_threadpool(batches.begin, root)
        try:
            open_file = partial(_open_received, services, folder, reception)
            reader = FormReader(
                boundary, "files", limits, open_file, lambda file: file.close(), key is not None
            )
            files = await _read_files(request, reader)
            if is_added:
                # The batch keeps the files until it expires, and the library has copies.
                file_bytes = sum(file.size for file in files)
                await run_in_threadpool(services.quota.require, len(files), file_bytes)
            reader.digest.update(b"kept" if is_added else b"")
            request_key = None if key is None else (key, reader.digest.hexdigest())
            if is_added:
                classify, after = _ingest_file(services), services.arrange_new
            else:
                classify, after = _predict_file(services.classifier), _do_nothing
            job_id = await run_in_threadpool(
                batches.start, folder, files, classify, request_key, after
            )
        except asyncio.CancelledError:
            batches.discard(folder)
            raise
        except Exception as error:
            await run_in_threadpool(batches.discard, folder)
            if isinstance(error, OSError):
                raise library_error(error, root.parent) from error
            raise
        if job_id == folder.name:
            reception.finish()
        else:  # a repeated request
            await run_in_threadpool(batches.discard, folder)
    return job_id


async def _read_files(request: Request, reader: FormReader) -> list[ReceivedFile]:
    """Receive the files of a batch; raises UsageError without one, or as `read_form`."""
    try:
        files = await read_form(request, reader)
    finally:
        reader.discard()
    if not files:
        raise UsageError(
            "files: no file was sent. Send multipart/form-data with parts 'files'.",
            code="missing_file",
        )
    return files


def _open_received(
    services: Services, folder: Path, reception: Reception, number: int
) -> IO[bytes]:
    services.library.require_space(0)
    return CountedFile(file_path(folder, number), reception)


def _batch_response(status: JobStatus, base: str) -> Response:
    answer = BatchAnswer(
        job_id=status.job_id,
        summary=status.summary,
        results=status.results or [],
        download_url=f"{base}/download/{status.job_id}",
    )
    return Response(answer.model_dump_json(), media_type="application/json")


async def _wait_for_batch(request: Request, batches: Batches, root: Path, job_id: str) -> JobStatus:
    """Wait for a batch; cancels it when the sender disconnects."""
    while isinstance(batch := await run_in_threadpool(batches.find, root, job_id), Batch):
        await _wait_briefly(batch)
        if await request.is_disconnected():
            batch.cancel()
    return batch


async def _wait_briefly(batch: Batch) -> None:
    """Wait up to `_POLL_S`, or until the batch is done, without blocking a thread."""
    waited = 0.0
    while waited < _POLL_S and batch.is_running:
        await asyncio.sleep(0.01)
        waited += 0.01


def _batch_limits(settings: Settings) -> FormLimits:
    return FormLimits(
        settings.max_batch_files,
        settings.max_file_bytes,
        settings.max_batch_bytes,
        "SCENE_MAX_BATCH_FILES",
        "SCENE_MAX_BATCH_BYTES",
    )


def _require_length(request: Request, limits: FormLimits) -> None:
    length = _parse_length(request.headers.get("content-length", "0"))
    spare = 4_096 * (limits.max_files + 100)
    require_length_below(request, limits.max_bytes + spare, too_many_bytes(length, limits))


def _parse_length(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _do_nothing() -> None:
    pass


def _predict_file(classifier: Classifier) -> ClassifyFile:
    def classify(path: Path, name: str) -> BatchItem:
        predictions = classifier.predict(read_photo_file(path, classifier.limits)).head_predictions
        class_prediction = predictions.class_prediction
        return BatchItem(
            filename=name,
            label=class_prediction.label,
            confidence=min(class_prediction.confidence, 1.0),
            unsure=class_prediction.unsure,
            class_=predictions.photo_class.label,
        )

    return classify


def _ingest_file(services: Services) -> ClassifyFile:
    """Return a function that adds a photo to the library and returns its stored class."""
    classifier, library = services.classifier, services.library
    added_at = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")

    def classify(path: Path, name: str) -> BatchItem:
        data = read_photo_file(path, classifier.limits)
        new = NewPhoto(data, name or "photo", added_at)
        added = ingest_photo(library, classifier, new, quota=services.quota)
        photo = library.photo(added.id)
        return BatchItem(
            filename=name,
            label=photo.class_head_label,
            confidence=min(photo.confidence, 1.0),
            unsure=photo.unsure,
            class_=photo.photo_class,
        )

    return classify
