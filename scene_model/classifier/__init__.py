"""One look at a photo, many answers: bundle, engine, heads, tags, class.

Importing this package loads neither TensorFlow nor Streamlit.
"""
