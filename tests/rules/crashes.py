"""The end of the program at a step of the database: a statement, or a commit."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import event

from scene_model.library.store import Library


class Crash(BaseException):
    """The end of the program."""


@contextmanager
def crash_at(library: Library, step: int | None) -> Iterator[list[str]]:
    """Raise Crash at a step of the writer, counted from 1; yields the names of the steps so far."""
    steps: list[str] = []

    def before(name: str) -> None:
        steps.append(name)
        if len(steps) == step:
            raise Crash

    def statement(*_: Any) -> None:
        before("statement")

    def commit(_: Any) -> None:
        before("commit")

    with ExitStack() as stack:
        writer = library.database.writer
        for name, listener in (("before_cursor_execute", statement), ("commit", commit)):
            event.listen(writer, name, listener)
            stack.callback(event.remove, writer, name, listener)
        yield steps
