"""Upload photos, follow the job, and show its results and skipped files."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.sections.homecoming.summary import show_homecoming
from pages.sections.job_progress import show_job_result, show_progress, skipped_table
from pages.sections.messages import counted, escape_markdown, show_error
from pages.sections.photo.facts import (
    class_source_text,
    deciding_head,
    group_text,
    head_name,
    score_tabs,
)
from pages.sections.photo.picture import predictions_or_reason, show_picture
from pages.sections.photo_view import open_photo, opener, show_open_photo
from pages.sections.uploads import add_photos, current_job, is_streaming, retry_pending
from pages.state.session import get_gallery, get_services
from pages.state.visitor import is_shared
from pages.widgets.guesses import guess_text
from pages.widgets.photo_grid import photo_grid
from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.labels import NONE, LabelSet
from scene_model.errors import SceneError
from scene_model.jobs.job import Job, Progress
from scene_model.library.records import PhotoRecord

_MAX_RESULTS = 60
_MAX_LATEST = 8
_MAX_BARS = 10
_BAR_COLOUR = "#2a9d8a"  # readable on the light and the dark theme


def _page() -> None:
    st.title("Put your photos in order")
    if is_shared():
        place = "on this server and not sent to any other service"
    else:
        place = "on this computer and not sent anywhere"
    st.caption(f"Add photos to tag them by scene. They are processed {place}.")
    summary = st.container()
    add_photos()
    job = current_job()
    # An upload that was interrupted may wait for its files for days.
    if job is None or not (job.is_running and get_services().jobs.is_working()):
        with summary:
            show_homecoming()
    if job is None:
        _welcome()
    elif job.is_running:
        if not is_streaming(job):
            show_progress(job)
        _latest(job)
    else:
        _results(job)
    show_open_photo()


def _welcome() -> None:
    count = get_gallery().count("")
    if count:
        st.info(f"Your library has {counted(count, 'photo')}.", icon=":material/photo_library:")
        st.page_link("gallery.py", label="Open the gallery", icon=":material/arrow_forward:")
        return
    st.markdown(
        "**How it works:** add photos above → see their tags → correct wrong tags in the gallery "
        "→ on the Export page, download a CSV file, or a ZIP file with one folder per class."
    )


@st.fragment(run_every="1.5s")
def _latest(job: Job) -> None:
    """Show the latest tagged photos while a job runs; rerun the page when it ends."""
    if not job.is_running:
        st.rerun()
    newest = job.progress().photo_ids[: -_MAX_LATEST - 1 : -1]
    records = list(get_gallery().library.records(newest))
    if records:
        st.caption("Latest photos")
        on_open = opener([photo.id for photo in records])
        photo_grid(records, get_gallery().vocabulary, "latest_grid", on_open)


def _results(job: Job) -> None:
    progress = job.progress()
    _show_summary(progress)
    if progress.waiting:
        verb = "is" if progress.waiting == 1 else "are"
        st.info(
            f"{counted(progress.waiting, 'file')} could not be added yet and {verb} stored "
            "so that you can try again. The table below gives the reason.",
            icon=":material/hourglass_empty:",
        )
        st.button("Try again", icon=":material/refresh:", on_click=retry_pending, args=(job,))
    records = list(get_gallery().library.records(list(progress.photo_ids)))
    records = [photo for photo in records if photo.trashed_at is None]
    if records:
        _way_on()
    skipped_table(progress.skipped)
    if progress.total == 1 and len(records) == 1:
        _one_photo(records[0])
    elif records:
        shown = records[:_MAX_RESULTS]
        on_open = opener([photo.id for photo in shown])
        photo_grid(shown, get_gallery().vocabulary, "results_grid", on_open)
        if len(records) > _MAX_RESULTS:
            st.caption(
                f"Showing {_MAX_RESULTS} of {len(records):,} photos. The gallery shows all of them."
            )


def _way_on() -> None:
    """Link to what people do after an upload."""
    with st.container(horizontal=True):
        st.page_link("gallery.py", label="Open the gallery", icon=":material/photo_library:")
        st.page_link("review.py", label="Review unsure photos", icon=":material/rule:")
        st.page_link("export.py", label="Export", icon=":material/download:")


def _show_summary(progress: Progress) -> None:
    classified = progress.done - len(progress.skipped)
    parts = [f"{classified:,} of {counted(progress.total, 'photo')} tagged"]
    if progress.known:
        parts.append(f"{progress.known:,} of them already in the library")
    if progress.copies:
        parts.append(f"{progress.copies:,} of them copies of others, in folders of albums")
    if progress.skipped:
        parts.append(f"{len(progress.skipped):,} skipped")
    show_job_result(progress, ", ".join(parts))


def _one_photo(photo: PhotoRecord) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        show_picture(photo)
        st.text(photo.name)
    with right:
        _headline(photo)
        predictions = predictions_or_reason(photo)
        if predictions is not None:
            decided_by = deciding_head(photo, predictions)
            head = get_services().classifier.head(decided_by)
            probabilities = predictions.by_head[decided_by].probabilities
            _probability_chart(probabilities, head.labels, head.name)
        if st.button("Edit and show details", icon=":material/edit:"):
            open_photo(photo.id)
    if predictions is not None:
        score_tabs(predictions, decided_by)


def _headline(photo: PhotoRecord) -> None:
    """Show the class and its confidence; where no head is sure, the best guess."""
    vocabulary = get_gallery().vocabulary
    is_filed = photo.class_source != NONE
    if is_filed:
        label, confidence = photo.photo_class, photo.class_score
    elif photo.guess is None or photo.guess_score is None:
        label, confidence = photo.class_head_label, photo.confidence
    else:
        label, confidence = photo.guess, photo.guess_score
    scene_column, confidence_column = st.columns(2)
    name = escape_markdown(vocabulary.display_name(label))
    scene_column.metric("Scene" if is_filed else "Best guess", name, border=True)
    confidence_column.metric("Confidence", f"{confidence:.1%}", border=True)
    if photo.has_class_score and photo.class_source != photo.class_head:
        class_head = escape_markdown(head_name(photo.class_head))
        guess = escape_markdown(vocabulary.display_name(photo.class_head_label))
        st.caption(
            f"{escape_markdown(class_source_text(photo))}. “{class_head}” is unsure; its best "
            f"guess is {guess}, {photo.confidence:.1%}."
        )
    elif not is_filed:
        guess = guess_text(photo, vocabulary)
        st.info(
            f"Unsure{f', {escape_markdown(guess)}' if guess else ''}. No label set is sure enough, "
            "so the photo is filed under “Unsure”.",
            icon=":material/help:",
        )
    if group := group_text(photo):
        st.caption(escape_markdown(group))


def _probability_chart(probabilities: FloatArray, labels: LabelSet, head: str) -> None:
    """Show one head's most probable labels in percent as labelled bars."""
    frame = pd.DataFrame(
        {
            "Label": [label.name for label in labels.labels],
            "Probability": [round(100 * float(p), 1) for p in probabilities],
        }
    )
    frame = frame.sort_values("Probability", ascending=False, kind="stable").head(_MAX_BARS)
    label = {"field": "Label", "type": "nominal"}
    probability: dict[str, Any] = {"field": "Probability", "type": "quantitative"}
    bar_labels = {"type": "text", "align": "left", "dx": 5, "color": "gray"}
    spec = {
        "title": f"{head}: probability (%)",
        "height": 32 * len(frame),
        "encoding": {
            "x": probability | {"scale": {"domain": [0, 110]}, "axis": None},
            "y": label | {"sort": frame["Label"].tolist(), "title": None},
            "tooltip": [label, probability],
        },
        "layer": [
            {"mark": {"type": "bar", "color": _BAR_COLOUR, "cornerRadius": 3}},
            {"mark": bar_labels, "encoding": {"text": probability | {"format": ".1f"}}},
        ],
    }
    st.vega_lite_chart(frame, spec)


try:
    _page()
except SceneError as error:
    show_error(error)
