"""Use the app for an hour where every packet that leaves the computer is counted.

Server and browser run in a network namespace whose only way out is a virtual interface that this
program reads: whatever would go to another computer or to a name server arrives here. The walk of
twelve steps through 200 photos (tests/browser/twelve_steps.py) is repeated, each time on a new
library, with the REST API between; the requests of the pages are recorded too. In the end one
packet is sent on purpose, to show that it is counted.

    python -m benchmarks.nothing_leaves [--minutes 60]

Exits with 1 when something left, or when the packet sent on purpose was not counted. Linux only;
needs the commands `unshare` and `ip`, the right to make namespaces (root in most containers),
Chromium and Playwright.
"""

import argparse
import collections
import fcntl
import ipaddress
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from functools import partial
from pathlib import Path

from playwright.sync_api import Error, Request, expect

from benchmarks.served import Served, chromium, served
from scene_model.config import PROJECT_DIR
from tests.browser.twelve_steps import mixed_photos, pieces, walk

_INSIDE = "--inside"
_INTERFACE, _TUNSETIFF, _TUN_WITHOUT_HEADER = "out0", 0x400454CA, 0x0001 | 0x1000
_SET_UP = (
    "link set lo up",
    f"addr add 198.18.0.1/24 dev {_INTERFACE}",
    f"-6 addr add fd00::1/64 dev {_INTERFACE} nodad",
    f"link set {_INTERFACE} up",
    f"route add default dev {_INTERFACE}",
    f"-6 route add default dev {_INTERFACE}",
)
_PATIENCE_MS = 120_000
_ON_PURPOSE = ("192.0.2.77", 4242)
# The kernel's own announcements of an interface (ICMPv6, IGMP) carry nothing of ours.
_OWN_PROTOCOLS = {2, 58}
# A browser asks names of its maker at its start; none is resolved. What pages ask is recorded.
_NO_NAMES = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
_IPV4_DESTINATION, _IPV6_DESTINATION = slice(16, 20), slice(24, 40)


class WayOut:
    """The only way out of the namespace: an interface whose packets are counted here."""

    def __init__(self) -> None:
        """Make the interface and begin to count; raises OSError without the right to."""
        self.destinations: collections.Counter[str] = collections.Counter()
        self._tunnel = os.open("/dev/net/tun", os.O_RDWR)
        request = struct.pack("16sH", _INTERFACE.encode(), _TUN_WITHOUT_HEADER)
        fcntl.ioctl(self._tunnel, _TUNSETIFF, request)
        for line in _SET_UP:
            subprocess.run(["ip", *line.split()], check=True)  # noqa: S607 - Linux has it
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            packet = os.read(self._tunnel, 65_536)
            is_v4 = packet[0] >> 4 == 4
            if packet[9 if is_v4 else 6] in _OWN_PROTOCOLS or _is_hop_by_hop(packet, is_v4):
                continue
            address = packet[_IPV4_DESTINATION if is_v4 else _IPV6_DESTINATION]
            self.destinations[str(ipaddress.ip_address(address))] += 1


def _is_hop_by_hop(packet: bytes, is_v4: bool) -> bool:
    """Whether an IPv6 packet carries ICMPv6 behind hop-by-hop options, as multicast reports do."""
    return not is_v4 and packet[6] == 0 and packet[40] in _OWN_PROTOCOLS


def use(minutes: float) -> tuple[int, int, list[str]]:
    """Walk until the time is over.

    Returns the whole walks, those that waited too long for a page, and the foreign requests of
    the pages.
    """
    assets = PROJECT_DIR / "tests" / "assets"
    photos = mixed_photos(pieces(assets / "flower.jpg"), [pieces(assets / "china.jpg")])
    until, rounds, cut_short = time.monotonic() + 60 * minutes, 0, 0
    foreign: list[str] = []
    # A slow machine may take long for a page; how long is not what is measured.
    expect.set_options(timeout=_PATIENCE_MS)
    with chromium(_NO_NAMES) as browser:
        while time.monotonic() < until:
            with (
                tempfile.TemporaryDirectory() as folder,
                served(SCENE_LIBRARY=str(Path(folder) / "library")) as server,
                browser.new_context(accept_downloads=True) as context,
            ):
                context.set_default_timeout(_PATIENCE_MS)
                own = (server.address, server.address.replace("http", "ws"), "data:", "blob:")
                page = context.new_page()
                page.on("request", partial(_note, foreign, own))
                page.goto(server.address)
                steps = ["the start"]
                try:
                    walk(page, photos, steps.append)
                    _predict(server, assets / "china.jpg")
                    rounds += 1
                except (AssertionError, Error, OSError) as error:
                    cut_short += 1
                    print(f"cut short after {steps[-1]}: {str(error).splitlines()[0]}", flush=True)
                page.goto(f"{server.address}/api/docs")
                # An open page asks for more by itself, if it does at all.
                page.goto(f"{server.address}/gallery")
                page.wait_for_timeout(5000)
            left_min = max(0.0, until - time.monotonic()) / 60
            print(f"{rounds + cut_short} walks, {left_min:.0f} minutes left", flush=True)
    return rounds, cut_short, foreign


def _note(foreign: list[str], own: tuple[str, ...], request: Request) -> None:
    if not request.url.startswith(own):
        foreign.append(request.url)


def _predict(server: Served, photo: Path) -> None:
    body = b"--x\r\ncontent-disposition: form-data; name=file; filename=a.jpg\r\n\r\n"
    body += photo.read_bytes() + b"\r\n--x--\r\n"
    sent = urllib.request.Request(  # noqa: S310 - our own server
        f"{server.address}/api/predict",
        body,
        {"content-type": "multipart/form-data; boundary=x"},
    )
    urllib.request.urlopen(sent, timeout=60).close()  # noqa: S310


def watch(minutes: float) -> int:
    """Use the app inside the namespace, and print what left; returns the exit code."""
    way_out = WayOut()
    rounds, cut_short, foreign = use(minutes)
    left = dict(way_out.destinations)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sent_on_purpose:
        sent_on_purpose.sendto(b"on purpose", _ON_PURPOSE)
    time.sleep(1)
    is_counted = way_out.destinations[_ON_PURPOSE[0]] == 1
    print(f"walks of twelve steps      {rounds}, and {cut_short} that a slow machine cut short")
    print(f"packets that left          {sum(left.values())} {left or ''}")
    print(f"foreign requests of pages  {len(foreign)} {sorted(set(foreign)) or ''}")
    print(f"packet sent on purpose     {'counted' if is_counted else 'NOT COUNTED'}")
    return 0 if rounds and is_counted and not left and not foreign else 1


def main() -> int:
    """Enter a network namespace, and run there; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument(_INSIDE, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        return watch(arguments.minutes)
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("ip") is None:
        print("The commands `unshare` and `ip` are needed; Linux has them.", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "benchmarks.nothing_leaves", _INSIDE]
    command += ["--minutes", str(arguments.minutes)]
    return subprocess.run([unshare, "--net", "--map-root-user", *command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
