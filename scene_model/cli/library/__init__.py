"""The command `library` and its subcommands."""
