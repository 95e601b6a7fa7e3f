"""What our SQL needs beyond SQLite's own functions, given to every connection."""

import math
from collections.abc import Callable
from sqlite3 import Connection, OperationalError

from scene_model.classifier.vocabulary import fold, fold_case

_TRIGONOMETRY: dict[str, Callable[[float], float]] = {
    "radians": math.radians,
    "sin": math.sin,
    "cos": math.cos,
}


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
