"""The reverse proxies whose forwarding headers are read (SCENE_TRUSTED_PROXIES)."""

import ipaddress
from dataclasses import dataclass
from typing import Self

from scene_model.errors import InvalidSetting

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class TrustedProxies:
    """Addresses of the proxies whose forwarding headers are read."""

    networks: tuple[_Network, ...]

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse addresses and networks that commas separate; raises InvalidSetting."""
        networks = []
        for entry in filter(None, map(str.strip, text.split(","))):
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError as error:
                raise InvalidSetting(
                    f"SCENE_TRUSTED_PROXIES: {entry!r} is neither an address nor a network such "
                    f"as 10.0.0.0/8: {error}."
                ) from error
        return cls(tuple(networks))

    def __contains__(self, address: str) -> bool:
        """Whether an address is that of a trusted proxy."""
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self.networks)

    def client_of(self, peer: str, forwarded_for: str) -> str:
        """Return the client's address: the rightmost one that is not a trusted proxy's.

        peer: address of the connection. forwarded_for: the header ``X-Forwarded-For``. Each proxy
        appends the address it got the request from; a client can write anything to the left of
        that. Where an entry is not an address, the proxy that wrote it is the client.
        """
        client = peer
        for entry in reversed([text.strip() for text in forwarded_for.split(",")]):
            if client not in self:
                break
            address = _address(_without_port(entry))
            if address is None:
                break
            client = str(address)
        return client


def client_network(address: str) -> str:
    """Return what limits count by: an IPv4 address, or the /64 network that one IPv6 user has."""
    parsed = _address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address if parsed is None else str(parsed)


def _address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _without_port(text: str) -> str:
    """Remove brackets and port: ``[2001:db8::1]:443`` → ``2001:db8::1``."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
