"""Where an image may not come from: addresses that no public service goes to.

Pure: judged is the address a connection would be made to, not the name that led there.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

__all__ = ["is_unsafe"]

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

IPV4_INSIDE = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""IPv6 addresses that end in the IPv4 address they lead to, besides the mapped ones: those of
NAT64 and the old compatible ones."""


def is_unsafe(host: str, *, private_addresses: bool) -> bool:
    """Whether an image at this address is refused with 401.

    Args:
        host: A numeric address of IPv4 or IPv6; a zone after `%` is left out of account. What is
            none is unsafe.
        private_addresses: Take loopback, private networks and whatever else is not public for
            safe. Link-local addresses and those of cloud metadata never are.
    """
    try:
        address = _meant(ip_address(host.partition("%")[0]))
    except ValueError:
        return True
    if address.is_link_local or address in METADATA:
        return True
    return not private_addresses and not _is_public(address)


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one is a spelling of, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    inside = address.ipv4_mapped or address.sixtofour
    # ::1 and :: are addresses of their own.
    if inside is None and int(address) > 1 and any(address in net for net in IPV4_INSIDE):
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    return inside or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not site_local
