"""Sections of the page Dates, and the editor of one date."""
