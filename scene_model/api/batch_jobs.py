"""``/jobs/{id}`` and ``/download/{id}``: how far a batch is, its end, its ZIP."""

import datetime

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from scene_model.api.context import ApiContext, batches_dir
from scene_model.api.responses import problems
from scene_model.api.schemas import JobStatus
from scene_model.export.archive import archive_file_name


def add_batch_job_routes(api: FastAPI, context: ApiContext) -> None:
    """Add the routes to the API."""

    def described(request: Request, status: JobStatus) -> JobStatus:
        if status.results is None:
            return status
        base = request.scope.get("root_path", "")
        return status.model_copy(update={"download_url": f"{base}/download/{status.job_id}"})

    @api.get("/jobs/{job_id}", responses=problems(404), tags=["jobs"])
    def job(request: Request, job_id: str) -> JobStatus:
        """Tell how far a batch is; results and download when it is over."""
        services, work = context.open()
        return described(request, work.batches.status(batches_dir(services), job_id))

    @api.delete("/jobs/{job_id}", responses=problems(404), tags=["jobs"])
    def cancel_job(request: Request, job_id: str) -> JobStatus:
        """Cancel a batch: what is done stays, the rest is not looked at."""
        services, work = context.open()
        return described(request, work.batches.cancel(batches_dir(services), job_id))

    @api.get(
        "/download/{job_id}",
        response_class=StreamingResponse,
        responses=problems(404, 409)
        | {200: {"description": "A ZIP, one folder a class.", "content": {"application/zip": {}}}},
        tags=["jobs"],
    )
    def download(job_id: str) -> Response:
        """Stream a ZIP of a batch's photos, one folder a class, with `manifest.csv`."""
        services, work = context.open()
        pieces = work.batches.archive(batches_dir(services), job_id)
        name = archive_file_name(datetime.datetime.now().astimezone())
        return StreamingResponse(
            pieces,
            media_type="application/zip",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "private, no-store",
            },
        )
