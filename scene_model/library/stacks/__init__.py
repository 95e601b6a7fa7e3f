"""Stacks: photos that show as one tile."""
