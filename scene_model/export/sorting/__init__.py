"""Folders put in order as one transaction: scan, plan, journal, act; undo and resume."""
