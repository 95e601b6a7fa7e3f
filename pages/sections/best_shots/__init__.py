"""The best of a burst or of similar shots, and which others would move to the trash."""
