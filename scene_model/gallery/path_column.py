"""A column of paths: text where the name is text, bytes where the file system has other names."""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, Text, TypeDecorator


class PathColumn(TypeDecorator[Path]):
    """A path as SQLite can keep it; a name that is no UTF-8 is kept as its bytes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Path | None, dialect: Dialect) -> Any:
        """Path → text or bytes."""
        if value is None:
            return None
        try:
            return str(value).encode("utf-8").decode("utf-8")
        except UnicodeEncodeError:
            return os.fsencode(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Path | None:
        """Text or bytes → path."""
        return None if value is None else Path(os.fsdecode(value))
