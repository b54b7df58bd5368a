"""Ranges of addresses and of ports: how much of the world, or of what clients ask from, is in them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from ntpjoin.model import Family

#: First and last value, both included.
Range = tuple[int, int]

#: What an NTP client asks from: ntpd from 123, others from any port above those that only root may open.
CLIENT_PORTS: tuple[Range, ...] = ((123, 123), (1024, 65535))


def _nets(*texts: str) -> tuple[Range, ...]:
    return tuple((int(net[0]), int(net[-1])) for net in map(ipaddress.ip_network, texts))


#: Where no client can be, in broad strokes (RFC 6890); documentation ranges count as public.
_NOWHERE = _nets(
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
)


def _between(holes: tuple[Range, ...], last: int) -> tuple[Range, ...]:
    """What the holes, in order, leave of 0 to `last`."""
    edges = [-1, *(edge for hole in holes for edge in hole), last + 1]
    return tuple((low + 1, high - 1) for low, high in zip(edges[::2], edges[1::2]) if low + 1 <= high - 1)


#: Where clients can be.
WORLD: Mapping[Family, tuple[Range, ...]] = {
    "IPv4": _between(_NOWHERE, 2**32 - 1),
    "IPv6": _nets("2000::/3"),
}


def overlap(some: tuple[Range, ...], others: tuple[Range, ...]) -> int:
    """How many values are in both; ranges of one may overlap each other."""
    merged: list[Range] = []
    for low, high in sorted(some):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    found = 0
    for low, high in merged:
        found += sum(max(0, min(high, last) - max(low, first) + 1) for first, last in others)
    return found
