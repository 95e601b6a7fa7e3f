"""The embeddings of photos on disk and in memory."""
