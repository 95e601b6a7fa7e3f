"""Rebuild a photo file from what is known to be harmless; one module a format.

Everything that is not on a list of harmless parts stays behind: the place, and every hiding place
of it. The compressed picture data is copied as it is.
"""
