"""Which model does what: tags, and searches in one's own words with their embeddings."""

from collections.abc import Sequence

import streamlit as st

from pages.sections.job_progress import show_job_result, show_progress, skipped_table
from pages.sections.messages import counted, error_markdown, escape_markdown, size_text
from pages.state.session import get_services
from scene_model.errors import JobNotFound, SceneError
from scene_model.jobs.job import JobKind
from scene_model.search_choice import SearchState, StoredEmbeddings
from scene_model.services import Services

_JOB, _CHOICE, _NOTICE, _ERROR = "embed_job", "search_model", "search_notice", "search_error"
_NOBODY = ""  # no search model


def search_model() -> None:
    """Show which model tags photos and which finds them by sentences, and change the latter."""
    services = get_services()
    st.header("Which model does what")
    if message := st.session_state.pop(_ERROR, None):
        st.error(message, icon=":material/error:")
    if notice := st.session_state.pop(_NOTICE, None):
        st.success(notice, icon=":material/check_circle:")
    state = services.search_choice.state()
    is_shared = services.settings.is_shared
    all_stored = () if is_shared else services.search_choice.stored()
    unused = [stored for stored in all_stored if not stored.is_in_use]
    st.markdown(_table(services, state, unused))
    if state is not None and state.problem is not None:
        show = st.info if state.is_automatic else st.warning
        show(
            f"The search model cannot be used. {error_markdown(state.problem)}",
            icon=":material/info:" if state.is_automatic else ":material/warning:",
        )
    if is_shared:
        return  # the administrator chooses
    _picker(services, state)
    _embeddings(services, state)
    for stored in unused:
        st.button(
            f"Remove the embeddings of {escape_markdown(stored.model or stored.network)} "
            f"({size_text(stored.file_bytes)})",
            key=f"remove_embeddings_{stored.network}",
            icon=":material/delete:",
            on_click=_remove,
            args=(stored.network,),
        )


def _table(
    services: Services, state: SearchState | None, unused: Sequence[StoredEmbeddings]
) -> str:
    tags = escape_markdown(services.classifier.bundle.name)
    rows = [
        "| What | Model | Embeddings |",
        "|---|---|---|",
        f"| Classes and tags | {tags} | each photo's own |",
    ]
    words = "Search in your own words"
    if state is None or state.title is None:
        rows.append(f"| {words} | none | |")
    elif state.embeddings is None:
        rows.append(f"| {words} | {escape_markdown(state.title)} | each photo's own |")
    else:
        counts = state.embeddings
        done = f"{counts.embedded:,} of {counted(counts.embedded + counts.missing, 'photo')}"
        disk = f", {size_text(counts.file_bytes)}" if counts.file_bytes else ""
        rows.append(f"| {words} | {escape_markdown(state.title)} | {done}{disk} |")
    for stored in unused:
        disk = f"{counted(stored.embedded, 'photo')}, {size_text(stored.file_bytes)}"
        rows.append(f"| Not in use | {escape_markdown(stored.model or stored.network)} | {disk} |")
    return "\n".join(rows)


def _picker(services: Services, state: SearchState | None) -> None:
    names = {entry.name: entry.name for entry in services.search_choice.bundles()}
    if not names:
        st.caption(
            "No model here reads sentences. With one, the search also finds photos by words that "
            "are no tags, such as “a dog in the snow”. `scene-gallery models add` adds one."
        )
        return
    options = [_NOBODY, *names]
    current = state.name if state is not None and state.name in names else _NOBODY
    st.session_state[_CHOICE] = current
    st.selectbox(
        "Model for searches in your own words",
        options,
        format_func=lambda name: names.get(name, "None: search by tags and names only"),
        key=_CHOICE,
        on_change=_use,
        width=420,
    )


def _embeddings(services: Services, state: SearchState | None) -> None:
    """Show the job that computes embeddings, or offer to start it and to remove them."""
    job = services.search_choice.running()
    if job is not None:
        st.session_state[_JOB] = job.id
        st.markdown("**Computing embeddings for the search**")
        show_progress(job, services.search_choice.stop)
        return
    _last_result(services)
    if state is None or state.embeddings is None:
        return
    counts = state.embeddings
    if counts.missing:
        st.markdown(
            f"{counted(counts.missing, 'photo')} cannot be found by a sentence yet. Their "
            f"embeddings take {size_text(counts.missing_bytes)} of disk. They are computed in the "
            "background; you can cancel that and continue later."
        )
    with st.container(horizontal=True):
        if counts.missing:
            st.button(
                f"Compute for {counted(counts.missing, 'photo')}",
                key="start_embedding",
                icon=":material/play_arrow:",
                type="primary",
                on_click=_start,
            )
        # Photos' own embeddings stay, and theirs is this file.
        if (counts.embedded or counts.file_bytes) and not counts.is_own:
            st.button(
                f"Remove these embeddings ({size_text(counts.file_bytes)})",
                key="remove_embeddings",
                icon=":material/delete:",
                on_click=_remove,
            )


def _last_result(services: Services) -> None:
    """Show the result of the job that this page showed last, when it has ended."""
    job_id = st.session_state.get(_JOB)
    if job_id is None:
        return
    try:
        job = services.jobs.job(job_id)
    except JobNotFound:
        del st.session_state[_JOB]
        return
    if job.kind is not JobKind.EMBED:
        return
    progress = job.progress()
    count = progress.done - len(progress.skipped)
    summary = f"{count:,} of {counted(progress.total, 'photo')} can be found by sentences now"
    if progress.skipped:
        summary += f", {len(progress.skipped):,} skipped"
    show_job_result(progress, summary)
    skipped_table(progress.skipped)


def _use() -> None:
    name = st.session_state[_CHOICE]
    st.session_state.pop(_JOB, None)
    try:
        get_services().search_choice.use(name or None)
    except SceneError as error:
        st.session_state[_ERROR] = error_markdown(error)


def _start() -> None:
    try:
        st.session_state[_JOB] = get_services().search_choice.start().id
    except SceneError as error:
        st.session_state[_ERROR] = error_markdown(error)


def _remove(network: str | None = None) -> None:
    st.session_state.pop(_JOB, None)
    try:
        freed_bytes = get_services().search_choice.remove(network)
    except SceneError as error:
        st.session_state[_ERROR] = error_markdown(error)
        return
    st.session_state[_NOTICE] = f"The embeddings were removed: {size_text(freed_bytes)} freed."
