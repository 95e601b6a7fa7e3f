"""Near duplicates and similar photos in groups: keep the best of each group."""

import streamlit as st

from pages.sections.best_shots.best_shots import show_best_shots
from pages.sections.messages import counted, show_error
from pages.sections.undo_button import note_edit, undo_button
from pages.state.session import get_gallery
from pages.widgets.thumbnails import thumbnails
from scene_model.duplicates.groups import (
    KeepBy,
    NearDuplicateGroup,
    best_first,
    group_pairs,
    near_duplicate_pairs,
)
from scene_model.duplicates.near_duplicates import (
    NearDuplicateKind,
    compare_new,
    count_pending_comparisons,
    dismiss,
    undismiss,
)
from scene_model.errors import SceneError
from scene_model.library import edits
from scene_model.library.records import PhotoRecord

_GROUPS_PER_PAGE = 8
_BEST = "best"
_KINDS: dict[str, str] = {
    NearDuplicateKind.NEAR: "Same photo",
    NearDuplicateKind.SIMILAR: "Similar photos",
    _BEST: "Best shots",
}
_DESCRIPTIONS = {
    NearDuplicateKind.NEAR: "Copies of one photo: resized, saved again, rotated, mirrored or "
    "slightly cropped. Identical files are never added twice.",
    NearDuplicateKind.SIMILAR: "Different photos that look alike, such as several shots of one "
    "scene. Check each group before you move photos to the trash.",
}
_KEEP_LABELS = {KeepBy.LARGEST: "Largest", KeepBy.SHARPEST: "Sharpest", KeepBy.OLDEST: "Oldest"}


def _page() -> None:
    gallery = get_gallery()
    head, tools = st.columns([3, 1], vertical_alignment="bottom")
    with head:
        st.title("Duplicates")
    with tools, st.container(horizontal=True, horizontal_alignment="right"):
        undo_button()
    if not gallery.library.count():
        st.info("No photos yet. Add some on the Classify page.", icon=":material/content_copy:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    is_compared = _compare()
    kind = st.segmented_control(
        "Show",
        list(_KINDS),
        default=NearDuplicateKind.NEAR,
        format_func=lambda k: _KINDS[k],
        key="twin_kind",
        required=True,
    )
    if kind == _BEST:
        show_best_shots()
        return
    kind = NearDuplicateKind(kind)
    st.caption(_DESCRIPTIONS[kind])
    groups = group_pairs(near_duplicate_pairs(gallery.library, kind))
    if groups:
        _groups(groups, kind)
    elif is_compared:
        nothing = "duplicates" if kind is NearDuplicateKind.NEAR else "similar photos"
        st.info(f"No {nothing} found.", icon=":material/check_circle:")
    _dismissed(kind)


def _compare() -> bool:
    """Offer to compare the photos that were not compared yet; returns whether there are none."""
    library = get_gallery().library
    missing = count_pending_comparisons(library)
    if not missing:
        return True
    verb = "has" if missing == 1 else "have"
    st.info(
        f"{counted(missing, 'photo')} {verb} not been compared with the others yet. Compare to "
        "find all duplicates.",
        icon=":material/compare:",
    )
    if st.button("Compare now", icon=":material/compare:", type="primary"):
        bar = st.progress(0.0, "Comparing …")
        for done in compare_new(library):
            bar.progress(min(1.0, done / missing), f"{done:,} of {missing:,} compared")
        st.rerun()
    return False


def _groups(groups: list[NearDuplicateGroup], kind: NearDuplicateKind) -> None:
    library = get_gallery().library
    count = sum(len(group.photo_ids) for group in groups)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox(
            "Keep", list(KeepBy), format_func=lambda b: _KEEP_LABELS[b], key="keep_by", width=160
        )
        by = KeepBy.LARGEST if by is None else by
        st.caption(f"{counted(len(groups), 'group')}, {counted(count, 'photo')}", width="content")
        if kind is NearDuplicateKind.NEAR:
            st.button(
                f"Keep best in {'all ' if len(groups) > 1 else ''}{counted(len(groups), 'group')}",
                icon=":material/delete_sweep:",
                on_click=_keep_best_of_all,
                args=(groups, by),
                help="Moves the other photos to the trash. You can undo this.",
            )
    pages = -(-len(groups) // _GROUPS_PER_PAGE)
    number = min(int(st.session_state.get("twin_page", 1)), pages)
    for group in groups[(number - 1) * _GROUPS_PER_PAGE : number * _GROUPS_PER_PAGE]:
        _group(group, best_first(library, group.photo_ids, by))
    if pages > 1:
        st.pagination(pages, key="twin_page")


def _group(group: NearDuplicateGroup, photos: list[PhotoRecord]) -> None:
    if len(photos) < 2:
        return
    key = photos[0].id[:16]
    with st.container(border=True):
        captions = {
            photo.id: f"{'★ Keep · ' if rank == 0 else ''}{photo.width:,}×{photo.height:,} · "
            f"{photo.file_bytes / 1e6:.2f} MB · {photo.name}"
            for rank, photo in enumerate(photos)
        }
        thumbnails(photos, captions)
        with st.container(horizontal=True, vertical_alignment="center"):
            ids = [photo.id for photo in photos]
            st.button(
                "Keep best, move others to trash",
                key=f"keep_{key}",
                icon=":material/done_all:",
                on_click=_keep_best,
                args=(ids[1:],),
            )
            st.button(
                "Dismiss group",
                key=f"dismiss_{key}",
                icon=":material/close:",
                on_click=lambda: dismiss(get_gallery().library, ids),
                help="Not duplicates: hide this group. You can restore it below.",
            )
            st.caption(f"{group.similarity:.0%} similar", width="content")


def _keep_best(others: list[str]) -> None:
    note_edit(edits.move_to_trash(get_gallery().library, others))


def _keep_best_of_all(groups: list[NearDuplicateGroup], by: KeepBy) -> None:
    library = get_gallery().library
    others = [p.id for g in groups for p in best_first(library, g.photo_ids, by)[1:]]
    note_edit(edits.move_to_trash(library, others))


def _dismissed(kind: NearDuplicateKind) -> None:
    library = get_gallery().library
    groups = group_pairs(near_duplicate_pairs(library, kind, dismissed=True))
    if not groups:
        return
    with st.expander(f"Dismissed ({len(groups):,})"):
        for group in groups[:_GROUPS_PER_PAGE]:
            thumbnails(list(library.records(group.photo_ids)), height_rem=5)
            st.button(
                "Restore group",
                key=f"back_{group.photo_ids[0][:16]}",
                on_click=undismiss,
                args=(library, group.photo_ids),
            )


try:
    _page()
except SceneError as error:
    show_error(error)
