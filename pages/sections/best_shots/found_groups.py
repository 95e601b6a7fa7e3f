"""The groups of shots, kept for the session until the library changes."""

from dataclasses import replace

import streamlit as st

from pages.state.page_cache import cache_key
from pages.state.session import get_gallery
from scene_model.duplicates.shot_groups import ShotGroups, shot_groups

_KEY = "found_shot_groups"


def found_groups() -> ShotGroups:
    """Return the groups: those in which the most is clear first."""
    stamp = cache_key()
    previous_stamp, cached = st.session_state.get(_KEY, (None, None))
    if previous_stamp == stamp and isinstance(cached, ShotGroups):
        return cached
    with st.spinner("Comparing the shots of each group …"):
        result = shot_groups(get_gallery().library)
        groups = sorted(
            result.groups,
            key=lambda group: (group.ranking.best is None, -max(group.ranking.behind.values())),
        )
        result = replace(result, groups=tuple(groups))
    st.session_state[_KEY] = (stamp, result)
    return result
