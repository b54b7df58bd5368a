"""What one question to DNS brought: addresses and aliases, or names, or the problem in words."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional, Union

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

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


def read(response: dns.message.QueryMessage) -> Found:
    """Read a response of NOERROR or NXDOMAIN. dns.message.ChainTooLong where its aliases do not end."""
    result = response.resolve_chaining()
    chain = _chain(result)
    if response.rcode() == dns.rcode.NXDOMAIN:
        return no_such_name(chain)
    if result.answer and result.answer.rdtype == dns.rdatatype.PTR:
        return Found(chain, names=tuple(sorted(_text(record.target) for record in result.answer)))
    return _addresses(chain, result.answer, result.minimum_ttl)


def no_such_name(chain: tuple[str, ...] = ()) -> Found:
    """The name, or what its aliases lead to, does not exist."""
    words = f"no such name: {chain[-1]}" if chain else "no such name"
    return Found(chain=chain, rank=NO_SUCH_NAME, problem=words)


def _addresses(chain: tuple[str, ...], rrset: Optional[dns.rrset.RRset], ttl_s: int) -> Found:
    addresses = [ipaddress.ip_address(record.address) for record in rrset or ()]
    usable = tuple(sorted(address for address in addresses if not is_mapped(address)))
    if usable:
        return Found(chain, usable, ttl_s)
    if addresses:
        return Found(chain, rank=MAPPED, problem="it leads to IPv4-mapped addresses only")
    return Found(chain, problem="the name has no address")


def _chain(result: dns.message.ChainingResult) -> tuple[str, ...]:
    """Give the names that aliases lead to, the last one last, be there an address at its end or not."""
    return tuple(_text(alias[0].target) for alias in result.cnames)


def _text(name: dns.name.Name) -> str:
    """A name as it is typed; what cannot be printed comes out as digits."""
    return str(name).rstrip(".").lower()


def failure(errors: Sequence[Sequence[object]]) -> str:
    """Say what the last server asked did; each error is (server, over TCP?, port, what happened, response)."""
    if not errors:
        return "no DNS server could be asked"
    server, over_tcp, _, what = errors[-1][:4]
    # Newer releases of dnspython write "Do53:198.51.100.53@53".
    address = str(server).rpartition("Do53:")[2].partition("@")[0]
    over = " over TCP" if over_tcp else ""
    if isinstance(what, OSError):
        return f"the DNS server {address} cannot be reached{over}: {what.strerror or what}"
    if isinstance(what, EOFError):
        return f"the DNS server {address} broke off its answer{over}"
    if isinstance(what, dns.message.ChainTooLong):
        return "its aliases go in a circle, or are too many"
    if isinstance(what, Exception):
        return f"the answer of the DNS server {address} cannot be read"
    return f"the DNS server {address} failed ({what})"
