"""Write the table of settings into docs/settings.md: ``python docs/settings.py``.

The table comes from ``scene_model/config.py``; a test fails when the page differs from it.
"""

import re
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent / "settings.md"
sys.path.insert(0, str(PAGE.parent.parent))

_TABLE = re.compile(
    r"(?<=<!-- settings: python docs/settings.py -->\n).*?(?=<!-- /settings -->)", re.S
)


def with_table(text: str, table: str) -> str:
    """Replace the table between the two marks of a page; raises ValueError if they are missing."""
    replaced, count = _TABLE.subn(lambda _: f"{table}\n", text)
    if count != 1:
        raise ValueError(f"{PAGE.name} has {count} places for the table of settings, not one.")
    return replaced


if __name__ == "__main__":
    from scene_model.config import settings_table

    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_table(text, settings_table()), encoding="utf-8")
