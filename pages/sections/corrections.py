"""What was corrected, learned: what it would bring is shown first, one click goes back."""

import streamlit as st

from pages.sections.escape_markdown import escape_markdown
from pages.sections.job_progress import follow
from pages.sections.photo_facts import head_name
from pages.sections.problem import told
from pages.state.session import get_services
from scene_model.classifier.personal_head import MIN_CORRECTIONS, PersonalFigures
from scene_model.errors import SceneError
from scene_model.jobs.job import JobKind
from scene_model.learning.personal_heads import (
    HeadCandidates,
    count_corrections,
    personal_figures,
)

_LESSON, _PROBLEM, _NOTICE = "corrections_lesson", "corrections_problem", "corrections_notice"


def show_corrections() -> None:
    """Offer to learn from corrections, or say how many are missing; show what is in use."""
    services = get_services()
    if services.settings.is_shared:
        return  # one model answers all visitors of a server
    st.divider()
    st.subheader("Learn from your corrections")
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(problem, icon=":material/error:")
    if notice := st.session_state.pop(_NOTICE, None):
        st.success(notice, icon=":material/check_circle:")
    for job in services.jobs.running(JobKind.RETAG):
        follow(job)
    in_use = personal_figures(services.library, services.classifier)
    if in_use:
        _in_use(in_use)
    counts = count_corrections(services.library, services.classifier)
    said = " · ".join(
        f"{escape_markdown(head_name(head))}: {count:,}" for head, count in counts.items()
    )
    st.caption(
        "Photos you decided about, by the label set that could have said it: "
        f"{said}. From {MIN_CORRECTIONS} on, a label set can be trained on them."
    )
    missing = MIN_CORRECTIONS - max(counts.values())
    if missing > 0:
        st.info(
            f"{missing} more {'decision' if missing == 1 else 'decisions'} to go: accept or "
            "correct photos on the review page.",
            icon=":material/rule:",
        )
        st.page_link("review.py", label="Review photos", icon=":material/rule:")
    elif st.button("Try what they teach", icon=":material/model_training:"):
        _learn()
    candidate: HeadCandidates | None = st.session_state.get(_LESSON)
    if candidate is not None:
        _lesson(candidate)


def _learn() -> None:
    try:
        with st.spinner("Training on what you decided …"):
            st.session_state[_LESSON] = get_services().learn_corrections()
    except SceneError as error:
        st.session_state[_PROBLEM] = told(error)
        st.rerun()


def _lesson(candidate: HeadCandidates) -> None:
    with st.container(border=True):
        _figures({one.head.id: one.figures for one in candidate.heads})
        st.caption(
            "Each fifth of the photos you decided about was held back in turn, and a head that "
            "never saw them was asked. Both figures are of these photos, which are harder than "
            "others where you mostly correct what is wrong."
        )
        if all(one.figures.after <= one.figures.before for one in candidate.heads):
            st.warning("It would not get better. Decide about more photos, then try again.")
        st.markdown(
            f"Of the photos nobody decided about, **{candidate.would_change:,}** would get another "
            "answer. What you decided stays as it is."
        )
        with st.container(horizontal=True):
            if st.button("Use it and tag again", icon=":material/check:", type="primary"):
                _use(candidate)
            if st.button("Leave it", icon=":material/close:"):
                del st.session_state[_LESSON]
                st.rerun()


def _in_use(figures: dict[str, PersonalFigures]) -> None:
    with st.container(border=True):
        st.markdown("**In use: what you corrected was learned.**")
        _figures(figures)
        if st.button("Back to the shipped model", icon=":material/settings_backup_restore:"):
            _use(None)


def _figures(figures: dict[str, PersonalFigures]) -> None:
    with st.container(horizontal=True):
        for head, told in figures.items():
            gain = (told.after - told.before) / told.corrections
            st.metric(
                f"{escape_markdown(head_name(head))}: held-out decisions right",
                f"{told.after / told.corrections:.0%}",
                delta=f"{gain * 100:+.0f} points, before {told.before / told.corrections:.0%}",
                delta_color="normal" if gain else "off",
                delta_arrow="auto" if gain else "off",
                help=f"{told.before} of {told.corrections} before, {told.after} after",
            )


def _use(candidate: HeadCandidates | None) -> None:
    try:
        job = get_services().use_corrections(candidate)
    except SceneError as error:
        st.session_state[_PROBLEM] = told(error)
        st.rerun()
    st.session_state.pop(_LESSON, None)
    what = (
        "The shipped model is in use again" if candidate is None else "Your corrections are in use"
    )
    total = job.progress().total
    st.session_state[_NOTICE] = (
        f"{what}. {total:,} photos are tagged again; meanwhile everything else goes on."
    )
    st.rerun()
