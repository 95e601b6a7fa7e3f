"""Count SQL statements: a measure of cost that does not depend on the machine's speed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import event

from scene_model.library.store import Library


@contextmanager
def statements(library: Library) -> Iterator[list[str]]:
    """Collect the statements that a library's database executes."""
    executed: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        executed.append(statement)

    with ExitStack() as stack:
        for engine in (library.database.reader, library.database.writer):
            event.listen(engine, "before_cursor_execute", record)
            stack.callback(event.remove, engine, "before_cursor_execute", record)
        yield executed
