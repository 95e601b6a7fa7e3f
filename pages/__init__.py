"""Everything a visitor sees; with ``app.py`` the only place that imports Streamlit."""
