"""ONE photo: its bytes, pixels, metadata, thumbnail and fingerprints."""
