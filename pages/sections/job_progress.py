"""A job shown while it runs and after: how far it is, Cancel, and what was skipped and why."""

import pandas as pd
import streamlit as st

from pages.sections.problem import told
from scene_model.jobs.job import Job, JobState, Progress, Skipped


@st.fragment(run_every="0.5s")
def follow(job: Job) -> None:
    """Show a running job; when it ends, the page runs again and shows what became of it."""
    if not job.is_running:
        st.rerun()
    progress = job.progress()
    rate = f" · {progress.photos_per_s:.1f} a second" if progress.photos_per_s else ""
    left = f" · {_duration(progress.seconds_left)} left" if progress.seconds_left else ""
    st.progress(progress.share, f"{progress.done:,} of {progress.total:,} photos{rate}{left}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Cancel", icon=":material/stop_circle:", key=f"cancel_{job.id}"):
            job.cancel()
        st.caption("You can go to another page meanwhile: the work goes on.")
    if progress.skipped:
        st.caption(f"{len(progress.skipped)} skipped so far")


def say_what_became(progress: Progress, done: str) -> None:
    """Say how a job ended; ``done``: what was done, with its numbers."""
    if progress.state is JobState.CANCELLED:
        st.warning(f"Cancelled: {done}. What is done is kept.", icon=":material/stop_circle:")
    elif progress.skipped:
        st.warning(f"{done}.", icon=":material/warning:")
    else:
        st.success(f"{done}.", icon=":material/check_circle:")


def skipped_table(skipped: tuple[Skipped, ...]) -> None:
    """List what was skipped and why; nothing when nothing was."""
    if not skipped:
        return
    st.subheader("Skipped files")
    st.dataframe(
        pd.DataFrame(
            {
                "File": [item.name for item in skipped],
                "Why": [told(item) for item in skipped],
                "Code": [item.code for item in skipped],
            }
        ),
        hide_index=True,
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
