"""Camera RAW files: told by their content, and read through LibRaw."""
