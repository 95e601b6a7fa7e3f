"""Progress and results of a background job: bar, Cancel, and the skipped files."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from pages.sections.messages import counted, error_text
from scene_model.jobs.job import Job, JobState, Progress, Skipped


@st.fragment(run_every="0.5s")
def show_progress(job: Job, cancel: Callable[[], None] | None = None) -> None:
    """Show a running job; rerun the page when it ends. cancel: None to cancel only the job."""
    if not job.is_running:
        st.rerun()
    progress = job.progress()
    rate = f" · {progress.photos_per_s:.1f} photos per second" if progress.photos_per_s else ""
    left = f" · {_duration(progress.seconds_left)} left" if progress.seconds_left else ""
    photos = counted(progress.total, "photo")
    st.progress(progress.share, f"{progress.done:,} of {photos}{rate}{left}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Cancel", icon=":material/stop_circle:", key=f"cancel_{job.id}"):
            (cancel or job.cancel)()
        st.caption("You can open other pages; the job continues.")
    if progress.skipped:
        st.caption(f"{len(progress.skipped):,} skipped so far")


def show_job_result(progress: Progress, summary: str) -> None:
    """Show how a job ended. summary: what was done, with counts."""
    if progress.state is JobState.CANCELLED:
        st.warning(
            f"Cancelled: {summary}. Finished photos are kept.", icon=":material/stop_circle:"
        )
    elif progress.skipped:
        st.warning(f"{summary}.", icon=":material/warning:")
    else:
        st.success(f"{summary}.", icon=":material/check_circle:")


def skipped_table(skipped: tuple[Skipped, ...]) -> None:
    """Show the skipped files with reasons; nothing when there are none."""
    if not skipped:
        return
    st.header("Skipped files")
    st.dataframe(
        pd.DataFrame(
            {
                "File": [item.name for item in skipped],
                "Reason": [error_text(item) for item in skipped],
                "Code": [item.code for item in skipped],
            }
        ),
        hide_index=True,
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
