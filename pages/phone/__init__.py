"""The upload page for phones: plain HTML and ES modules, which Streamlit has no part in."""

from pathlib import Path

_HERE = Path(__file__).parent
_ENGINE = _HERE.parent / "widgets" / "uploader" / "engine.js"
# By the last part of the URL; "" is the page.
PHONE_FILES = {
    "": _HERE / "index.html",
    "engine.js": _ENGINE,
    **{
        path.name: path
        for path in sorted(_HERE.iterdir())
        if path.suffix in (".js", ".css", ".png", ".webmanifest")
    },
}
