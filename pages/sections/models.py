"""The models there are, which of them is in use, and tagging the library again with it."""

from typing import Any

import streamlit as st

from pages.sections.escape_markdown import escape_markdown
from pages.sections.job_progress import follow, say_what_became, skipped_table
from pages.sections.problem import told
from pages.state.session import get_services
from scene_model.classifier.bundle import BundleDescription, HeadEntry
from scene_model.classifier.catalogue import BundleEntry
from scene_model.errors import JobNotFound, SceneError
from scene_model.jobs.job import Job, JobKind
from scene_model.learning.retag_preview import RetagPreview
from scene_model.services import Services

AGAIN_KEY = "tag_again_job"
_NOTICE_KEY, _PROBLEM_KEY = "model_notice", "model_problem"
_LABELS_NAMED = 12
# So many photos are asked about in a blink; more take a click.
_FORECAST_AT_ONCE = 1_000


def notices() -> None:
    """What is to be known before a model is chosen, and what became of choosing one."""
    services = get_services()
    if services.settings.is_shared:
        return  # nothing is chosen here, and the server's folders are not for visitors
    if services.settings.names_a_bundle:
        st.info(
            f"The variable SCENE_BUNDLE names the model to use: {services.settings.bundle}. "
            "Unset it and start again to choose one here.",
            icon=":material/lock:",
        )
    elif services.problem is not None:
        st.warning(
            f"The model chosen for this library cannot be used, so the program's own was taken. "
            f"{told(services.problem)}",
            icon=":material/warning:",
        )
    if problem := st.session_state.pop(_PROBLEM_KEY, None):
        st.error(problem, icon=":material/error:")
    if notice := st.session_state.pop(_NOTICE_KEY, None):
        st.success(notice, icon=":material/check_circle:")


def picker() -> None:
    """Every model there is, with a button to use it; the one in use first, damaged ones last."""
    services = get_services()
    if services.settings.is_shared:
        st.caption("Whoever runs this server chooses the model for all its visitors.")
        return
    bundles = sorted(
        services.bundles(), key=lambda b: (b.description is None, not _is_used(b, services))
    )
    with st.grid(2, min_column_width=320):
        for bundle in bundles:
            with st.container(border=True, height="stretch"):
                _card(bundle, services)
    folder = services.settings.bundles.expanduser().absolute()
    st.caption(
        f"Your own models lie in {escape_markdown(str(folder))}. One that you make from your own "
        "folders (`scene-gallery fit`) is published there and offered here at once."
    )


def retag_panel() -> None:
    """Offer to tag again what another model tagged; show the job that does it, and its end."""
    services = get_services()
    job = _job(services)
    if job is not None and job.is_running:
        st.subheader("Tagging again")
        follow(job)
        return
    if job is not None:
        progress = job.progress()
        count = progress.done - len(progress.skipped)
        said = f"{count:,} of {progress.total:,} photos tagged again"
        if progress.skipped:
            said += f", {len(progress.skipped):,} skipped and left as they were"
        say_what_became(progress, said)
        skipped_table(progress.skipped)
    count = services.library.count_tagged_by_others(services.classifier.bundle_id)
    if not count:
        return
    with st.container(border=True):
        st.markdown(
            f"**{_photos(count)} tagged by another model.** What you decided yourself stays as "
            "it is, and you can stop and go on whenever you like."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"Tag the {_photos(count)} again with this model",
                icon=":material/autorenew:",
                type="primary",
                on_click=_start_again,
            )
            is_quick = count <= _FORECAST_AT_ONCE
            if is_quick or st.button("What would change?", icon=":material/query_stats:"):
                with st.spinner("Asking the model …"):
                    told = services.retag_preview()
                st.markdown(_retag_preview_text(told), width="content")


