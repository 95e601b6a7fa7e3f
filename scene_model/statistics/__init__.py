"""Counts for insights, filters and export previews."""
