"""The available models, switching between them, and retagging the library."""

from typing import Any

import streamlit as st

from pages.sections.job_progress import show_job_result, show_progress, skipped_table
from pages.sections.messages import counted, error_markdown, error_text, escape_markdown
from pages.state.session import get_services
from scene_model.classifier.bundle_description import BundleDescription, HeadEntry
from scene_model.classifier.catalogue import BundleEntry
from scene_model.errors import JobNotFound, SceneError
from scene_model.jobs.job import Job, JobKind
from scene_model.learning.retag_preview import RetagPreview, retag_preview
from scene_model.services import Services

_JOB_KEY = "retag_job"
_NOTICE_KEY, _ERROR_KEY = "model_notice", "model_error"
_MAX_LABEL_NAMES = 12
# Up to this many photos the preview is fast enough to show without a click.
MAX_AUTOMATIC_PREVIEW = 1_000


def notices() -> None:
    """Show why a model cannot be chosen or used, and the result of the last choice."""
    services = get_services()
    if services.settings.is_shared:
        return  # visitors cannot choose a model and must not see the server's folders
    if services.settings.names_a_bundle:
        st.info(
            "The model is set by the environment variable SCENE_BUNDLE: "
            f"{escape_markdown(str(services.settings.bundle))}. Unset it and restart to choose a "
            "model here.",
            icon=":material/lock:",
        )
    elif services.problem is not None:
        st.warning(
            "The model chosen for this library cannot be used; the default model is used instead. "
            f"{error_markdown(services.problem)}",
            icon=":material/warning:",
        )
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message, icon=":material/error:")
    if notice := st.session_state.pop(_NOTICE_KEY, None):
        st.success(notice, icon=":material/check_circle:")


def picker() -> None:
    """Show all models, each with a button to use it; the one in use first, damaged ones last."""
    services = get_services()
    if services.settings.is_shared:
        st.caption("The administrator of this server chooses the model for all visitors.")
        return
    bundles = sorted(
        services.model_choice.bundles(),
        key=lambda b: (b.description is None, not _is_used(b, services)),
    )
    with st.grid(2, min_column_width=320):
        for bundle in bundles:
            with st.container(border=True, height="stretch"):
                _card(bundle, services)
    folder = services.settings.bundles.expanduser().absolute()
    st.caption(
        f"Your own models are stored in {escape_markdown(str(folder))}. A model that you train "
        "with `scene-gallery fit`, or add with `scene-gallery models add`, is listed here "
        "immediately."
    )


def retag_panel() -> None:
    """Offer to retag photos tagged by another model; show the retagging job and its result."""
    services = get_services()
    job = _job(services)
    if job is not None and job.is_running:
        st.header("Retagging photos")
        show_progress(job)
        return
    if job is not None:
        progress = job.progress()
        count = progress.done - len(progress.skipped)
        summary = f"{count:,} of {counted(progress.total, 'photo')} retagged"
        if progress.skipped:
            summary += f", {len(progress.skipped):,} skipped and not changed"
        show_job_result(progress, summary)
        skipped_table(progress.skipped)
    count = services.library.count_tagged_by_other_bundles(services.classifier.bundle_id)
    if not count:
        return
    with st.container(border=True):
        st.markdown(
            f"**{counted(count, 'photo')} {'was' if count == 1 else 'were'} tagged by another "
            "model.** Retagging does not change your own decisions. You can cancel it and continue "
            "later."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"Retag {counted(count, 'photo')} with this model",
                icon=":material/autorenew:",
                type="primary",
                on_click=_start_retagging,
            )
            is_quick = count <= MAX_AUTOMATIC_PREVIEW
            if is_quick or st.button("Preview changes", icon=":material/query_stats:"):
                with st.spinner("Computing the preview …"):
                    preview = retag_preview(services.library, services.classifier)
                st.markdown(_retag_preview_text(preview), width="content")


def _retag_preview_text(preview: RetagPreview) -> str:
    if preview.total == preview.unknown:
        return "No preview: these photos were processed by a different network."
    previewed = preview.total - preview.unknown
    text = (
        f"**{preview.changed:,} of {counted(previewed, 'photo')} would change**: "
        f"{preview.class_changed:,} would get another class, {preview.tags_changed:,} other tags."
    )
    if preview.unknown:
        verb = "was" if preview.unknown == 1 else "were"
        text += (
            f" No preview for {counted(preview.unknown, 'more photo')}, which {verb} processed by "
            "a different network."
        )
    return text


