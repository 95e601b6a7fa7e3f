"""Compare another model with the one in use on photos that people decided about, then use it."""

from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.sections.messages import counted, error_markdown, escape_markdown
from pages.sections.models import use_model
from pages.state.session import get_gallery, get_services
from scene_model.classifier.catalogue import BundleEntry
from scene_model.errors import SceneError, UnusableFolders
from scene_model.jobs.comparison_run import ComparisonRun, ComparisonTask
from scene_model.learning.compared_photos import (
    UNDECIDED_SAMPLE,
    PhotoToCompare,
    decided_photos,
    labelled_files,
    undecided_photos,
)
from scene_model.learning.model_comparison import (
    Answer,
    ComparedPhoto,
    ModelComparison,
    ModelFigures,
    Outcome,
)
from scene_model.model_files import open_bundle
from scene_model.services import Services

_RUN, _ERROR, _MODEL, _SOURCE, _FOLDER = (
    f"comparison_{part}" for part in ("run", "error", "model", "source", "folder")
)
_DECIDED, _LABELLED = "Classes that you chose", "A folder of class folders"
_MAX_PHOTOS, _MAX_ROWS = 1_000, 500
_MARKS = {Outcome.RIGHT: "✓ ", Outcome.WRONG: "✗ ", Outcome.UNSURE: "", None: ""}


def model_comparison() -> None:
    """Show the form, a running comparison or its result; nothing without another model."""
    services = get_services()
    if services.settings.is_shared:
        return
    others = [
        bundle
        for bundle in services.model_choice.bundles()
        if bundle.description is not None
        and bundle.description.heads
        and bundle.description.id != services.classifier.bundle.id
    ]
    if not others:
        return
    st.header("Compare before you change")
    run: ComparisonRun | None = st.session_state.get(_RUN)
    if run is not None and run.is_running:
        _progress(run)
        return
    if run is not None:
        _result(run, services)
    _form(others, services)


def _form(others: list[BundleEntry], services: Services) -> None:
    st.markdown(
        "Which model is right more often on photos whose answer you know? Nothing changes until "
        "you use the other one."
    )
    names = [bundle.name for bundle in others]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Model", names, key=_MODEL, width=260)
        source = st.selectbox("Photos", [_DECIDED, _LABELLED], key=_SOURCE, width=260)
        if source == _LABELLED:
            st.text_input(
                "Folder on this computer", key=_FOLDER, placeholder="/photos/labelled", width=320
            )
        st.button("Compare", icon=":material/compare_arrows:", on_click=_start)
    if message := st.session_state.pop(_ERROR, None):
        st.error(message, icon=":material/error:")


def _start() -> None:
    # Not as arguments: these would be those of the last run, before a choice that is on its way.
    name, source = str(st.session_state[_MODEL]), str(st.session_state[_SOURCE])
    services = get_services()
    folder = next(b.folder for b in services.model_choice.bundles() if b.name == name)
    try:
        photos = _photos(source, services)
    except SceneError as error:
        st.session_state[_ERROR] = error_markdown(error)
        return
    if not photos:
        st.session_state[_ERROR] = (
            "No photo has a class that you chose. Correct some photos, for instance on the Review "
            "page, or compare on a folder of class folders."
        )
        return
    opening = partial(open_bundle, folder, services.settings, services.library.decoders)
    st.session_state[_RUN] = ComparisonRun(
        ComparisonTask(
            name,
            services.classifier.shipped,
            opening,
            services.library,
            photos,
            by_head=source == _LABELLED,
            workers=services.settings.workers,
        )
    )


def _photos(source: str, services: Services) -> list[PhotoToCompare]:
    if source == _LABELLED:
        typed = str(st.session_state.get(_FOLDER, "")).strip()
        if not typed:
            raise UnusableFolders("Enter a folder whose folders are classes.")
        return labelled_files(Path(typed), _MAX_PHOTOS)
    decided = decided_photos(services.library, _MAX_PHOTOS)
    return decided and [*decided, *undecided_photos(services.library, UNDECIDED_SAMPLE)]


@st.fragment(run_every="0.5s")
def _progress(run: ComparisonRun) -> None:
    if not run.is_running:
        st.rerun()
    total = len(run.task.photos)
    text = "Measuring speed …" if not run.done else f"{run.done:,} of {counted(total, 'photo')}"
    st.progress(run.done / total, text)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Stop", icon=":material/stop_circle:", on_click=run.stop)
        st.caption("You can open other pages; the comparison continues.")


