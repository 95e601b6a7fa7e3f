"""The main script: page configuration and navigation, nothing else."""

from pathlib import Path

import streamlit as st

from pages.state.session import bind_window_to_owner, library_in_use
from pages.state.visitor import is_shared, require_sign_in, show_allowance

# A local file: the browser would fetch a named icon from the network.
_ICON = Path(__file__).parent / "icon.png"
_STYLE = Path(__file__).with_name("site.css")

st.set_page_config(page_title="Scene Gallery", page_icon=str(_ICON), layout="wide")
# Both themes at once: a computer may change its theme in the evening, while a page is open.
light, dark = (st.get_option(f"theme.{theme}.backgroundColor") for theme in ("light", "dark"))
# Streamlit tells only the page which theme it has, not the dialogs, which are outside of it.
root_style = (
    f":root {{color-scheme: {st.context.theme.type or 'light'};"
    f" --page-background: light-dark({light}, {dark})}}"
)
st.html(f"<style>{root_style}\n{_STYLE.read_text(encoding='utf-8')}</style>")
bind_window_to_owner()
if not require_sign_in() or not show_allowance():
    st.stop()
# At most six entries at the top: four pages and two menus. "" holds the pages without a menu.
menus = {
    "": [
        st.Page(
            "classify.py", title="Classify", icon=":material/add_photo_alternate:", default=True
        ),
        st.Page("gallery.py", title="Gallery", icon=":material/photo_library:"),
        st.Page("search.py", title="Search", icon=":material/search:"),
        st.Page("export.py", title="Export", icon=":material/download:"),
    ],
    "Explore": [
        st.Page("albums.py", title="Albums", icon=":material/photo_album:"),
        st.Page("trips.py", title="Trips", icon=":material/luggage:"),
        st.Page("map.py", title="Map", icon=":material/map:"),
        st.Page("insights.py", title="Insights", icon=":material/insights:"),
        st.Page("model_card.py", title="Model", icon=":material/psychology:"),
    ],
    "Tidy up": [
        st.Page("review.py", title="Review", icon=":material/rule:"),
        st.Page("duplicates.py", title="Duplicates", icon=":material/content_copy:"),
        st.Page("clutter.py", title="Clutter", icon=":material/inventory_2:"),
        st.Page("dates.py", title="Dates", icon=":material/event:"),
        st.Page("teach.py", title="Teach", icon=":material/school:"),
        st.Page("rules.py", title="Rules", icon=":material/playlist_add_check:"),
    ],
}
if not is_shared():
    # Only for the owner: it reads and moves files on the server's disk.
    menus["Tidy up"].append(st.Page("sort.py", title="Sort", icon=":material/drive_file_move:"))
with library_in_use():
    st.navigation(menus, position="top").run()
