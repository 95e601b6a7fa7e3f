"""Photos and clutter made with truth, for the benchmark of the clutter rule."""
