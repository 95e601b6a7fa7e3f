"""The text side of a model: sentences as vectors in the space of the embeddings."""
