"""The addresses under which others can ask this host."""

from __future__ import annotations

import ipaddress
import json
from typing import Union

from ntpjoin.host.machine import Host

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


def look_addresses(host: Host) -> tuple[str, ...]:
    """Addresses of global scope, IPv4 first; without temporary (RFC 8981), deprecated and still tentative ones."""
    found = [address for _, address in on_interfaces(host)]
    return tuple(str(address) for address in sorted(found, key=lambda address: (address.version, address)))


def on_interfaces(host: Host) -> list[tuple[str, Address]]:
    """The same, each with the name of its interface, as the kernel lists them."""
    said = host.run(["ip", "-json", "address", "show", "scope", "global"], check=False)
    links = json.loads(said.out or "[]") if said.code == 0 else []
    return [
        (link.get("ifname", ""), ipaddress.ip_address(entry["local"]))
        for link in links
        for entry in link.get("addr_info", ())
        if "local" in entry and not any(entry.get(flag) for flag in ("temporary", "deprecated", "tentative"))
    ]
