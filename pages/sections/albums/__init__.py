"""Pieces of the page Albums, and what other pages show of albums."""
