"""What our own components are made of: plain scripts and styles, joined without a build step."""

from pathlib import Path

# What is to be known of the server, by every script that talks to it.
SERVER = Path(__file__).parent / "server.js"


def joined(*files: Path) -> str:
    """The text of some files, one after another."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
