"""Taught tags, corrections, thresholds, the review queue and the retag preview."""
