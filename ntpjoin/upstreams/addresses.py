"""Which addresses are public, from a table of our own: Python's `is_global` differs from release to release.

The rows are IANA's special-purpose registries for IPv4 and IPv6, and the ranges that never were, or no longer are,
given to anybody. Ranges that routers carry but that hold no server for others (anycast services) are special too.
"""

from __future__ import annotations

import ipaddress
from typing import Optional, Union

from ntpjoin.records import dataclass

_Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@dataclass(frozen=True)
class SpecialRange:
    """A range that is not public: what its addresses are, by which RFC, and whether no option may allow them."""

    network: _Network
    what: str
    rfc: int
    never: bool = False


def _row(network: str, what: str, rfc: int, *, never: bool = False) -> SpecialRange:
    return SpecialRange(ipaddress.ip_network(network), what, rfc, never)


#: The first row that holds an address speaks for it, so a range stands before the wider one around it.
SPECIAL = (
    _row("0.0.0.0/32", "the unspecified address", 1122, never=True),
    _row("0.0.0.0/8", "an address of this network itself", 791, never=True),
    _row("10.0.0.0/8", "a private address", 1918),
    _row("100.64.0.0/10", "an address shared behind a provider's NAT", 6598),
    _row("127.0.0.0/8", "a loopback address", 1122, never=True),
    _row("169.254.0.0/16", "a link-local address", 3927, never=True),
    _row("172.16.0.0/12", "a private address", 1918),
    _row("192.0.0.0/24", "an address reserved for protocols", 6890),
    _row("192.0.2.0/24", "an address for documentation", 5737),
    _row("192.31.196.0/24", "an address of the AS112 service", 7535),
    _row("192.52.193.0/24", "an address of multicast relays", 7450),
    _row("192.88.99.0/24", "an address of the former 6to4 relays", 7526),
    _row("192.168.0.0/16", "a private address", 1918),
    _row("192.175.48.0/24", "an address of the AS112 service", 7534),
    _row("198.18.0.0/15", "an address for benchmarks", 2544),
    _row("198.51.100.0/24", "an address for documentation", 5737),
    _row("203.0.113.0/24", "an address for documentation", 5737),
    _row("224.0.0.0/4", "a multicast address", 5771, never=True),
    _row("255.255.255.255/32", "the broadcast address", 919, never=True),
    _row("240.0.0.0/4", "a reserved address", 1112, never=True),
    _row("::/128", "the unspecified address", 4291, never=True),
    _row("::1/128", "the loopback address", 4291, never=True),
    _row("::ffff:0:0/96", "an IPv4-mapped address", 4291, never=True),
    _row("::/96", "an IPv4-compatible address", 4291, never=True),
    _row("64:ff9b::/96", "an IPv4 address translated by NAT64", 6052),
    _row("64:ff9b:1::/48", "an IPv4 address translated by NAT64", 8215),
    _row("100::/64", "an address whose packets are discarded", 6666, never=True),
    _row("100:0:0:1::/64", "a dummy prefix", 9780, never=True),
    _row("2001::/32", "a Teredo address", 4380),
    _row("2001:2::/48", "an address for benchmarks", 5180),
    _row("2001:10::/28", "a cryptographic identifier (ORCHID)", 4843),
    _row("2001:20::/28", "a cryptographic identifier (ORCHID)", 7343),
    _row("2001::/23", "an address reserved for protocols", 2928),
    _row("2001:db8::/32", "an address for documentation", 3849),
    _row("2002::/16", "a 6to4 address", 3056),
    _row("2620:4f:8000::/48", "an address of the AS112 service", 7534),
    _row("3ffe::/16", "an address of the former 6bone", 3701),
    _row("3fff::/20", "an address for documentation", 9637),
    _row("5f00::/16", "a segment routing identifier", 9602),
    _row("fc00::/7", "a unique local address", 4193),
    _row("fe80::/10", "a link-local address", 4291, never=True),
    _row("fec0::/10", "a site-local address", 3879),
    _row("ff00::/8", "a multicast address", 4291, never=True),
)

#: The only part of IPv6 from which addresses for the whole Internet are given out.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_GIVEN_OUT = _row("::/0", "an address outside the range given out for the Internet", 4291)


def special_range(address: str) -> Optional[SpecialRange]:
    """Find why this literal address is not public; None when it is. ValueError when it is not an address."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    for row in SPECIAL:
        if parsed in row.network:
            return row
    return _NOT_GIVEN_OUT if parsed.version == 6 and parsed not in _GLOBAL_UNICAST else None


def why_not_public(address: str) -> str:
    """Say what an address is instead of public, "a private address (RFC 1918)"; "" when it is public."""
    row = special_range(address)
    return f"{row.what} (RFC {row.rfc})" if row else ""


def may_be_used(address: str, allow_private: bool) -> bool:
    """Tell whether a server may be followed there: loopback, link-local, multicast and the like never may."""
    row = special_range(address)
    return row is None or (allow_private and not row.never)
