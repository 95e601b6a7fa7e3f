"""The web pages; only this package and ``app.py`` import Streamlit."""
