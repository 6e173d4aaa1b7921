"""The check for unsafe addresses, from which the emulator does not download images.

A service on the Internet does not connect to such an address. Check the address of the connection,
not the name of the host, because a name may lead to any address.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp import AddrInfoType

METADATA = frozenset(
    map(
        ip_address,
        (
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure, an address that looks public
            "192.0.0.192",  # Oracle
            "fd00:ec2::254",  # AWS
            "fd20:ce::254",  # Google
        ),
    )
)
"""Addresses of metadata services, which give keys to machines in a cloud. The usual address,
169.254.169.254, is not in this list, because it is link-local and therefore refused anyway."""

IPV4_INSIDE = tuple(map(IPv6Network, ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")))
"""IPv6 networks whose addresses end with an IPv4 address: NAT64, IPv4-compatible, SIIT."""

NAT64_INSIDE = IPv6Network("64:ff9b:1::/48")
"""NAT64 prefix of local networks. Each network chooses the position of the IPv4 address in the IPv6
address. Source: RFC 8215."""

NOT_PUBLIC = (*map(IPv6Network, ("5f00::/16", "3fff::/20")), NAT64_INSIDE)
"""Networks that are local or not assigned. They are listed here, because some Python versions do
not know this. Source: RFC 9602, 9637."""


class UnsafeAddressError(OSError):
    """The emulator does not connect to this address."""

    def __init__(self) -> None:
        # All addresses get the same text. If a name had several addresses with different texts,
        # aiohttp would replace these errors by another error.
        super().__init__("an unsafe address")


def open_socket(address_info: AddrInfoType, *, private_addresses: bool) -> socket.socket:
    """Check the address and return a socket; aiohttp calls this just before it connects."""
    family, kind, protocol, _, address = address_info
    if is_unsafe(address[0], private_addresses=private_addresses):
        raise UnsafeAddressError
    return socket.socket(family, kind, protocol)


def is_unsafe(host: str, *, private_addresses: bool) -> bool:
    """Return True if an image at this address is refused with 401.

    Args:
        host: A numeric IPv4 or IPv6 address; a zone after `%` is ignored. Any other text is unsafe.
        private_addresses: If True, allow addresses that are not public, such as loopback and
            private networks. Link-local and cloud metadata addresses are never allowed.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return True
    for target in _targets(address):
        if target.is_link_local or target in METADATA:
            return True
        if not private_addresses and not _is_public(target):
            return True
    return False


def _targets(address: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """Return the addresses to check: this address, IPv4 addresses that it may contain, or both."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address in NAT64_INSIDE:
        # The IPv4 address begins after the first 96, 64, 56 or 48 bits. All four addresses are
        # checked, because the length is not known here. Bits 64 to 71 are always 0 and not a part
        # of the IPv4 address. Source: RFC 6052.
        bits = int(address)
        joined = (bits >> 64 << 56) | (bits & ((1 << 56) - 1))
        numbers = (bits, *(joined >> (88 - prefix) for prefix in (64, 56, 48)))
        return (address, *(IPv4Address(number & 0xFFFFFFFF) for number in numbers))
    inside = address.ipv4_mapped or address.sixtofour
    # ::1 and :: contain no IPv4 address.
    if inside is None and int(address) > 1 and any(address in net for net in IPV4_INSIDE):
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    return (inside or address,)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    local = isinstance(address, IPv6Address) and (
        address.is_site_local or any(address in net for net in NOT_PUBLIC)
    )
    return address.is_global and not address.is_multicast and not local
