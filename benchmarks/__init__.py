"""Ours and the plain way side by side, in one run, so that the machine's noise cancels out."""
