"""The text side of a model: it turns sentences into vectors that photos are compared with."""
