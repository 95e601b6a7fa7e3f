"""Photos in ZIP and TAR archives and in exported folders: list, plan, and read one by one."""
