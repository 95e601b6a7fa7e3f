"""Ways to add photos: streaming upload, a folder on this computer, Streamlit's uploader."""

from collections.abc import Iterator
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import DeletedFile

from pages.sections.folders.adder import folder_adder
from pages.sections.messages import error_markdown
from pages.sections.phone.from_phone import from_phone
from pages.sections.watch.card_offers import card_offers
from pages.sections.watch.watched_folders import watched_folders
from pages.state.phones import get_phones
from pages.state.session import get_services
from pages.widgets.uploader import streaming_uploader
from scene_model.errors import SceneError
from scene_model.jobs.job import Job, JobKind

_FORMATS = ("JPEG", "PNG", "WebP", "AVIF", "HEIC", "JPEG XL", "GIF", "TIFF", "BMP")
_VIDEOS = ("MP4", "MOV", "M4V", "MKV", "WebM", "AVI", "3GP")
_ROUND_KEY = "upload_round"
_JOB_KEY = "job_id"
_PARAMETER = "job"
_STREAMING_KEY = "streaming_job"
_ERROR_KEY = "upload_error"
_UPLOAD, _FOLDER, _SIMPLE = "Drop photos or folders", "Folder on this computer", "Simple upload"
_WATCHED, _PHONE = "Watched folders", "From a phone"


def add_photos() -> None:
    """Show offers of cards, and a tab for each way to add photos."""
    is_personal = not get_services().settings.is_shared
    on_disk = [_FOLDER, _WATCHED] if is_personal else []
    names = [_UPLOAD, *on_disk, _PHONE, _SIMPLE]
    if is_personal and (job := card_offers()) is not None:
        _remember(job)
    tabs = dict(zip(names, st.tabs(names), strict=True))
    with tabs[_UPLOAD]:
        _streaming()
    if _FOLDER in tabs:
        with tabs[_FOLDER]:
            job = folder_adder()
            if job is not None:
                _remember(job)
                st.rerun()
        with tabs[_WATCHED]:
            watched_folders()
    with tabs[_PHONE]:
        upload_id = from_phone()
        if upload_id is not None:
            _follow_phone(upload_id)
    with tabs[_SIMPLE]:
        _simple()
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message, icon=":material/error:")


def is_streaming(job: Job) -> bool:
    """Whether this window uploads the files of a job; its uploader then shows the progress."""
    return st.session_state.get(_STREAMING_KEY) == job.id


def _streaming() -> None:
    services = get_services()
    current = st.session_state.get(_STREAMING_KEY)
    others = {current, *get_phones().codes.upload_ids()}
    interrupted = [job.id for job in services.uploads.open() if job.id not in others]
    largest = services.settings.max_file_bytes / 1e6
    largest_video = services.settings.max_video_bytes / 1e9
    hint = (
        f"{', '.join(_FORMATS)} and RAW, up to {largest:,.0f} MB each · videos "
        f"({', '.join(_VIDEOS)}), up to {largest_video:,.4g} GB each"
    )
    if not services.settings.is_shared:
        hint += " · Google Takeout and other archives (ZIP, TGZ, TAR)"
    started = streaming_uploader(
        "uploader", hint, current, interrupted[-1] if interrupted else None
    )
    if started is not None and started != current:
        try:
            job = services.jobs.job(started)
        except SceneError:
            return
        st.session_state[_STREAMING_KEY] = job.id
        _remember(job)
        st.rerun()


def _follow_phone(upload_id: str) -> None:
    """Show the upload of a phone, unless this window is sending files itself."""
    jobs = get_services().jobs
    own = st.session_state.get(_STREAMING_KEY)
    try:
        if own is None or not jobs.job(own).is_running:
            _remember(jobs.job(upload_id))
    except SceneError:
        return


def _simple() -> None:
    """Show Streamlit's uploader; its files become a job and the uploader is emptied."""
    round_number = st.session_state.setdefault(_ROUND_KEY, 0)
    key = f"uploads_{round_number}"
    st.file_uploader(
        "Use this if drag and drop does not work",
        accept_multiple_files=True,
        key=key,
        on_change=_submit,
        args=(key,),
        help=f"{', '.join(_FORMATS)}, RAW and videos ({', '.join(_VIDEOS)}). Original files are "
        "stored unchanged.",
    )


def current_job() -> Job | None:
    """Return the job of this session, else the one in the URL, else a running one.

    The URL keeps it when the page is reloaded or the server restarts.
    """
    runner = get_services().jobs
    for job_id in (st.session_state.get(_JOB_KEY), st.query_params.get(_PARAMETER)):
        if job_id is not None:
            try:
                # After archives that were sent, the job that adds what is in them.
                job = runner.job(runner.next_job(job_id) or job_id)
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


def retry_pending(job: Job) -> None:
    """Start a new job for the files that a job could not store."""
    try:
        _remember(get_services().jobs.retry(job.id))
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)


def _remember(job: Job) -> None:
    st.session_state[_JOB_KEY] = job.id
    if st.query_params.get(_PARAMETER) != job.id:
        st.query_params[_PARAMETER] = job.id


def _forget() -> None:
    st.session_state.pop(_JOB_KEY, None)
    if _PARAMETER in st.query_params:
        del st.query_params[_PARAMETER]


def _submit(key: str) -> None:
    # A run that was interrupted calls this again, when the files are a job already.
    chosen = st.session_state.get(key) or []
    files = [file for file in chosen if not isinstance(file, DeletedFile)]
    if not files:
        return
    try:
        uploads = get_services(is_storing=True).uploads
        file_bytes = sum(file.size for file in files)
        job = uploads.submit(len(files), file_bytes, _read_and_free(files))
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
        return
    _remember(job)
    st.session_state[_ROUND_KEY] += 1


def _read_and_free(files: list[Any]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and bytes of each file, and free its memory afterwards."""
    context = get_script_run_ctx()
    for file in files:
        yield file.name, file.getvalue()
        if context is not None:
            # Streamlit keeps the bytes until the session ends. No public API frees them, so the
            # private upload manager is used.
            manager: Any = getattr(context, "uploaded_file_mgr", None)
            if manager is not None and hasattr(manager, "remove_file"):
                manager.remove_file(session_id=context.session_id, file_id=file.file_id)
