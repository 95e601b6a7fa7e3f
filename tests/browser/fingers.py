"""Fingers on a touch screen, through Chromium's protocol: they scroll and pinch as real ones do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import CDPSession, Page

Point = tuple[float, float]


def glide(page: Page, fingers: Sequence[tuple[Point, Point]]) -> None:
    """Move fingers from their first to their second point, and lift them."""
    with _touching(page, [start for start, _ in fingers]) as session:
        for step in range(1, 6):
            part = step / 5
            moved = [(a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part) for a, b in fingers]
            _touch(session, "Move", moved)


def press(page: Page, point: Point, ms: float = 800) -> None:
    """Leave a finger on a point for a time."""
    with _touching(page, [point]):
        page.wait_for_timeout(ms)


@contextmanager
def _touching(page: Page, points: Sequence[Point]) -> Iterator[CDPSession]:
    session = page.context.new_cdp_session(page)
    _touch(session, "Start", points)
    yield session
    _touch(session, "End", ())
    session.detach()


def _touch(session: CDPSession, kind: str, points: Sequence[Point]) -> None:
    touches = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": touches})
