"""Show the groups of shots with the best of each, and move those that are clearly worse."""

from collections.abc import Sequence

import streamlit as st

from pages.sections.best_shots.found_groups import found_groups
from pages.sections.best_shots.shot_group import show_group, trashed_shots
from pages.sections.messages import counted
from pages.sections.undo_button import note_edit
from pages.state.session import get_gallery
from scene_model.duplicates.best_of_group import STRICTNESSES
from scene_model.duplicates.missing_shot_facts import count_unmeasured, fill_missing_shot_facts
from scene_model.duplicates.sequences import stack_sequences
from scene_model.duplicates.shot_groups import ShotGroup
from scene_model.library import edits

_STRICTNESS, _PAGE = "best_shots_strictness", "best_shots_page"
_USUAL_STRICTNESS = 5
_GROUPS_PER_PAGE = 6


def show_best_shots() -> None:
    """Show the slider, what it would move, and the groups."""
    st.caption(
        "Bursts, and shots of one view. Each is compared only with the others of its group, by "
        "sharpness and exposure. Brackets, panoramas, your own stacks and what you show apart are "
        "left out."
    )
    _measure()
    shots = found_groups()
    groups = shots.groups
    if not groups:
        st.info(
            "No bursts and no similar shots found. Bursts are stacked when you add photos.",
            icon=":material/check_circle:",
        )
        return
    strictness = st.slider(
        "Strictness",
        STRICTNESSES[0],
        STRICTNESSES[-1],
        _USUAL_STRICTNESS,
        key=_STRICTNESS,
        help="At 1, only shots that are much worse than the best are proposed for the trash; at "
        "10, all that are visibly worse. Shots with a heart, a rating or an edited version stay, "
        "and those that you put on top, or into an album without the best.",
    )
    _proposal(groups, strictness)
    if shots.picks.direction is not None:
        st.caption(
            "Where neither sharpness nor exposure tells, your hearts and ratings do. Tried on "
            f"{shots.picks.groups:,} groups that they were not learned from, they were right in "
            f"{shots.picks.right:.0%}."
        )
    _page(groups, strictness)


def _proposal(groups: Sequence[ShotGroup], strictness: int) -> None:
    ids = [
        photo_id
        for group in groups
        for photo_id in group.files_of(trashed_shots(group, strictness))
    ]
    shots = sum(len(group.files) for group in groups)
    clear = sum(group.ranking.best is not None for group in groups)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Move {counted(len(ids), 'photo')} to the trash",
            key="best_shots_move",
            icon=":material/delete_sweep:",
            type="primary",
            disabled=not ids,
            on_click=_move,
            args=(ids,),
            help="Nothing is deleted, and one Undo brings them back.",
        )
        st.markdown(
            f"{counted(len(groups), 'group')}, {counted(shots, 'shot')}. The best is clear in "
            f"{clear:,}, and can’t be told in {len(groups) - clear:,}.",
            width="content",
        )


def _page(groups: Sequence[ShotGroup], strictness: int) -> None:
    pages = -(-len(groups) // _GROUPS_PER_PAGE)
    number = min(int(st.session_state.get(_PAGE, 1)), pages)
    for group in groups[(number - 1) * _GROUPS_PER_PAGE : number * _GROUPS_PER_PAGE]:
        show_group(group, strictness, _move)
    if pages > 1:
        st.pagination(pages, key=_PAGE)


def _move(photo_ids: list[str]) -> None:
    note_edit(edits.move_to_trash(get_gallery().library, photo_ids))


def _measure() -> None:
    """Offer to measure the photos that an earlier version added."""
    library = get_gallery().library
    missing = count_unmeasured(library)
    if not missing:
        return
    verb = "was" if missing == 1 else "were"
    st.info(
        f"{counted(missing, 'photo')} {verb} added by an earlier version and not measured. Measure "
        "to find their bursts and the best of them.",
        icon=":material/straighten:",
    )
    if st.button("Measure now", icon=":material/straighten:", key="best_shots_measure"):
        bar, failed = st.progress(0.0, "Measuring …"), 0
        for done, is_measured in enumerate(fill_missing_shot_facts(library), 1):
            failed += not is_measured
            bar.progress(min(1.0, done / missing), f"{done:,} of {missing:,} measured")
        for _ in stack_sequences(library):
            pass
        if not failed:
            st.rerun()
        st.warning(
            f"{counted(failed, 'photo')} cannot be measured: the original is missing or damaged."
        )
