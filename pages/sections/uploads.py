"""The ways photos come in: sent one by one, a folder of this computer, Streamlit's uploader."""

from collections.abc import Iterator
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.sections.folder_adder import folder_adder
from pages.sections.problem import told
from pages.state.session import get_services
from pages.widgets.uploader import streaming_uploader
from scene_model.errors import SceneError
from scene_model.jobs.job import Job, JobKind

_ROUND_KEY = "upload_round"
JOB_KEY = "job_id"
_PARAMETER = "job"
_STREAMING_KEY = "streaming_job"
PROBLEM_KEY = "upload_problem"
# A hint to the browser's file dialog; what a file really is, its bytes tell.
_OFFERED = ["jpg", "jpeg", "png", "webp", "avif", "heic", "heif", "gif", "tif", "tiff", "bmp"]


def add_photos() -> None:
    """Offer every way to add photos."""
    names = ["Drop photos or folders", "A few photos"]
    if not get_services().settings.is_shared:
        names.insert(1, "A folder of this computer")
    tabs = dict(zip(names, st.tabs(names), strict=True))
    with tabs["Drop photos or folders"]:
        _streaming()
    if "A folder of this computer" in tabs:
        with tabs["A folder of this computer"]:
            job = folder_adder()
            if job is not None:
                _remember(job)
                st.rerun()
    with tabs["A few photos"]:
        _simple()
    if problem := st.session_state.pop(PROBLEM_KEY, None):
        st.error(problem, icon=":material/error:")


def is_streaming(job: Job) -> bool:
    """Tell whether this window sends the files of a job, and shows its bar itself."""
    return st.session_state.get(_STREAMING_KEY) == job.id


def _streaming() -> None:
    services = get_services()
    known = st.session_state.get(_STREAMING_KEY)
    cut = [job.id for job in services.uploads.open() if job.id != known]
    largest = services.settings.max_file_bytes / 1e6
    hint = f"JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF, BMP · up to {largest:,.0f} MB a file"
    started = streaming_uploader("uploader", hint, known, cut[-1] if cut else None)
    if started is not None and started != known:
        try:
            job = services.jobs.job(started)
        except SceneError:
            return
        st.session_state[_STREAMING_KEY] = job.id
        _remember(job)
        st.rerun()


def _simple() -> None:
    """Streamlit's own uploader; what is dropped becomes a job, and the uploader is empty again."""
    round_number = st.session_state.setdefault(_ROUND_KEY, 0)
    key = f"uploads_{round_number}"
    st.file_uploader(
        "For a few photos, where dropping them does not work",
        accept_multiple_files=True,
        key=key,
        on_change=_take,
        args=(key,),
        help="JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF and BMP. Originals are kept byte for byte.",
    )


def current_job() -> Job | None:
    """The upload of this session, or the one in the address, or one that runs.

    The address keeps it over a refresh, and over a restart of the server.
    """
    runner = get_services().jobs
    for job_id in (st.session_state.get(JOB_KEY), st.query_params.get(_PARAMETER)):
        if job_id is not None:
            try:
                job = runner.job(job_id)
            except SceneError:
                _forget()
            else:
                _remember(job)
                return job
    running = runner.running(JobKind.ADD)
    if running:
        _remember(running[-1])
        return running[-1]
    return None


def go_on(job: Job) -> None:
    """Try the files again that a job could not keep."""
    try:
        _remember(get_services().jobs.retry(job.id))
    except SceneError as error:
        st.session_state[PROBLEM_KEY] = told(error)


def _remember(job: Job) -> None:
    st.session_state[JOB_KEY] = job.id
    if st.query_params.get(_PARAMETER) != job.id:
        st.query_params[_PARAMETER] = job.id


def _forget() -> None:
    st.session_state.pop(JOB_KEY, None)
    if _PARAMETER in st.query_params:
        del st.query_params[_PARAMETER]


def _take(key: str) -> None:
    files = st.session_state.get(key) or []
    if not files:
        return
    try:
        services = get_services()
        services.uploads.require_room(len(files), sum(file.size for file in files))
        job = services.jobs.submit(_drained(files))
    except SceneError as error:
        st.session_state[PROBLEM_KEY] = told(error)
        return
    _remember(job)
    st.session_state[_ROUND_KEY] += 1


def _drained(files: list[Any]) -> Iterator[tuple[str, bytes]]:
    """Yield each file's name and bytes, and drop it from the server's memory behind us."""
    context = get_script_run_ctx()
    for file in files:
        yield file.name, file.getvalue()
        if context is not None:
            # Streamlit would keep the bytes until the session ends; its manager is private API,
            # but nothing public frees them.
            manager: Any = getattr(context, "uploaded_file_mgr", None)
            if manager is not None and hasattr(manager, "remove_file"):
                manager.remove_file(session_id=context.session_id, file_id=file.file_id)
