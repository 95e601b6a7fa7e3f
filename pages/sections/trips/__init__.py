"""Pieces of the page Trips, and what other pages show of trips."""
