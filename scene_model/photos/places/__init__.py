"""Names of positions, offline: country, region, settlement, time zone."""
