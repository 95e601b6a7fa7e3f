"""Tell camera RAW files by their content: many makers' are TIFFs, and most TIFFs are no RAW."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

# What the library stores as the format of a photo; "RAW" is a TIFF of another maker.
RAW_FORMATS = frozenset(
    "3FR ARW CR2 CR3 CRW DCR DNG ERF IIQ MEF MOS MRW NEF ORF PEF RAF RAW RW2 SRW X3F".split()
)
# NRW is written as NEF is, SRF and SR2 as ARW, RWL as RW2, DCS and KDC as DCR.
RAW_SUFFIXES = frozenset(
    {f".{name.lower()}" for name in RAW_FORMATS - {"RAW"}}
    | set(".nrw .srf .sr2 .rwl .kdc .dcs".split())
)

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"FUJIFILMCCD-RAW", "RAF"),
    (b"IIU\x00", "RW2"),
    (b"IIRO", "ORF"),
    (b"IIRS", "ORF"),
    (b"MMOR", "ORF"),
    (b"\x00MRM", "MRW"),
    (b"FOVb", "X3F"),
    (b"II\x1a\x00\x00\x00HEAPCCDR", "CRW"),
)
_MAKERS = {
    "NIKON": "NEF",
    "SONY": "ARW",
    "PENTAX": "PEF",
    "RICOH": "PEF",
    "ASAHI": "PEF",
    "SAMSUNG": "SRW",
    "HASSELBLAD": "3FR",
    "PHASE ONE": "IIQ",
    "SEIKO EPSON": "ERF",
    "EPSON": "ERF",
    "MAMIYA": "MEF",
    "LEAF": "MOS",
    "EASTMAN KODAK": "DCR",
    "KODAK": "DCR",
}

STRIPS, STRIP_BYTES, TILES, TILE_BYTES = 273, 279, 324, 325
_COMPRESSION, _PHOTOMETRIC, _MAKE = 259, 262, 271
_SUB_IFDS, _JPEG, _DNG_VERSION = 330, 513, 50706
# The colour filter array of a sensor (TIFF/EP), and its linear values (DNG).
_SENSOR = frozenset((32803, 34892))
# Of makers alone: Sony, Samsung, Nikon, Kodak, Pentax.
_MAKERS_COMPRESSIONS = frozenset((32767, 32769, 32770, 32772, 34713, 65000, 65535))
_MAX_DIRECTORIES, _MAX_FIELDS, _MAX_MAKE_BYTES = 32, 512, 64
_MAX_VALUES, _MAX_STRIPS = 32, 65_536
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I"}
_ASCII = 2


def raw_kind(data: bytes) -> str | None:
    """Return the format of a RAW file, one of `RAW_FORMATS`, by its content; None for others.

    data: the whole file, since the directories of a TIFF may lie anywhere in it.
    """
    for signature, name in SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] in (b"II*\x00", b"MM\x00*") and len(data) >= 8:
        return _tiff_kind(data)
    return "CR3" if data[4:11] == b"ftypcrx" else None


@dataclass(frozen=True)
class Directory:
    """A directory of a TIFF. numbers: of its fields, by tag. next: place of the next one."""

    numbers: dict[int, tuple[int, ...]]
    make: str
    next: int

    def number(self, tag: int) -> int:
        """Return the first number of a field; 0 where there is none."""
        return self.numbers.get(tag, (0,))[0]


def _tiff_kind(data: bytes) -> str | None:
    entries = list(directories(data))
    if not entries:
        return None
    make = next((each.make for each in entries if each.make), "").upper()
    if data[8:11] == b"CR\x02" and make:
        return "CR2"
    if data[8:12] in (b"IIII", b"MMMM") and make:
        return "IIQ"
    if not _holds_sensor_data(entries, bool(make)):
        return None
    if _DNG_VERSION in entries[0].numbers:
        return "DNG"
    return next((kind for name, kind in _MAKERS.items() if make.startswith(name)), "RAW")


def _holds_sensor_data(entries: list[Directory], has_make: bool) -> bool:
    if any(each.number(_PHOTOMETRIC) in _SENSOR for each in entries):
        return True
    if not has_make:
        return False
    if any(each.number(_COMPRESSION) in _MAKERS_COMPRESSIONS for each in entries):
        return True
    # The oldest of Sony (SRF) have no directory of the sensor's picture, only JPEG previews.
    has_picture = any(STRIPS in each.numbers or TILES in each.numbers for each in entries)
    return not has_picture and any(_JPEG in each.numbers for each in entries)


def directories(data: bytes) -> Iterator[Directory]:
    """Yield the directories of a TIFF and those below them; broken ones are left out."""
    order = "<" if data[:2] == b"II" else ">"
    waiting, visited = [*struct.unpack_from(f"{order}I", data, 4)], set[int]()
    while waiting and len(visited) < _MAX_DIRECTORIES:
        start = waiting.pop(0)
        if start < 8 or start in visited:
            continue
        visited.add(start)
        try:
            directory = _directory(data, start, order)
        except struct.error:
            continue
        yield directory
        waiting += [*directory.numbers.get(_SUB_IFDS, ()), directory.next]


def _directory(data: bytes, start: int, order: str) -> Directory:
    (count,) = struct.unpack_from(f"{order}H", data, start)
    numbers, make = dict[int, tuple[int, ...]](), ""
    for position in range(start + 2, start + 2 + 12 * min(count, _MAX_FIELDS), 12):
        tag, kind, length = struct.unpack_from(f"{order}HHI", data, position)
        if tag == _MAKE and kind == _ASCII:
            place = position + 8
            if length > 4:
                (place,) = struct.unpack_from(f"{order}I", data, place)
            make = data[place : place + min(length, _MAX_MAKE_BYTES)].decode("latin-1").strip("\0 ")
        elif kind in _NUMBERS:
            is_strips = tag in (STRIPS, STRIP_BYTES, TILES, TILE_BYTES)
            length = min(length, _MAX_STRIPS if is_strips else _MAX_VALUES)
            numbers[tag] = _values(data, position + 8, _NUMBERS[kind], length, order)
    end = start + 2 + 12 * count
    next_start = struct.unpack_from(f"{order}I", data, end)[0] if end + 4 <= len(data) else 0
    return Directory(numbers, make, next_start)


def _values(data: bytes, place: int, code: str, length: int, order: str) -> tuple[int, ...]:
    if struct.calcsize(code) * length > 4:
        (place,) = struct.unpack_from(f"{order}I", data, place)
    if place + struct.calcsize(code) * length > len(data):
        return (0,)
    return struct.unpack_from(f"{order}{length}{code}", data, place) or (0,)
