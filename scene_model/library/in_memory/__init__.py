"""Columns of all photos in memory, so that a library of a million photos is searched at once."""
