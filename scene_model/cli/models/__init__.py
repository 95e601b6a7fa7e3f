"""The command `models` and its subcommands."""
