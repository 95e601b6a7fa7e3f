"""Files whose picture another library unpacks: their header first, the picture when asked for."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

Size = tuple[int, int]


@dataclass(frozen=True)
class WrappedPicture(ABC):
    """The header of a file; nothing is decoded yet.

    data: the file. format: as the library stores it. width, height: of the whole photo, upright.
    """

    data: bytes
    format: str
    width: int
    height: int

    def embedded(self, least_size: Size | None) -> Image.Image | None:
        """Return the picture inside that is shown instead, not decoded yet; None if there is none.

        least_size: as `unpacked`'s.
        """
        return None

    @abstractmethod
    def unpacked(self, least_size: Size | None) -> Image.Image:
        """Return the picture, or one inside that has the least size; raises PhotoError.

        least_size: width and height, upright; None for the whole picture.
        """

    @abstractmethod
    def unpacking_bytes(self, least_size: Size | None) -> int:
        """Estimate the memory that unpacking takes, in bytes, where nothing `embedded` is shown."""

    @abstractmethod
    def exifs(self) -> Iterator[Image.Exif]:
        """Yield what the file has of EXIF, the most trusted first; raises any error."""

    @abstractmethod
    def xmp(self) -> bytes | None:
        """Return the XMP packet."""


OpenedPicture = Image.Image | WrappedPicture
