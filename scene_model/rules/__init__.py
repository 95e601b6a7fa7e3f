"""Standing rules: what happens from now on with photos that come in and match a query."""
