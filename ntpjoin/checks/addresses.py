"""Where clients ask this host. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from ntpjoin.checks.access import Network
from ntpjoin.facts import Facts
from ntpjoin.model import Family, Wish
from ntpjoin.upstreams.addresses import special_range

#: Networks whose addresses nobody outside has: private, link-local and loopback (RFC 1918, 3927, 4193, 4291, 1122).
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "127.0.0.0/8",
            "fc00::/7",
            "fe80::/10",
            "::1/128",
        ),
    )
)


def is_private(network: Network) -> bool:
    """Whether none of a network's addresses can be a stranger's."""
    return any(one.version == network.version and one.supernet_of(network) for one in _PRIVATE)  # type: ignore[arg-type]


def service_addresses(facts: Facts, wish: Wish) -> tuple[str, ...]:
    """This host's own addresses that clients may ask: public ones, and private ones to which a declared public one leads.

    An operator who accepts private upstreams serves private clients, too.
    """
    public = tuple(address for address in facts.addresses if special_range(address) is None)
    declared = {family_of(address) for address in wish.public_addresses}
    behind_nat = declared - {family_of(address) for address in public}
    return tuple(
        address
        for address in facts.addresses
        if address in public or wish.allow_private or family_of(address) in behind_nat
    )


def outside_addresses(facts: Facts, wish: Wish) -> tuple[str, ...]:
    """Where to ask this host from outside: what was declared, and of a family without that its own addresses, public ones first."""
    declared = {family_of(address) for address in wish.public_addresses}
    others = (address for address in service_addresses(facts, wish) if family_of(address) not in declared)
    own = sorted(others, key=lambda address: special_range(address) is not None)
    return (*wish.public_addresses, *own)


def to_probe(addresses: Sequence[str]) -> str:
    """What to type on another machine to see these from outside, and whether they are closed to management.

    Private ones are left out where there are others.
    """
    public = [address for address in addresses if special_range(address) is None]
    return f"ntpjoin probe {' '.join(public or addresses)} --mine" + ("" if public else " --allow-private")


def family_of(address: str) -> Family:
    """IPv4 or IPv6."""
    return "IPv6" if ":" in address else "IPv4"
