"""Reading requests: JSON bodies, multipart forms, photo ids."""
