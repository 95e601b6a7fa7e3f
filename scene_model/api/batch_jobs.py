"""``/jobs/{id}`` and ``/download/{id}``: progress, results and ZIP of a batch."""

import datetime

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from scene_model.api.context import ApiContext, batches_dir
from scene_model.api.responses import problems
from scene_model.api.schemas import JobStatus
from scene_model.export.archive import archive_file_name


def add_batch_job_routes(api: FastAPI, context: ApiContext) -> None:
    """Add the routes to the API."""

    def with_download_url(request: Request, status: JobStatus) -> JobStatus:
        if status.results is None:
            return status
        base = request.scope.get("root_path", "")
        return status.model_copy(update={"download_url": f"{base}/download/{status.job_id}"})

    @api.get("/jobs/{job_id}", responses=problems(404), tags=["jobs"])
    def job(request: Request, job_id: str) -> JobStatus:
        """Return a batch's progress; when it has ended, also its results and download URL."""
        services, work = context.open()
        return with_download_url(request, work.batches.status(batches_dir(services), job_id))

    @api.delete("/jobs/{job_id}", responses=problems(404), tags=["jobs"])
    def cancel_job(request: Request, job_id: str) -> JobStatus:
        """Cancel a batch: finished files keep their results, the others are not classified."""
        services, work = context.open()
        return with_download_url(request, work.batches.cancel(batches_dir(services), job_id))

    @api.get(
        "/download/{job_id}",
        response_class=StreamingResponse,
        responses=problems(404, 409)
        | {
            200: {
                "description": "A ZIP with one folder for each class.",
                "content": {"application/zip": {}},
            }
        },
        tags=["jobs"],
    )
    def download(job_id: str) -> Response:
        """Stream a ZIP of a batch's photos, one folder for each class, with `manifest.csv`."""
        services, work = context.open()
        chunks = work.batches.archive(batches_dir(services), job_id)
        name = archive_file_name(datetime.datetime.now().astimezone())
        return StreamingResponse(
            chunks,
            media_type="application/zip",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "private, no-store",
            },
        )
