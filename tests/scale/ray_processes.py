"""The processes of Ray that a test has started, as Linux shows them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
# 127.0.0.1, the same as an IPv6 address, and ::1; as in /proc/net.
LOOPBACK = {
    "0100007F",
    "0000000000000000FFFF00000100007F",
    "00000000000000000000000001000000",
}


def descendants(pid: int) -> set[int]:
    """The processes that a process has started, and those that these have."""
    parents = dict(_parents())
    below, grown = {pid}, True
    while grown:
        children = {child for child, parent in parents.items() if parent in below} - below
        below, grown = below | children, bool(children)
    return below - {pid}


def actors(pid: int) -> list[int]:
    """The workers among them that process chunks."""
    return [child for child in sorted(descendants(pid)) if "ray::PartActor" in command(child)]


def listening_addresses(pid: int) -> set[str]:
    """The addresses that the processes below a process listen on, as in /proc/net."""
    inodes = {inode for child in descendants(pid) for inode in _sockets(child)}
    addresses = set()
    for name in ("tcp", "tcp6"):
        for line in (PROC / "net" / name).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                addresses.add(columns[1].partition(":")[0])
    return addresses


def _parents() -> Iterator[tuple[int, int]]:
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                # The name, in parentheses, may have spaces.
                after_name = (folder / "stat").read_text().rpartition(")")[2]
                yield int(folder.name), int(after_name.split()[1])


def command(pid: int) -> str:
    """The command line of a process; empty for one that has ended."""
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "cmdline").read_text(errors="replace")
    return ""


def _sockets(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for link in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = os.readlink(link)  # noqa: PTH115 - the name of a socket is no path
                if target.startswith("socket:["):
                    yield target[8:-1]
