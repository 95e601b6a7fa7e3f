"""Sections of the page Rules."""
