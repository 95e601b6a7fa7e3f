"""Drivers of a batch: what runs the chunks, here or on a cluster."""
