"""What one question to DNS brought: addresses and aliases, or names, or the problem in words."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Optional, Union

from ntpjoin.records import dataclass

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

# Which of two problems tells more: the other one may only be its consequence.
NO_SUCH_NAME, FAILED, SILENT, MAPPED, EMPTY = range(5)


@dataclass(frozen=True)
class Found:
    """What one question, a name and a type, brought; `rank` says how much a problem tells. `names` answer a question for PTR."""

    chain: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    ttl_s: Optional[int] = None
    rank: int = EMPTY
    problem: str = ""
    names: tuple[str, ...] = ()


def is_mapped(address: Address) -> bool:
    """Whether it is an IPv4 address in IPv6's clothes."""
    return address.version == 6 and address.ipv4_mapped is not None


def no_such_name(chain: tuple[str, ...] = ()) -> Found:
    """The name, or what its aliases lead to, does not exist."""
    words = f"no such name: {chain[-1]}" if chain else "no such name"
    return Found(chain=chain, rank=NO_SUCH_NAME, problem=words)


def silence(timeout_s: float, over: str = "") -> Found:
    """Nobody has said anything."""
    return Found(rank=SILENT, problem=f"no DNS server answered{over} within {timeout_s:g} s")


def addresses_of(chain: tuple[str, ...], addresses: Iterable[Address], ttl_s: int) -> Found:
    """The name, or what its aliases lead to, has these addresses, or none."""
    every = tuple(addresses)
    usable = tuple(sorted(address for address in every if not is_mapped(address)))
    if usable:
        return Found(chain, usable, ttl_s)
    if every:
        return Found(chain, rank=MAPPED, problem="it leads to IPv4-mapped addresses only")
    return Found(chain, problem="the name has no address")
