"""Near duplicates and photos with similar perceptual hashes."""
