"""Verify, repair, back up and restore a library."""
