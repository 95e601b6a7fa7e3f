"""Choosing folders of this computer."""
