"""Watched folders: new photos of a folder are added to the library by themselves."""
