"""Upload routes: first a list of files, then the bytes of each, streamed to disk.

``POST /uploads`` announces the files; ``PUT /uploads/{id}/files/{number}`` sends one file as the
body, or with ``offset`` a part of it; ``GET`` returns the progress; ``POST …/end`` skips files that
have not arrived; ``DELETE`` cancels.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Protocol

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from scene_model.api.request.body import stream_body
from scene_model.api.responses import problems
from scene_model.errors import (
    BrokenRequest,
    FileTooLarge,
    SenderSlow,
    UploadIncomplete,
    UsageError,
)
from scene_model.ingest.announced import Announced
from scene_model.ingest.uploads import MAX_FILES, Uploads
from scene_model.jobs.job import Job, JobState
from scene_model.services import Services

_MAX_LIST_BYTES = 16_000_000
_CHUNK_BYTES = 1_000_000
_MAX_PAUSE_S, _PAUSE_S = 20.0, 0.25
_OFFSET = Query(
    ge=0, le=2**62, description="Where in the file a part begins: what has arrived of it so far."
)


class Digest(Protocol):
    """A hash that is computed while data arrive."""

    def update(self, data: bytes, /) -> None:
        """Add data."""


class FileAnnounced(BaseModel):
    """One file to be sent."""

    path: str = Field(max_length=4_096, description="File name, or its path in a dropped folder.")
    size: int = Field(ge=0, description="Size in bytes.")


class UploadRequest(BaseModel):
    """The files of one upload, in the order of their numbers."""

    files: list[FileAnnounced] = Field(min_length=1, max_length=MAX_FILES)


def add_upload_routes(
    api: FastAPI, get_services: Callable[[], Services], get_storage: Callable[[], Services]
) -> None:
    """Add the routes to the API."""
    _add_announce(api, get_storage)
    _add_list_routes(api, get_services)
    _add_file_route(api, get_services)


def _add_announce(api: FastAPI, get_storage: Callable[[], Services]) -> None:
    @api.post(
        "/uploads",
        status_code=201,
        responses=problems(400, 408, 413, 507),
        openapi_extra=_request_body(),
        tags=["uploads"],
    )
    async def announce(request: Request) -> dict[str, Any]:
        """Start an upload; returns its id, the missing files, and skipped files with reasons."""
        files = await read_announced(request)

        def begin() -> dict[str, Any]:
            services = get_storage()
            uploads = services.uploads
            # Archives are read on the server's disk, which visitors of a shared one cannot.
            job = uploads.announce(files, with_archives=not services.settings.is_shared)
            return describe_upload(uploads, job, with_files=True)

        return await run_in_threadpool(begin)


def _add_list_routes(api: FastAPI, get_services: Callable[[], Services]) -> None:
    @api.get("/uploads", tags=["uploads"])
    def open_uploads() -> list[dict[str, Any]]:
        """List the uploads that are still waiting for files."""
        uploads = get_services().uploads
        return [describe_upload(uploads, job) for job in uploads.open()]

    @api.get("/uploads/{job_id}", responses=problems(404), tags=["uploads"])
    def upload(job_id: str, files: bool = False) -> dict[str, Any]:
        """Return an upload's progress; with ``files``, also its missing and skipped files."""
        services = get_services()
        return describe_upload(services.uploads, services.jobs.job(job_id), with_files=files)

    @api.post("/uploads/{job_id}/end", responses=problems(404, 410), tags=["uploads"])
    def end(job_id: str) -> dict[str, Any]:
        """End an upload; files that have not arrived are reported as skipped."""
        uploads = get_services().uploads
        return describe_upload(uploads, uploads.end(job_id))

    @api.delete("/uploads/{job_id}", responses=problems(404), tags=["uploads"])
    def cancel(job_id: str) -> dict[str, Any]:
        """Cancel an upload; photos already in the library stay, other files are removed."""
        services = get_services()
        job = services.jobs.job(job_id)
        job.cancel()
        return describe_upload(services.uploads, job)


def _add_file_route(api: FastAPI, get_services: Callable[[], Services]) -> None:
    @api.put(
        "/uploads/{job_id}/files/{number}",
        responses=problems(400, 404, 408, 409, 410, 413, 507),
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/octet-stream": {}}}
        },
        tags=["uploads"],
    )
    async def send(
        job_id: str, number: int, request: Request, offset: Annotated[int | None, _OFFSET] = None
    ) -> dict[str, Any]:
        """Receive one file as the body, or a part of it; repeating the request is safe."""
        uploads = (await run_in_threadpool(get_services)).uploads
        if offset is not None:
            has_arrived = await receive_part(request, uploads, job_id, number, offset)
            return {"number": number, "arrived": has_arrived}
        await receive_file(request, uploads, job_id, number)
        return {"number": number, "arrived": True}


async def receive_file(
    request: Request, uploads: Uploads, job_id: str, number: int, digest: Digest | None = None
) -> bool:
    """Receive a file of an upload; False when it had arrived before, and the body was not read.

    digest: of hashlib; updated with the content. Raises as `Uploads.begin_file`.
    """
    length = request.headers.get("content-length", "")
    announced = int(length) if length.isdecimal() else None
    with uploads.receive_slot():
        target = await run_in_threadpool(uploads.begin_file, job_id, number, announced)
        if target is None:
            return False
        try:
            await _wait_for_backlog(uploads, job_id)
            limit = uploads.announced_bytes(job_id, number)
            count = partial(uploads.count_received, target)
            await write_body(request, target, limit, count, digest)
            await run_in_threadpool(uploads.finish_file, job_id, number, target)
        finally:
            await run_in_threadpool(uploads.leave_file, target)
    return True


