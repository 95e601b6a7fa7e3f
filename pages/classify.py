"""Drop photos → a job with progress and Cancel → results, and what was skipped and why."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.sections.job_progress import follow, say_what_became, skipped_table
from pages.sections.photo_view import (
    answers_or_reason,
    head_name,
    open_photo,
    picture,
    score_tabs,
    show_open_photo,
)
from pages.sections.problem import show_problem
from pages.sections.uploads import add_photos, current_job, go_on, is_streaming
from pages.state.session import get_gallery, get_services
from pages.state.visitor import is_shared
from pages.widgets.photo_grid import photo_grid
from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.labels import NONE, LabelSet
from scene_model.errors import SceneError
from scene_model.jobs.job import Job, Progress
from scene_model.library.records import PhotoRecord

_SHOWN_RESULTS = 60
_SHOWN_LATEST = 8
_BAR_COLOUR = "#2a9d8a"  # reads on light and on dark


def _page() -> None:
    st.title("Give order to your photos")
    where = "on this computer; nothing is sent anywhere"
    if is_shared():
        where = "on this server, which sends nothing on"
    st.caption(f"Drop a heap of photos. Each is tagged by scene {where}.")
    add_photos()
    job = current_job()
    if job is None:
        _welcome()
    elif job.is_running:
        if not is_streaming(job):
            follow(job)
        _latest(job)
    else:
        _results(job)
    show_open_photo()


def _welcome() -> None:
    count = get_gallery().count("")
    if count:
        st.info(f"Your library holds {count:,} photos.", icon=":material/photo_library:")
        st.page_link("gallery.py", label="Open the gallery", icon=":material/arrow_forward:")
        return
    st.markdown(
        "**How it goes:** drop photos above → see what each shows → correct what is wrong in the "
        "gallery → take a CSV, or a ZIP with one folder per class, from the export page."
    )


@st.fragment(run_every="1.5s")
def _latest(job: Job) -> None:
    """Show the photos tagged last while a job runs; when it ends, the page shows its result."""
    if not job.is_running:
        st.rerun()
    newest = job.progress().photo_ids[: -_SHOWN_LATEST - 1 : -1]
    records = list(get_gallery().library.records(newest))
    if records:
        st.caption("Tagged last")
        photo_grid(records, get_gallery().vocabulary, "latest_grid", on_open=open_photo)


def _results(job: Job) -> None:
    progress = job.progress()
    _say_what_became(progress)
    if progress.waiting:
        files = "file waits" if progress.waiting == 1 else "files wait"
        st.info(
            f"{progress.waiting:,} {files} on disk for another try; the table below says why.",
            icon=":material/hourglass_empty:",
        )
        st.button("Try again", icon=":material/refresh:", on_click=go_on, args=(job,))
    records = list(get_gallery().library.records(list(progress.photo_ids)))
    records = [photo for photo in records if photo.trashed_at is None]
    if progress.total == 1 and len(records) == 1:
        _one_photo(records[0])
    elif records:
        photo_grid(
            records[:_SHOWN_RESULTS], get_gallery().vocabulary, "results_grid", on_open=open_photo
        )
        if len(records) > _SHOWN_RESULTS:
            st.caption(f"The first {_SHOWN_RESULTS} of {len(records):,}; the gallery has all.")
        st.page_link("gallery.py", label="Go on in the gallery", icon=":material/photo_library:")
    skipped_table(progress.skipped)


def _say_what_became(progress: Progress) -> None:
    classified = progress.done - len(progress.skipped)
    parts = [f"{classified:,} of {progress.total:,} photos tagged"]
    if progress.known:
        parts.append(f"{progress.known:,} of them known already")
    if progress.skipped:
        parts.append(f"{len(progress.skipped):,} skipped")
    say_what_became(progress, ", ".join(parts))


def _one_photo(photo: PhotoRecord) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        picture(photo)
        st.text(photo.name)
    with right:
        _headline(photo)
        answers = answers_or_reason(photo)
        if answers is not None:
            said = answers.class_prediction
            head = get_services().classifier.head(said.head)
            _probability_chart(said.probabilities, head.labels, head.name)
        if st.button("Correct it, see everything", icon=":material/edit:"):
            open_photo(photo.id)
    if answers is not None:
        score_tabs(answers)


def _headline(photo: PhotoRecord) -> None:
    """What the photo is filed under and how sure that is; where nothing is sure, the best guess."""
    name = get_gallery().vocabulary.display_name
    guess = name(photo.class_head_label)
    is_filed = photo.class_source != NONE
    scene_column, confidence_column = st.columns(2)
    scene_column.metric("Scene", name(photo.photo_class) if is_filed else guess, border=True)
    sure = photo.class_score if is_filed else photo.confidence
    confidence_column.metric("Confidence", f"{sure:.1%}", border=True)
    if photo.has_class_score and photo.class_source != photo.class_head:
        st.caption(
            f"“{head_name(photo.class_source)}” says so. It looks like none of "
            f"“{head_name(photo.class_head)}”; nearest would be {guess}, {photo.confidence:.1%}."
        )
    elif not is_filed:
        st.info(
            f"Unsure: it may be none of “{head_name(photo.class_head)}”. "
            f"It is filed under “{name(photo.photo_class)}”.",
            icon=":material/help:",
        )


def _probability_chart(probabilities: FloatArray, labels: LabelSet, head: str) -> None:
    """Bars of one head's probabilities in percent, most probable first, with their figures."""
    frame = pd.DataFrame(
        {
            "Label": [label.name for label in labels.labels],
            "Probability": [round(100 * float(p), 1) for p in probabilities],
        }
    )
    frame = frame.sort_values("Probability", ascending=False, kind="stable")
    label = {"field": "Label", "type": "nominal"}
    probability: dict[str, Any] = {"field": "Probability", "type": "quantitative"}
    figures = {"type": "text", "align": "left", "dx": 5, "color": "gray"}
    spec = {
        "title": f"{head}: probability in %",
        "height": 32 * len(frame),
        "encoding": {
            "x": probability | {"scale": {"domain": [0, 110]}, "axis": None},
            "y": label | {"sort": frame["Label"].tolist(), "title": None},
            "tooltip": [label, probability],
        },
        "layer": [
            {"mark": {"type": "bar", "color": _BAR_COLOUR, "cornerRadius": 3}},
            {"mark": figures, "encoding": {"text": probability | {"format": ".1f"}}},
        ],
    }
    st.vega_lite_chart(frame, spec)


try:
    _page()
except SceneError as error:
    show_problem(error)
