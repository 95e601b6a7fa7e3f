"""How often a database is asked: what a time would say, on a machine of any speed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import event

from scene_model.library.store import Library


@contextmanager
def statements(library: Library) -> Iterator[list[str]]:
    """Collect what a library's database is asked."""
    said: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    with ExitStack() as stack:
        for engine in (library.database.reader, library.database.writer):
            event.listen(engine, "before_cursor_execute", hear)
            stack.callback(event.remove, engine, "before_cursor_execute", hear)
        yield said
