"""Search by sentences."""
