"""What our own components are made of: plain scripts and styles, joined without a build step."""

from pathlib import Path

WHEN_CONNECTED = Path(__file__).parent / "when_connected.js"


def joined(*files: Path) -> str:
    """The text of some files, one after another."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
