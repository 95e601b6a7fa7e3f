"""Words of people and cameras, put into a query line."""


def quoted(text: str) -> str:
    """Quote a value for a query; of one with quotation marks, its longest part without."""
    return f'"{max(text.split(chr(34)), key=len)}"'
