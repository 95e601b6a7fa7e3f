"""One photo: its bytes, pixels, metadata, thumbnail and hashes."""
