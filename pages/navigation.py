"""The main script: page configuration and navigation, nothing else."""

import streamlit as st

st.set_page_config(page_title="Scene Gallery", page_icon=":material/photo_library:", layout="wide")
st.navigation(
    [
        st.Page("classify.py", title="Classify", icon=":material/add_photo_alternate:", default=True),
        st.Page("gallery.py", title="Gallery", icon=":material/photo_library:"),
        st.Page("search.py", title="Search", icon=":material/search:"),
        st.Page("export.py", title="Export", icon=":material/download:"),
        st.Page("model_card.py", title="Model", icon=":material/psychology:"),
    ],
    position="top",
).run()
