"""Train the heads on corrections: preview the gain, use it, or restore the original model."""

import streamlit as st

from pages.sections.job_progress import show_progress
from pages.sections.messages import counted, error_markdown, escape_markdown
from pages.sections.photo.facts import head_name
from pages.state.session import get_services
from scene_model.classifier.personal_head import MIN_CORRECTIONS, PersonalFigures
from scene_model.errors import SceneError
from scene_model.jobs.job import JobKind
from scene_model.learning.personal_heads import (
    HeadCandidates,
    count_corrections,
    personal_figures,
)

_CANDIDATE, _ERROR = "corrections_candidate", "corrections_error"
_NOTICE = "corrections_notice"


def show_corrections() -> None:
    """Offer to train on corrections, or show how many are missing; show the model in use."""
    services = get_services()
    if services.settings.is_shared:
        return  # all visitors share one model
    st.divider()
    st.header("Learn from your corrections")
    if message := st.session_state.pop(_ERROR, None):
        st.error(message, icon=":material/error:")
    if notice := st.session_state.pop(_NOTICE, None):
        st.success(notice, icon=":material/check_circle:")
    for job in services.jobs.running(JobKind.RETAG):
        show_progress(job)
    in_use = personal_figures(services.library, services.classifier)
    if in_use:
        _in_use(in_use)
    counts = count_corrections(services.library, services.classifier)
    per_head = " · ".join(
        f"{escape_markdown(head_name(head))}: {count:,}" for head, count in counts.items()
    )
    st.caption(
        f"Photos that you corrected or accepted, by label set: {per_head}. "
        f"A label set is trained only if it has at least {MIN_CORRECTIONS}."
    )
    missing = MIN_CORRECTIONS - max(counts.values())
    if missing > 0:
        st.info(
            f"{counted(missing, 'more decision')} needed: accept or correct photos on the Review "
            "page.",
            icon=":material/rule:",
        )
        st.page_link("review.py", label="Review photos", icon=":material/rule:")
    elif st.button("Train on corrections", icon=":material/model_training:"):
        _train()
    candidate: HeadCandidates | None = st.session_state.get(_CANDIDATE)
    if candidate is not None:
        _candidate_panel(candidate)


def _train() -> None:
    try:
        with st.spinner("Training on your corrections …"):
            st.session_state[_CANDIDATE] = get_services().model_choice.learn_corrections()
    except SceneError as error:
        st.session_state[_ERROR] = error_markdown(error)
        st.rerun()


def _candidate_panel(candidate: HeadCandidates) -> None:
    with st.container(border=True):
        _figures({trained.head.id: trained.figures for trained in candidate.heads})
        st.caption(
            "Cross-validated in five parts: each part was tested with a head trained on the other "
            "four. The accuracy before and after is measured on photos that you corrected or "
            "accepted. They are harder than average if you mostly correct mistakes."
        )
        if all(head.figures.after <= head.figures.before for head in candidate.heads):
            st.warning("Training does not improve the results. Review more photos, then try again.")
        st.markdown(
            f"**{counted(candidate.would_change, 'other photo')}** would get another prediction. "
            "Your own decisions do not change."
        )
        with st.container(horizontal=True):
            if st.button("Use and retag photos", icon=":material/check:", type="primary"):
                _use(candidate)
            if st.button("Discard result", icon=":material/close:"):
                del st.session_state[_CANDIDATE]
                st.rerun()


def _in_use(figures: dict[str, PersonalFigures]) -> None:
    with st.container(border=True):
        st.markdown("**In use: the model trained on your corrections.**")
        _figures(figures)
        if st.button("Restore original model", icon=":material/settings_backup_restore:"):
            _use(None)


def _figures(figures: dict[str, PersonalFigures]) -> None:
    with st.container(horizontal=True):
        for head, result in figures.items():
            gain = (result.after - result.before) / result.corrections
            points = f"{gain * 100:+.0f}"
            noun = "point" if points in ("+1", "-1") else "points"
            st.metric(
                f"{escape_markdown(head_name(head))}: held-out accuracy",
                f"{result.after / result.corrections:.0%}",
                delta=f"{points} percentage {noun}, from {result.before / result.corrections:.0%}",
                delta_color="normal" if gain else "off",
                delta_arrow="auto" if gain else "off",
                help=f"{result.before} of {result.corrections} before, {result.after} after",
            )


def _use(candidate: HeadCandidates | None) -> None:
    try:
        job = get_services().model_choice.use_corrections(candidate)
    except SceneError as error:
        st.session_state[_ERROR] = error_markdown(error)
        st.rerun()
    st.session_state.pop(_CANDIDATE, None)
    change = (
        "The original model is in use again" if candidate is None else "Your corrections are in use"
    )
    photos = counted(job.progress().total, "photo")
    st.session_state[_NOTICE] = f"{change}. Retagging {photos}; you can keep working."
    st.rerun()
