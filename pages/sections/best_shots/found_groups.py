"""The groups of shots, kept for the session until the library changes."""

import streamlit as st

from pages.state.page_cache import cache_key
from pages.state.session import get_gallery
from scene_model.duplicates.shot_groups import ShotGroup, shot_groups

_KEY = "found_shot_groups"


def found_groups() -> list[ShotGroup]:
    """Return the groups: those in which the most is clear first."""
    stamp = cache_key()
    previous_stamp, cached = st.session_state.get(_KEY, (None, []))
    if previous_stamp == stamp:
        return list(cached)
    with st.spinner("Comparing the shots of each group …"):
        groups = sorted(
            shot_groups(get_gallery().library),
            key=lambda group: (group.ranking.best is None, -max(group.ranking.behind.values())),
        )
    st.session_state[_KEY] = (stamp, groups)
    return groups