def _result(run: ComparisonRun, services: Services) -> None:
    if run.error is not None:
        st.error(error_markdown(run.error), icon=":material/error:")
        return
    comparison = run.comparison()
    if run.is_stopped:
        st.warning(
            f"Stopped after {counted(run.done, 'photo')} of {len(run.task.photos):,}.",
            icon=":material/stop_circle:",
        )
    if not comparison.judged:
        st.info(
            "The two models have no label in common on these photos, and no groups, so they cannot "
            "be compared.",
            icon=":material/info:",
        )
        return
    _figures(run, comparison)
    st.markdown("  \n".join(_sentences(run, comparison)))
    if not run.task.by_head:
        st.caption(
            "People mostly choose a class where the model in use was wrong, which makes it look "
            "worse than it is. A folder of class folders does not."
        )
    _changes(comparison)
    is_other = run.task.name != services.classifier.bundle_dir.name
    if is_other and not services.settings.names_a_bundle:
        st.button(
            f"Use {run.task.name}",
            icon=":material/swap_horiz:",
            key="use_compared",
            on_click=_use,
            args=(run.task.name,),
        )


def _use(name: str) -> None:
    st.session_state.pop(_RUN, None)
    use_model(name, name)


def _figures(run: ComparisonRun, comparison: ModelComparison) -> None:
    rates = run.rates or (0.0, 0.0)
    names = "In use", run.task.name
    both = comparison.current, comparison.candidate
    with st.grid(2, min_column_width=280):
        for name, figures, rate in zip(names, both, rates, strict=True):
            with st.container(border=True):
                st.markdown(f"**{escape_markdown(name)}**")
                _model_figures(figures, rate)


def _model_figures(figures: ModelFigures, rate: float) -> None:
    low, high = figures.right_interval
    accuracy = "–" if figures.accuracy is None else f"{figures.accuracy:.0%}"
    share = figures.right / figures.photos
    with st.container(horizontal=True):
        st.metric("Right", f"{share:.0%}", help=f"95 % interval: {low:.0f} to {high:.0f} %")
        st.metric("Sure", f"{figures.coverage:.0%}", help="Share of the photos it is sure of")
        st.metric("Right when sure", accuracy)
        st.metric("Photos per second", f"{rate:,.0f}", help="The network alone, on one core")
    st.caption(
        f"Right {figures.right:,}, unsure {figures.unsure:,}, wrong {figures.wrong:,}; right "
        f"between {low:.0f} and {high:.0f} % with 95 % confidence"
    )


def _sentences(run: ComparisonRun, comparison: ModelComparison) -> list[str]:
    name = escape_markdown(run.task.name)
    gained, lost = len(comparison.gained), len(comparison.lost)
    verdict = (
        "That is no clear difference."
        if not comparison.is_clear
        else (f"**{name if gained > lost else 'The model in use'} is right more often.**")
    )
    lines = [
        f"{counted(len(comparison.judged), 'photo')} compared: only {name} is right on {gained:,}, "
        f"only the model in use on {lost:,}. {verdict}"
    ]
    if comparison.by_group_count:
        lines.append(
            f"{counted(comparison.by_group_count, 'photo')} compared by the group, because only "
            "one of the models has the label."
        )
    if comparison.incomparable:
        words = ", ".join(escape_markdown(word) for word in sorted(comparison.incomparable)[:12])
        lines.append(
            f"{counted(comparison.incomparable.total(), 'photo')} not compared, because their "
            f"labels are not in both models: {words}."
        )
    if comparison.undecided:
        changed = sum(photo.truth is None for photo in comparison.changed)
        lines.append(
            f"Of {counted(len(comparison.undecided), 'photo')} that you did not decide on, "
            f"{changed:,} would get another class."
        )
    if comparison.failed:
        lines.append(f"{counted(len(comparison.failed), 'photo')} could not be read.")
    return lines


def _changes(comparison: ModelComparison) -> None:
    if not comparison.changed:
        return
    # First what people know the answer of.
    rows = sorted(comparison.changed, key=lambda photo: photo.truth is None)[:_MAX_ROWS]
    with st.expander(f"{counted(len(comparison.changed), 'photo')} would change"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Photo": [photo.name for photo in rows],
                    "You say": [_truth(photo) for photo in rows],
                    "In use": [_text(photo.current) for photo in rows],
                    "Other model": [_text(photo.candidate) for photo in rows],
                }
            ),
            hide_index=True,
        )


def _truth(photo: ComparedPhoto) -> str:
    return "" if photo.truth is None else get_gallery().vocabulary.display_name(photo.truth)


def _text(answer: Answer) -> str:
    return _MARKS[answer.outcome] + get_gallery().vocabulary.display_name(answer.label)
