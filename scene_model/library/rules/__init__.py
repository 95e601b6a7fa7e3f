"""Standing rules: their rows, what they change, the runs that they made, and undoing one."""
