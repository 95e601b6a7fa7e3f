"""Trips, their days and chapters, from the times and places of photos."""
