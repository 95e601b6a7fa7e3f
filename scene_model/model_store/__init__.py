"""Networks that people add: their sources, the checks before they join, their removal."""
