"""Sort the photos of a folder to a prefix of an object store, resume that, and undo it."""
