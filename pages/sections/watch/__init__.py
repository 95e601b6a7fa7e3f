"""Watched folders and memory cards on the page Classify."""