def _retag_preview_text(told: RetagPreview) -> str:
    if told.total == told.unknown:
        return "Another network saw these photos: it takes a look at them to tell."
    known = told.total - told.unknown
    said = (
        f"**{told.changed:,} of {_photos(known)} would change**: {told.class_changed:,} their "
        f"class, {told.tags_changed:,} their tags."
    )
    if told.unknown:
        said += f" {_photos(told.unknown)} more have to be looked at to tell."
    return said


def _card(bundle: BundleEntry, services: Services) -> None:
    description = bundle.description
    if description is None:
        st.markdown(f"**{escape_markdown(bundle.name)}** :red-badge[Damaged]")
        if bundle.problem is not None:
            st.text(told(bundle.problem))
        return
    is_here, is_used = _is_here(bundle, services), _is_used(bundle, services)
    badge = " :green-badge[:material/check: In use]" if is_used else ""
    st.markdown(f"**{escape_markdown(description.name)}**{badge}")
    made = [f"made {description.created_at[:10]}"]
    if bundle.name != description.name:
        made.append(f"in the folder {bundle.name}")
    if is_here and not is_used:
        made.append("published again since the program started")
    st.caption(escape_markdown(" · ".join(made)))
    facts = _facts(description)
    st.markdown(
        "  \n".join(f"**{name}:** {escape_markdown(value)}" for name, value in facts.items())
    )
    if not is_used:
        st.button(
            "Use this model",
            key=f"use_{bundle.name}",
            icon=":material/swap_horiz:",
            disabled=services.settings.names_a_bundle,
            on_click=_use,
            args=(bundle.name, description.name),
        )


def _is_here(bundle: BundleEntry, services: Services) -> bool:
    return bundle.folder == services.classifier.bundle_dir.absolute()


def _is_used(bundle: BundleEntry, services: Services) -> bool:
    """Tell whether it is the model in use, and not another published in its place since."""
    said = bundle.description
    return (
        said is not None and _is_here(bundle, services) and said.id == services.classifier.bundle.id
    )


def _facts(description: BundleDescription) -> dict[str, str]:
    head = next(head for head in description.heads if head.id == description.class_head)
    facts = {
        "Files photos under": _labels(head),
        "Label sets": ", ".join(f"{h.name} ({len(h.labels):,})" for h in description.heads),
    }
    accuracy = _accuracy(description.metrics.get(head.id))
    if accuracy is not None:
        facts["First label right"] = accuracy
    return facts


def _accuracy(measured: Any) -> str | None:
    """Measured accuracy in words; None when the bundle does not say, or not as a number."""
    if not isinstance(measured, dict) or not isinstance(measured.get("top_1"), int | float):
        return None
    photos = measured.get("photos")
    among = f" of {photos:,} photos" if isinstance(photos, int) else ""
    return f"{measured['top_1']:.1f} %{among}"


def _labels(head: HeadEntry) -> str:
    names = [label.name for label in head.labels]
    rest = len(names) - _LABELS_NAMED
    more = f" and {rest:,} more" if rest > 0 else ""
    return ", ".join(names[:_LABELS_NAMED]) + more


def _use(name: str, title: str) -> None:
    try:
        get_services().use_bundle(name)
    except SceneError as error:
        st.session_state[_PROBLEM_KEY] = told(error)
        return
    st.session_state.pop(AGAIN_KEY, None)
    st.session_state[_NOTICE_KEY] = (
        f"New photos are tagged by {escape_markdown(title)} from now on."
    )


def _start_again() -> None:
    st.session_state[AGAIN_KEY] = get_services().jobs.retag().id


def _job(services: Services) -> Job | None:
    """The running job, whoever started it; else the one this session saw end."""
    running = services.jobs.running(JobKind.RETAG)
    if running:
        st.session_state[AGAIN_KEY] = running[-1].id
        return running[-1]
    job_id = st.session_state.get(AGAIN_KEY)
    if job_id is None:
        return None
    try:
        return services.jobs.job(job_id)
    except JobNotFound:
        del st.session_state[AGAIN_KEY]
        return None


def _photos(count: int) -> str:
    return f"{count:,} photo" if count == 1 else f"{count:,} photos"
