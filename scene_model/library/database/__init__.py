"""The SQLite database of a library: schema, migrations and connections."""
