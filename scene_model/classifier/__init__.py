"""Predict tags and classes of photos: bundle, engine, heads, rules, albums.

Importing this package loads neither TensorFlow nor Streamlit.
"""
