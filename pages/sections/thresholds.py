"""From how sure on the model files a photo: what another threshold would do, before it is kept."""

from collections.abc import Sequence

import streamlit as st

from pages.sections.escape_markdown import escape_markdown
from pages.sections.problem import told
from pages.sections.thumbnails import thumbnails
from pages.state.session import get_gallery, get_services
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

_EVERY, _SHOWN, _SCORES, _NOTICE = "", 12, "threshold_scores", "threshold_notice"


def show_thresholds() -> None:
    """Let the visitor try thresholds of the class head, all labels' or one's, and keep them."""
    services = get_services()
    head = services.classifier.heads[services.classifier.bundle.class_head]
    own = own_thresholds(services.library, services.classifier)
    if notice := st.session_state.pop(_NOTICE, None):
        st.success(notice, icon=":material/check_circle:")
    st.markdown(
        f"“{escape_markdown(head.name)}” files a photo when it is sure enough of it. Move the "
        "slider to see which photos another limit lets in or out; nothing is changed before you "
        "save it."
    )
    label, limit = _asked(head, own)
    labels = head.labels.ids if label == _EVERY else (label,)
    chosen = own | dict.fromkeys(labels, limit)
    told = preview_thresholds(_scores(), services.classifier, chosen)
    with st.container(horizontal=True):
        st.metric(
            "Photos it files", f"{told.filed_then:,}", told.filed_then - told.filed_now or None
        )
        st.metric("Would enter", f"{len(told.enters):,}")
        st.metric("Would leave", f"{len(told.leaves):,}")
    if not services.settings.is_shared:
        is_new = any(abs(_now(head, own, one) - limit) > 1e-6 for one in labels)
        _buttons(chosen, own, is_new, label)
    for title, ids in (("Would enter", told.enters), ("Would leave", told.leaves)):
        _moved(title, ids)


def _asked(head: Head, own: Thresholds) -> tuple[str, float]:
    names = get_gallery().vocabulary
    of_label, limit = st.columns([1, 2], gap="large")

    def said(label: str) -> str:
        if label == _EVERY:
            return "All labels"
        return f"{names.display_name(label)} · {_now(head, own, label):.0%}"

    label = of_label.selectbox(
        "Of", [_EVERY, *head.labels.ids], format_func=said, key="threshold_label"
    )
    # A new key where another limit holds: the slider then stands at what is in use.
    now = _now(head, own, label)
    chosen = limit.slider(
        "Sure from",
        LOWEST,
        HIGHEST,
        now,
        0.01,
        key=f"threshold_{label}_{now:.2f}",
        format="percent",
    )
    return label, round(float(chosen), 2)


def _now(head: Head, own: Thresholds, label: str) -> float:
    """The limit in use; of all labels, that of most of them."""
    if label != _EVERY:
        return own.get(label, head.confidence_threshold)
    limits = [own.get(one, head.confidence_threshold) for one in head.labels.ids]
    return max(limits, key=limits.count)


def _scores() -> ClassScores:
    """What the head said of every photo, read once and while nothing is changed."""
    services = get_services()
    asked = (services.classifier.bundle_id, services.library.version())
    known: tuple[object, ClassScores] | None = st.session_state.get(_SCORES)
    if known is None or known[0] != asked:
        with st.spinner("Reading what the model said of your photos …"):
            known = (asked, class_scores(services.library, services.classifier))
        st.session_state[_SCORES] = known
    return known[1]


def _buttons(chosen: Thresholds, own: Thresholds, is_new: bool, label: str) -> None:
    services = get_services()
    what = "for all labels" if label == _EVERY else f"for {services.vocabulary.display_name(label)}"
    before = thresholds_before(services.library, services.classifier)
    with st.container(horizontal=True):
        st.button(
            f"Save {escape_markdown(what)}",
            icon=":material/save:",
            type="primary",
            disabled=not is_new,
            on_click=_keep,
            args=(chosen, "Saved"),
        )
        if can_undo(services.library, services.classifier):
            st.button(
                "Undo the last change",
                icon=":material/undo:",
                on_click=_keep,
                args=(before, "Taken back"),
            )
        if own:
            st.button(
                "Back to the model's own",
                icon=":material/settings_backup_restore:",
                on_click=_keep,
                args=({}, "The model's own limits hold again"),
            )


def _keep(chosen: Thresholds, what: str) -> None:
    try:
        changed = get_services().use_thresholds(chosen)
    except SceneError as error:
        st.toast(told(error))
        return
    st.session_state[_NOTICE] = (
        f"{what}. {changed.entered:,} photos came in, {changed.left:,} went out. Search, export "
        "and new photos go by it."
    )


def _moved(title: str, ids: Sequence[str]) -> None:
    if not ids:
        return
    st.subheader(f"{title}: {len(ids):,}")
    thumbnails(list(get_gallery().library.records(ids[:_SHOWN])), height_rem=7)
    if st.button("Select them in the gallery", icon=":material/select_all:", key=f"select_{title}"):
        get_gallery().select(ids)
        st.switch_page("gallery.py")