async def receive_part(
    request: Request, uploads: Uploads, job_id: str, number: int, offset: int
) -> bool:
    """Receive a part of a file; returns whether the file has arrived with it.

    offset: how many bytes of the file came before. Raises as `Uploads.begin_part`.
    """
    with uploads.receive_slot():
        target = await run_in_threadpool(uploads.begin_part, job_id, number, offset)
        if target is None:
            return True
        try:
            await _wait_for_backlog(uploads, job_id)
            limit = uploads.announced_bytes(job_id, number) - offset
            count = partial(uploads.count_received, target)
            await write_body(request, target, limit, count, None, offset)
            return await run_in_threadpool(uploads.finish_part, job_id, number, target)
        finally:
            await run_in_threadpool(uploads.leave_part, target)


async def _wait_for_backlog(uploads: Uploads, job_id: str) -> None:
    """Delay the sender while its earlier files are still being tagged."""
    waited_s = 0.0
    while waited_s < _MAX_PAUSE_S and uploads.is_backed_up(job_id):
        await asyncio.sleep(_PAUSE_S)
        waited_s += _PAUSE_S


async def write_body(
    request: Request,
    target: Path,
    limit: int,
    count: Callable[[int], None],
    digest: Digest | None,
    offset: int | None = None,
) -> None:
    """Write a body to disk as it arrives, with at most 1 MB in memory.

    offset: where in an existing file it begins; what comes after is replaced. count: called with
    the size of each piece before it is written. Raises UploadIncomplete when the sender
    disconnects, is too slow, or sends too many bytes.
    """
    chunks, buffered_bytes, total = list[bytes](), 0, 0
    file = await run_in_threadpool(_open_at, target, offset)

    def write(data: bytes) -> None:
        file.write(data)
        if digest is not None:
            digest.update(data)

    try:
        async for chunk in stream_body(request):
            total += len(chunk)
            if total > limit:
                raise UploadIncomplete(f"The file has more than the announced {limit:,} bytes.")
            chunks.append(chunk)
            buffered_bytes += len(chunk)
            if buffered_bytes >= _CHUNK_BYTES:
                count(buffered_bytes)
                await run_in_threadpool(write, b"".join(chunks))
                chunks, buffered_bytes = [], 0
        count(buffered_bytes)
        await run_in_threadpool(write, b"".join(chunks))
    except (BrokenRequest, SenderSlow) as error:
        raise UploadIncomplete(f"The upload stopped after {total:,} bytes.") from error
    finally:
        await run_in_threadpool(file.close)


def _open_at(target: Path, offset: int | None) -> BinaryIO:
    if offset is None:
        return target.open("wb")
    file = target.open("r+b")
    file.truncate(offset)
    file.seek(offset)
    return file


async def read_announced(request: Request) -> list[Announced]:
    """Read a list of files to be sent; raises UsageError or FileTooLarge."""
    try:
        upload_request = UploadRequest.model_validate_json(await _read_list(request))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise UsageError(f"{where}: {first['msg']}.") from error
    return [Announced(file.path, file.size) for file in upload_request.files]


async def _read_list(request: Request) -> bytes:
    data = bytearray()
    async for chunk in stream_body(request):
        data += chunk
        if len(data) > _MAX_LIST_BYTES:
            raise FileTooLarge(f"The list of files is larger than {_MAX_LIST_BYTES:,} bytes.")
    if not data:
        raise UsageError("The body is empty. Send a list of files as JSON.")
    return bytes(data)


def _request_body() -> dict[str, Any]:
    schema = UploadRequest.model_json_schema()
    # The route reads its body itself, with a limit, so FastAPI does not know the schema.
    schema["properties"]["files"]["items"] = schema.pop("$defs")["FileAnnounced"]
    return {"requestBody": {"content": {"application/json": {"schema": schema}}, "required": True}}


def describe_upload(uploads: Uploads, job: Job, with_files: bool = False) -> dict[str, Any]:
    """Return an upload's progress; with_files: also its missing and skipped files."""
    progress, missing = job.progress(), uploads.missing(job.id)
    body: dict[str, Any] = {
        "id": job.id,
        # After its last file, an upload of archives runs until it has a next job.
        "state": JobState.RUNNING if job.is_running else progress.state,
        "total": progress.total,
        "arrived": progress.total - len(missing),
        "done": progress.done,
        "known": progress.known,
        "copies": progress.copies,
        "skipped": len(progress.skipped),
        "photos_per_s": round(progress.photos_per_s, 2),
    }
    if (next_id := uploads.next_job(job.id)) is not None:
        body["next"] = next_id
    if with_files:
        received = uploads.received_bytes(job.id)
        body["missing"] = [
            {
                "number": int(f.file),
                "path": f.shown_path or f.name,
                "size": f.file_bytes,
                "received": received.get(int(f.file), 0),
            }
            for f in missing
        ]
        body["reasons"] = [
            {"name": s.name, "code": s.code, "message": s.public_message} for s in progress.skipped
        ]
    return body
