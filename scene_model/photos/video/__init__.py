"""Videos: what they are, their frames, and what their containers say."""
