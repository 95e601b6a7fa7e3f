"""Photos that are one picture, and shots that only look similar: keep the best of each group."""

import streamlit as st

from pages.sections.problem import show_problem
from pages.sections.thumbnails import thumbnails
from pages.sections.undo_button import say, undo_button
from pages.state.session import get_gallery
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

_GROUPS_A_PAGE = 8
_KINDS = {NearDuplicateKind.NEAR: "The same picture", NearDuplicateKind.SIMILAR: "Similar shots"}
_SAID = {
    NearDuplicateKind.NEAR: "Copies of one picture: resized, saved again, turned, mirrored or "
    "cropped a little. A file that is the same byte for byte cannot be here twice.",
    NearDuplicateKind.SIMILAR: "Different pictures in which the network sees nearly the same, "
    "such as several shots of one scene. Look before you let one go.",
}
_KEEP = {KeepBy.LARGEST: "Largest", KeepBy.SHARPEST: "Sharpest", KeepBy.OLDEST: "Oldest"}


def _page() -> None:
    gallery = get_gallery()
    head, tools = st.columns([3, 1], vertical_alignment="bottom")
    with head:
        st.title("Duplicates")
    with tools, st.container(horizontal=True, horizontal_alignment="right"):
        undo_button()
    if not gallery.library.count():
        st.info("No photos yet. Drop some on the first page.", icon=":material/content_copy:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    _compare()
    kind = st.segmented_control(
        "What to look at",
        list(_KINDS),
        default=NearDuplicateKind.NEAR,
        format_func=lambda k: _KINDS[k],
        key="twin_kind",
        required=True,
    )
    st.caption(_SAID[kind])
    groups = group_pairs(near_duplicate_pairs(gallery.library, kind))
    if groups:
        _groups(groups, kind)
    else:
        st.info("Nothing found here.", icon=":material/check_circle:")
    _dismissed(kind)


def _compare() -> None:
    library = get_gallery().library
    missing = count_pending_comparisons(library)
    if not missing:
        return
    photos = "photo was" if missing == 1 else "photos were"
    st.caption(f"{missing:,} {photos} not compared with the others yet.")
    if st.button("Compare now", icon=":material/compare:", type="primary"):
        bar = st.progress(0.0, "Comparing …")
        for done in compare_new(library):
            bar.progress(min(1.0, done / missing), f"{done:,} of {missing:,} compared")
        st.rerun()


def _groups(groups: list[NearDuplicateGroup], kind: NearDuplicateKind) -> None:
    library = get_gallery().library
    count = sum(len(group.photo_ids) for group in groups)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox(
            "Keep the", list(KeepBy), format_func=lambda b: _KEEP[b], key="keep_by", width=160
        )
        by = KeepBy.LARGEST if by is None else by
        st.caption(f"{len(groups):,} groups, {count:,} photos", width="content")
        if kind is NearDuplicateKind.NEAR:
            st.button(
                f"Keep the best of all {len(groups):,} groups",
                icon=":material/delete_sweep:",
                on_click=_keep_best_of_all,
                args=(groups, by),
                help="The others go to the trash, in one step that Undo takes back",
            )
    pages = -(-len(groups) // _GROUPS_A_PAGE)
    number = min(int(st.session_state.get("twin_page", 1)), pages)
    for group in groups[(number - 1) * _GROUPS_A_PAGE : number * _GROUPS_A_PAGE]:
        _group(group, best_first(library, group.photo_ids, by))
    if pages > 1:
        st.pagination(pages, key="twin_page")


def _group(group: NearDuplicateGroup, photos: list[PhotoRecord]) -> None:
    if len(photos) < 2:
        return
    key = photos[0].id[:16]
    with st.container(border=True):
        lines = {
            photo.id: f"{'★ keep · ' if place == 0 else ''}{photo.width:,}×{photo.height:,} · "
            f"{photo.file_bytes / 1e6:.2f} MB · {photo.name}"
            for place, photo in enumerate(photos)
        }
        thumbnails(photos, lines)
        with st.container(horizontal=True, vertical_alignment="center"):
            ids = [photo.id for photo in photos]
            st.button(
                "Keep the best, others to the trash",
                key=f"keep_{key}",
                icon=":material/done_all:",
                on_click=_keep_best,
                args=(ids[1:],),
            )
            st.button(
                "Not duplicates",
                key=f"dismiss_{key}",
                icon=":material/close:",
                on_click=lambda: dismiss(get_gallery().library, ids),
                help="This group does not come up again",
            )
            st.caption(f"{group.similarity:.0%} alike", width="content")


def _keep_best(others: list[str]) -> None:
    say(edits.move_to_trash(get_gallery().library, others))


def _keep_best_of_all(groups: list[NearDuplicateGroup], by: KeepBy) -> None:
    library = get_gallery().library
    others = [p.id for g in groups for p in best_first(library, g.photo_ids, by)[1:]]
    say(edits.move_to_trash(library, others))


def _dismissed(kind: NearDuplicateKind) -> None:
    library = get_gallery().library
    groups = group_pairs(near_duplicate_pairs(library, kind, dismissed=True))
    if not groups:
        return
    with st.expander(f"Dismissed ({len(groups):,})"):
        for group in groups[:_GROUPS_A_PAGE]:
            thumbnails(list(library.records(group.photo_ids)), height_rem=5)
            st.button(
                "Bring back",
                key=f"back_{group.photo_ids[0][:16]}",
                on_click=undismiss,
                args=(library, group.photo_ids),
            )


try:
    _page()
except SceneError as error:
    show_problem(error)
