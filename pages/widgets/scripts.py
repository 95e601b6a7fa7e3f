"""Join the scripts and styles of a component; no build step."""

from pathlib import Path

# Access to the server, needed by every script that calls it.
SERVER = Path(__file__).parent / "server.js"


def join_files(*files: Path) -> str:
    """Return the contents of some files, joined by newlines."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
