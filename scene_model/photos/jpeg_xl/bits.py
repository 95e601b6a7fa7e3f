"""Numbers in the headers of JPEG XL (ISO/IEC 18181-1): bits, least significant first."""


class Bits:
    """Reads numbers one after another; raises EOFError at the end of the data."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        """position: of the first bit to read."""
        self._data, self.position = data, position

    def read(self, count: int) -> int:
        """Read a number of up to 32 bits."""
        end = self.position + count
        if end > 8 * len(self._data):
            raise EOFError
        first, shift = divmod(self.position, 8)
        window = int.from_bytes(self._data[first : (end + 7) // 8], "little")
        self.position = end
        return window >> shift & ((1 << count) - 1)

    def flag(self) -> bool:
        """Read one bit."""
        return self.read(1) == 1

    def choose(self, *choices: tuple[int, int]) -> int:
        """Read two bits that choose an offset and the number of bits to add to it (U32)."""
        offset, count = choices[self.read(2)]
        return offset + self.read(count)

    def enumerated(self) -> int:
        """Read the number of a name (Enum)."""
        return self.choose((0, 0), (1, 0), (2, 4), (18, 6))

    def long(self) -> int:
        """Read a number of up to 64 bits (U64)."""
        selector = self.read(2)
        if selector < 2:
            return self.read(4) + 1 if selector else 0
        if selector == 2:
            return self.read(8) + 17
        value, shift = self.read(12), 12
        while self.flag():
            if shift == 60:
                return value | self.read(4) << shift
            value |= self.read(8) << shift
            shift += 8
        return value

    def skip_floats(self, count: int) -> None:
        """Pass over numbers with a point (F16)."""
        self.position += 16 * count

    def skip_name(self) -> None:
        """Pass over a text."""
        length = self.choose((0, 0), (0, 4), (16, 5), (48, 10))
        self.position += 8 * length

    def skip_extensions(self) -> None:
        """Pass over what later versions of the format add; raises ValueError if there is some."""
        if self.long():
            raise ValueError("extensions")

    def align(self) -> None:
        """Pass over the bits up to the next byte."""
        self.position = (self.position + 7) // 8 * 8
