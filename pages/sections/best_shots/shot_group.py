"""One group of shots: the best, why, and a choice of what to keep."""

from collections.abc import Callable

import streamlit as st

from pages.sections.messages import counted
from pages.state.session import get_gallery
from pages.widgets.thumbnails import thumbnails
from scene_model.duplicates.shot_groups import ShotGroup
from scene_model.library.records import PhotoRecord

_KEPT = "best_shots_kept"


def trashed_shots(group: ShotGroup, strictness: int) -> list[str]:
    """Return the shots that would move to the trash: a person's choice, or else the proposal."""
    kept = _kept_by_person().get(_choice_key(group))
    if kept is None:
        return list(group.proposed(strictness))
    return [shot for shot in group.ranking.photo_ids if shot not in kept]


def show_group(group: ShotGroup, strictness: int, move: Callable[[list[str]], None]) -> None:
    """Show a group. move: moves photos to the trash."""
    photos = list(get_gallery().library.records(group.ranking.photo_ids))
    trashed = trashed_shots(group, strictness)
    with st.container(border=True):
        thumbnails(photos, {photo.id: _caption(group, photo, trashed) for photo in photos})
        numbers = {photo.id: index for index, photo in enumerate(photos, 1)}
        # Streamlit keeps the value of a key: a new proposal needs a new key to be shown.
        key = f"keep_{group.key[:16]}_{len(photos)}_{strictness}"
        st.pills(
            "Keep",
            list(numbers),
            selection_mode="multi",
            default=[photo_id for photo_id in numbers if photo_id not in trashed],
            format_func=lambda photo_id: str(numbers[photo_id]),
            key=key,
            on_change=_choose,
            args=(group, key),
        )
        ids = group.files_of(trashed)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"Move {counted(len(ids), 'photo')} to the trash",
                key=f"move_{group.key[:16]}",
                icon=":material/delete:",
                disabled=not ids or len(trashed) == len(group.files),
                on_click=move,
                args=(ids,),
            )
            kind = "Burst" if group.is_burst else "Similar shots"
            st.caption(f"{kind}. {_verdict(group)}", width="content")


def _choose(group: ShotGroup, key: str) -> None:
    """Note which shots a person keeps; at least one."""
    kept = frozenset(st.session_state[key]) or frozenset(group.ranking.photo_ids[:1])
    st.session_state[_KEPT] = _kept_by_person() | {_choice_key(group): kept}


def _kept_by_person() -> dict[str, frozenset[str]]:
    kept: dict[str, frozenset[str]] = st.session_state.get(_KEPT, {})
    return kept


def _choice_key(group: ShotGroup) -> str:
    """A choice counts while the group has the same shots."""
    return " ".join(sorted(group.files))


def _verdict(group: ShotGroup) -> str:
    ranking = group.ranking
    if not ranking.is_measured:
        return "Not compared yet."
    if ranking.best is not None:
        return f"The best is {' and '.join(ranking.reasons[ranking.best])}."
    has_difference = any(ranking.reasons.values())
    return "Which is best can’t be told." if has_difference else "No clear difference."


def _caption(group: ShotGroup, photo: PhotoRecord, trashed: list[str]) -> str:
    """Return "1 · ★ Best · sharper · IMG_1.JPG"."""
    number = group.ranking.photo_ids.index(photo.id) + 1
    parts = [str(number)]
    if photo.id == group.ranking.best:
        parts.append("★ Best")
    elif photo.id in trashed:
        parts.append("Trash")
    if group.is_protected(photo.id):
        parts.append("yours: stays")
    parts += group.ranking.reasons[photo.id]
    return " · ".join((*parts, photo.name))
