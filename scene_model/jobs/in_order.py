"""Process many items in parallel, with the results in the items' order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_AHEAD_PER_WORKER = 4
Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    items: Iterator[Item], work: Callable[[Item], Result], workers: int
) -> Iterator[Result]:
    """Call ``work`` on items in parallel threads; yield the results in the items' order.

    At most `_AHEAD_PER_WORKER` items for each worker are submitted ahead of the result that is
    yielded next.
    """
    pool = ThreadPoolExecutor(workers)
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) >= _AHEAD_PER_WORKER * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
