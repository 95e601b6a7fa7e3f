"""Additions to SQLite: a column type for paths, Unicode case folding, trigonometry."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection, OperationalError
from typing import Any

from sqlalchemy import Dialect, Text, TypeDecorator

from scene_model.classifier.vocabulary import fold, fold_case

_TRIGONOMETRY: dict[str, Callable[[float], float]] = {
    "radians": math.radians,
    "sin": math.sin,
    "cos": math.cos,
}


class PathColumn(TypeDecorator[Path]):
    """A path, stored as text, or as bytes when it is not valid UTF-8."""

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


def add_functions(connection: Connection) -> None:
    """Add ``fold_case`` and ``fold``, and trigonometry if SQLite was built without it.

    SQLite itself folds only ASCII letters: it treats "É" and "é" as different.
    """
    for name, fold_function in (("fold_case", fold_case), ("fold", fold)):
        connection.create_function(name, 1, _text_only(fold_function), deterministic=True)
    for name, math_function in _TRIGONOMETRY.items():
        if not _has_function(connection, name):
            connection.create_function(name, 1, math_function, deterministic=True)


def _text_only(function: Callable[[str], str]) -> Callable[[object], str | None]:
    return lambda value: function(value) if isinstance(value, str) else None


def _has_function(connection: Connection, name: str) -> bool:
    try:
        connection.execute(f"SELECT {name}(0.0)")  # noqa: S608 - the names are constants
    except OperationalError:
        return False
    return True
