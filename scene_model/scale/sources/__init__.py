"""Sources of a batch: what lists items and reads them."""
