"""What every source offers: its items, as a stream."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from scene_model.scale.items import SourceItem


class Source(ABC):
    """Lists pictures and videos.

    ignored: the files that the last listing left out, since they are not named like pictures.
    """

    def __init__(self) -> None:
        self.ignored = 0

    @abstractmethod
    def items(self) -> Iterator[SourceItem]:
        """Yield every item once, in the order of names or of the list.

        Raises PathNotFound, BatchError or StoreUnavailable where nothing can be listed; what
        concerns one item is an item with an error.
        """
