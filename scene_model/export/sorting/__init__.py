"""Sort the photos of a folder as one transaction: scan, plan, journal, execute; undo, resume."""
