"""What SQLite lacks: a column type for paths, Unicode case folding, trigonometry."""

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


def add_functions(connection: Connection) -> None:
    """Add ``fold_case`` and ``fold``, and trigonometry to an SQLite that was built without it.

    SQLite itself folds ASCII only: to it, "É" and "é" are two letters.
    """
    for name, function in (("fold_case", fold_case), ("fold", fold)):
        connection.create_function(name, 1, _of_text(function), deterministic=True)
    for name, number in _TRIGONOMETRY.items():
        if not _has(connection, name):
            connection.create_function(name, 1, number, deterministic=True)


def _of_text(function: Callable[[str], str]) -> Callable[[object], str | None]:
    return lambda value: function(value) if isinstance(value, str) else None


def _has(connection: Connection, function: str) -> bool:
    try:
        connection.execute(f"SELECT {function}(0.0)")  # noqa: S608 - one of our own names
    except OperationalError:
        return False
    return True
