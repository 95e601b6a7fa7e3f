"""Access control: host and origin checks, tokens, visitor cookies, rate limits."""
