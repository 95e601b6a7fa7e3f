"""Batches: predict millions of pictures of a folder or an object store into a Parquet dataset."""
