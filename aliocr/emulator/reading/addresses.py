"""Where an image may not come from: addresses that no public service goes to.

Pure: judged is the address a connection would be made to, not the name that led there.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

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
"""Where clouds give a machine its own keys, besides the link-local 169.254.169.254."""

IPV4_INSIDE = tuple(map(IPv6Network, ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")))
"""IPv6 addresses that end in the IPv4 address they lead to, besides the mapped ones: those of
NAT64, the old compatible ones, and those of SIIT."""

NAT64_INSIDE = IPv6Network("64:ff9b:1::/48")
"""For a network's own NAT64: where in it the IPv4 address stands is the network's choice.
Source: RFC 8215."""

NOT_PUBLIC = (*map(IPv6Network, ("5f00::/16", "3fff::/20")), NAT64_INSIDE)
"""Of a network itself, or of nobody's, which not every Python knows. Source: RFC 9602, 9637."""


def is_unsafe(host: str, *, private_addresses: bool) -> bool:
    """Whether an image at this address is refused with 401.

    Args:
        host: A numeric address of IPv4 or IPv6; a zone after `%` is left out of account. What is
            none is unsafe.
        private_addresses: Take loopback, private networks and whatever else is not public for
            safe. Link-local addresses and those of cloud metadata never are.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return True
    for meant in _meant(address):
        if meant.is_link_local or meant in METADATA:
            return True
        if not private_addresses and not _is_public(meant):
            return True
    return False


def _meant(address: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """The IPv4 address that an IPv6 one is a spelling of, or itself; or whatever it may lead to."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address in NAT64_INSIDE:
        return (address, *_translated(int(address)))
    inside = address.ipv4_mapped or address.sixtofour
    # ::1 and :: are addresses of their own.
    if inside is None and int(address) > 1 and any(address in net for net in IPV4_INSIDE):
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    return (inside or address,)


def _translated(bits: int) -> Iterator[IPv4Address]:
    """Behind a prefix of 96, 64, 56 and 48 bits, but for those that must be 0. Source: RFC 6052."""
    yield IPv4Address(bits & 0xFFFFFFFF)
    without = (bits >> 64 << 56) | (bits & ((1 << 56) - 1))
    for prefix in (64, 56, 48):
        yield IPv4Address((without >> (120 - prefix - 32)) & 0xFFFFFFFF)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and (
        address.is_site_local or any(address in net for net in NOT_PUBLIC)
    ):
        return False
    return address.is_global and not address.is_multicast
