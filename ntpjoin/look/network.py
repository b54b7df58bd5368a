"""The addresses under which others can ask this host."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any, Union

from ntpjoin.host.machine import Host
from ntpjoin.records import dataclass

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


#: What the kernel calls a lifetime without an end (linux/if_addr.h; RFC 4861, 4.6.2).
_FOR_EVER = 0xFFFFFFFF


@dataclass(frozen=True)
class Network:
    """Addresses of global scope that last, and, of all that do not, for how many seconds they were given.

    `interfaces` has the addresses that last as the kernel lists them, each with the name of its interface.
    """

    addresses: tuple[str, ...]
    leases: Mapping[str, int]
    interfaces: tuple[tuple[str, Address], ...] = ()


def look_addresses(host: Host) -> tuple[str, ...]:
    """Addresses of global scope, IPv4 first; without temporary (RFC 8981), deprecated and still tentative ones."""
    return look_network(host).addresses


def look_network(host: Host) -> Network:
    """The same, and which of all addresses were only lent; none where ip(8) does not list them."""
    said = host.run(["ip", "-json", "address", "show", "scope", "global"], check=False)
    try:
        return _network(json.loads(said.out or "[]")) if said.code == 0 else Network((), {})
    except (AttributeError, RecursionError, TypeError, ValueError):
        return Network((), {})


def _network(links: list[dict[str, Any]]) -> Network:
    entries = [
        (str(link.get("ifname", "")), entry)
        for link in links
        for entry in link.get("addr_info", ())
        if "local" in entry
    ]
    interfaces = tuple((name, ipaddress.ip_address(entry["local"])) for name, entry in entries if _lasts(entry))
    found = [address for _, address in interfaces]
    lent = {entry["local"]: entry.get("valid_life_time") for _, entry in entries}
    return Network(
        tuple(str(address) for address in sorted(found, key=lambda address: (address.version, address))),
        {address: life for address, life in lent.items() if isinstance(life, int) and life < _FOR_EVER},
        interfaces,
    )


def _lasts(entry: dict[str, Any]) -> bool:
    return not any(entry.get(flag) for flag in ("temporary", "deprecated", "tentative"))
