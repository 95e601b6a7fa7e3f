"""Sections of the page Clutter."""
