"""Addresses of this computer in local networks. Nothing is sent to find them."""

import ipaddress
from dataclasses import dataclass

import ifaddr

# Networks inside one computer: of containers and virtual machines. A phone cannot reach them.
_INNER_NAMES = ("docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "vethernet", "lxc", "podman")


@dataclass(frozen=True)
class LanAddress:
    """An IPv4 address of this computer, and the name of its network adapter."""

    address: str
    adapter: str


def lan_addresses() -> list[LanAddress]:
    """Return the addresses that a phone may reach, the most likely first."""
    addresses = [
        LanAddress(ip.ip, adapter.nice_name)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if isinstance(ip.ip, str) and _is_reachable(ip.ip)
    ]
    return sorted(addresses, key=_rank)


def _is_reachable(text: str) -> bool:
    address = ipaddress.IPv4Address(text)
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)


def _rank(address: LanAddress) -> tuple[bool, bool, str]:
    is_inner = address.adapter.lower().startswith(_INNER_NAMES)
    # A home network: its router gives addresses of 192.168.0.0/16.
    is_home = address.address.startswith("192.168.")
    return is_inner, not is_home, address.address
