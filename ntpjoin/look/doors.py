"""Where queries come in: the interfaces that lead to the world, and this host's addresses on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from ntpjoin.host.machine import Host
from ntpjoin.host.netfilter.rules import Packet
from ntpjoin.look.network import Network, look_network
from ntpjoin.model import FAMILIES, Family

#: A route that refuses packets (linux/route.h, RTF_REJECT) leads nowhere.
_REJECT = 0x200


def look_doors(host: Host, network: Optional[Network] = None) -> tuple[Packet, ...]:
    """One query for each of this host's addresses on an interface of a default route, and for those of the loopback interface.

    `network` is what was seen of them just now. Where there is no default route, for each address of the family; where there is no
    address at all, one for each family and nobody.
    """
    ways: Mapping[Family, set[str]] = {
        "IPv4": _ways4(host.text("/proc/net/route")),
        "IPv6": _ways6(host.text("/proc/net/ipv6_route")),
    }
    found = []
    for interface, address in (network or look_network(host)).interfaces:
        family: Family = "IPv4" if address.version == 4 else "IPv6"
        led = ways[family] or {interface}
        into = led if interface == "lo" else led & {interface}
        found += [Packet(family, way, int(address), bridged=_is_bridge(host, way)) for way in sorted(into)]
    return tuple(found) or tuple(Packet(family, min(ways[family], default="")) for family in FAMILIES)


def _is_bridge(host: Host, interface: str) -> bool:
    return host.exists(f"/sys/class/net/{interface}/bridge")


def _ways4(table: str) -> set[str]:
    """The interfaces of default routes (proc(5), /proc/net/route)."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return {row[0] for row in rows if row[1] == row[7] == "00000000" and not int(row[3], 16) & _REJECT}


def _ways6(table: str) -> set[str]:
    """The same of IPv6: destination, prefix length, … flags, interface."""
    rows = [line.split() for line in table.splitlines()]
    return {row[9] for row in rows if int(row[0], 16) == 0 and row[1] == "00" and not int(row[8], 16) & _REJECT}
