"""Access to services, and state that pages keep in the session or the URL."""
