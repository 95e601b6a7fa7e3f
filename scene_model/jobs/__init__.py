"""The job engine: background work with fair turns, limits, progress, cancel and resume."""
