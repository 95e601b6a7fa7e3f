"""Near duplicates, and photos with near perceptual hashes."""
