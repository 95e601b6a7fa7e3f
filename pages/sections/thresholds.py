"""Confidence thresholds of the class head: preview a change, save it, undo it."""

from collections.abc import Sequence

import streamlit as st

from pages.sections.messages import counted, error_markdown, escape_markdown
from pages.state.session import get_gallery, get_services
from pages.widgets.thumbnails import thumbnails
from scene_model.classifier.heads import Head
from scene_model.errors import SceneError
from scene_model.learning.thresholds import (
    HIGHEST,
    LOWEST,
    ClassScores,
    Thresholds,
    can_undo,
    class_scores,
    own_thresholds,
    preview_thresholds,
    thresholds_before,
)

_ALL_LABELS, _MAX_SHOWN = "", 12
_SCORES, _NOTICE = "threshold_scores", "threshold_notice"


def show_thresholds() -> None:
    """Show the controls to preview and save thresholds, for all labels or for one."""
    services = get_services()
    head = services.classifier.class_head
    own = own_thresholds(services.library, services.classifier)
    if notice := st.session_state.pop(_NOTICE, None):
        st.success(notice, icon=":material/check_circle:")
    st.markdown(
        f"“{escape_markdown(head.name)}” sets the class of a photo if the confidence of the "
        "prediction reaches the threshold. Move the slider to see which photos would get a class "
        "from it, and which would lose it. Nothing changes until you save."
    )
    label, threshold = _inputs(head, own)
    labels = head.labels.ids if label == _ALL_LABELS else (label,)
    chosen = own | dict.fromkeys(labels, threshold)
    preview = preview_thresholds(_scores(), services.classifier, chosen)
    with st.container(horizontal=True):
        st.metric(
            "Photos with a class",
            f"{preview.filed_then:,}",
            preview.filed_then - preview.filed_now or None,
        )
        st.metric("Would get a class", f"{len(preview.enters):,}")
        st.metric("Would lose the class", f"{len(preview.leaves):,}")
    if not services.settings.is_shared:
        is_new = any(abs(_current(head, own, i) - threshold) > 1e-6 for i in labels)
        _buttons(chosen, own, is_new, label)
    for title, ids in (
        ("Would get a class", preview.enters),
        ("Would lose the class", preview.leaves),
    ):
        _moved_photos(title, ids)


def _inputs(head: Head, own: Thresholds) -> tuple[str, float]:
    names = get_gallery().vocabulary
    label_column, slider_column = st.columns([1, 2], gap="large")

    def label_with_threshold(label: str) -> str:
        if label == _ALL_LABELS:
            return "All labels"
        return f"{names.display_name(label)} · {_current(head, own, label):.0%}"

    label = label_column.selectbox(
        "Label",
        [_ALL_LABELS, *head.labels.ids],
        format_func=label_with_threshold,
        key="threshold_label",
    )
    # A new key when the threshold in use changes, so that the slider moves to it.
    current = _current(head, own, label)
    chosen = slider_column.slider(
        "Minimum confidence",
        LOWEST,
        HIGHEST,
        current,
        0.01,
        key=f"threshold_{label}_{current:.2f}",
        format="percent",
    )
    return label, round(float(chosen), 2)


def _current(head: Head, own: Thresholds, label: str) -> float:
    """Return the threshold in use; for all labels, the most common one."""
    if label != _ALL_LABELS:
        return own.get(label, head.confidence_threshold)
    thresholds = [own.get(i, head.confidence_threshold) for i in head.labels.ids]
    return max(thresholds, key=thresholds.count)


def _scores() -> ClassScores:
    """Return the class head's scores of all photos, cached until model or library change."""
    services = get_services()
    cache_key = (services.classifier.bundle_id, services.library.version())
    cached: tuple[object, ClassScores] | None = st.session_state.get(_SCORES)
    if cached is None or cached[0] != cache_key:
        with st.spinner("Reading predictions …"):
            cached = (cache_key, class_scores(services.library, services.classifier))
        st.session_state[_SCORES] = cached
    return cached[1]


def _buttons(chosen: Thresholds, own: Thresholds, is_new: bool, label: str) -> None:
    services = get_services()
    scope = (
        "for all labels"
        if label == _ALL_LABELS
        else f"for {services.vocabulary.display_name(label)}"
    )
    before = thresholds_before(services.library, services.classifier)
    with st.container(horizontal=True):
        st.button(
            f"Save {escape_markdown(scope)}",
            icon=":material/save:",
            type="primary",
            disabled=not is_new,
            on_click=_save,
            args=(chosen, "Saved"),
        )
        if can_undo(services.library, services.classifier):
            st.button(
                "Undo last change",
                icon=":material/undo:",
                on_click=_save,
                args=(before, "Undone"),
            )
        if own:
            st.button(
                "Restore model defaults",
                icon=":material/settings_backup_restore:",
                on_click=_save,
                args=({}, "Model defaults restored"),
            )


def _save(chosen: Thresholds, result: str) -> None:
    try:
        changed = get_services().model_choice.use_thresholds(chosen)
    except SceneError as error:
        st.toast(error_markdown(error))
        return
    st.session_state[_NOTICE] = (
        f"{result}. {counted(changed.entered, 'photo')} got a class, {changed.left:,} lost it. "
        "Search, export and new photos use these thresholds."
    )


def _moved_photos(title: str, ids: Sequence[str]) -> None:
    if not ids:
        return
    st.header(f"{title}: {len(ids):,}")
    thumbnails(list(get_gallery().library.records(ids[:_MAX_SHOWN])), height_rem=7)
    if st.button("Select in gallery", icon=":material/select_all:", key=f"select_{title}"):
        get_gallery().select(ids)
        st.switch_page("gallery.py")