def _card(bundle: BundleEntry, services: Services) -> None:
    description = bundle.description
    if description is None:
        st.markdown(f"**{escape_markdown(bundle.name)}** :red-badge[Damaged]")
        if bundle.problem is not None:
            st.text(error_text(bundle.problem))
        return
    is_loaded, is_used = _is_loaded(bundle, services), _is_used(bundle, services)
    badge = " :green-badge[:material/check: In use]" if is_used else ""
    st.markdown(f"**{escape_markdown(description.name)}**{badge}")
    notes = [f"created {description.created_at[:10]}"]
    if bundle.name != description.name:
        notes.append(f"folder {bundle.name}")
    if is_loaded and not is_used:
        notes.append("a new version was published after the program started")
    st.caption(escape_markdown(" · ".join(notes)))
    facts = _facts(description)
    st.markdown(
        "  \n".join(f"**{name}:** {escape_markdown(value)}" for name, value in facts.items())
    )
    if not is_used and description.heads:
        st.button(
            "Use this model",
            key=f"use_{bundle.name}",
            icon=":material/swap_horiz:",
            disabled=services.settings.names_a_bundle,
            on_click=use_model,
            args=(bundle.name, description.name),
        )


def _is_loaded(bundle: BundleEntry, services: Services) -> bool:
    return bundle.folder == services.classifier.bundle_dir.absolute()


def _is_used(bundle: BundleEntry, services: Services) -> bool:
    """Whether this exact model is in use, not a version published later in the same folder."""
    description = bundle.description
    return (
        description is not None
        and _is_loaded(bundle, services)
        and description.id == services.classifier.bundle.id
    )


def _facts(description: BundleDescription) -> dict[str, str]:
    origin = description.training.get("added_from")
    added = {} if origin is None else {"From": str(origin), "Licence": description.licence}
    if not description.heads:
        return {"Labels": "none; it serves search only"} | added
    head = next(head for head in description.heads if head.id == description.class_head)
    facts = {
        "Classes": _labels(head),
        "Label sets": ", ".join(f"{h.name} ({len(h.labels):,})" for h in description.heads),
    }
    accuracy = _accuracy(description.metrics.get(head.id))
    if accuracy is not None or added:
        facts["Accuracy (top 1)"] = accuracy or "not measured; compare it below"
    return facts | added


def _accuracy(measured: Any) -> str | None:
    """Format the measured accuracy; None when the bundle has no valid figure."""
    if not isinstance(measured, dict) or not isinstance(measured.get("top_1"), int | float):
        return None
    photos = measured.get("photos")
    total = f" of {counted(photos, 'photo')}" if isinstance(photos, int) else ""
    return f"{measured['top_1']:.1f}%{total}"


def _labels(head: HeadEntry) -> str:
    names = [label.name for label in head.labels]
    remaining = len(names) - _MAX_LABEL_NAMES
    more = f" and {remaining:,} more" if remaining > 0 else ""
    return ", ".join(names[:_MAX_LABEL_NAMES]) + more


def use_model(name: str, title: str) -> None:
    """Use a model from now on; title: its name for people. A callback of buttons."""
    try:
        get_services().model_choice.use_bundle(name)
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
        return
    st.session_state.pop(_JOB_KEY, None)
    st.session_state[_NOTICE_KEY] = f"New photos will be tagged by {escape_markdown(title)}."


def _start_retagging() -> None:
    st.session_state[_JOB_KEY] = get_services().jobs.retag().id


def _job(services: Services) -> Job | None:
    """Return the running retagging job of any session, else the last one of this session."""
    running = services.jobs.running(JobKind.RETAG)
    if running:
        st.session_state[_JOB_KEY] = running[-1].id
        return running[-1]
    job_id = st.session_state.get(_JOB_KEY)
    if job_id is None:
        return None
    try:
        return services.jobs.job(job_id)
    except JobNotFound:
        del st.session_state[_JOB_KEY]
        return None
