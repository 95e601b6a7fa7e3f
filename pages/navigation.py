"""The main script: page configuration and navigation, nothing else."""

from pathlib import Path

import streamlit as st

from pages.state.session import note_whose_window
from pages.state.visitor import ask_to_sign_in, is_shared, stay_notice

# A file of ours: a named icon would be fetched from the network.
_ICON = Path(__file__).parent / "icon.png"

st.set_page_config(page_title="Scene Gallery", page_icon=str(_ICON), layout="wide")
if st.context.theme.type == "dark":
    # Streamlit writes white on primary buttons, which the dark theme's bright colour cannot carry.
    st.html(
        '<style>[data-testid^="stBaseButton-primary"], [data-testid^="stBaseLinkButton-primary"],'
        '[data-testid^="stBaseButton-primary"]:hover, [data-testid^="stBaseLinkButton-primary"]'
        ":hover {color: #06231e}</style>"
    )
# Streamlit leaves a tenth of a screen free above every page.
st.html("<style>[data-testid=stMainBlockContainer] {padding-top: 4.5rem}</style>")
note_whose_window()
if not ask_to_sign_in() or not stay_notice():
    st.stop()
pages = [
    st.Page("classify.py", title="Classify", icon=":material/add_photo_alternate:", default=True),
    st.Page("gallery.py", title="Gallery", icon=":material/photo_library:"),
    st.Page("search.py", title="Search", icon=":material/search:"),
    st.Page("review.py", title="Review", icon=":material/rule:"),
    st.Page("duplicates.py", title="Duplicates", icon=":material/content_copy:"),
    st.Page("teach.py", title="Teach", icon=":material/school:"),
    st.Page("insights.py", title="Insights", icon=":material/insights:"),
    st.Page("export.py", title="Export", icon=":material/download:"),
    st.Page("model_card.py", title="Model", icon=":material/psychology:"),
]
if not is_shared():
    # It reads and moves folders of the server's own disk.
    pages.insert(-1, st.Page("sort.py", title="Sort", icon=":material/drive_file_move:"))
st.navigation(pages, position="top").run()
