"""Trips: proposed from times and places, titled, kept up to date and changed by people."""
