"""Clutter: screenshots, documents and the like, and people's decisions about them."""
