"""Words of people, cameras and bundles, shown as they are."""

_SIGNS = "\\`*_{}[]()<>#+-.!|~$:"


def escape_markdown(text: str) -> str:
    """Keep Markdown from reading signs in words that are anybody's."""
    return "".join(f"\\{sign}" if sign in _SIGNS else sign for sign in text)
