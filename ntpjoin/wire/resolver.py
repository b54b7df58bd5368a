"""What was not plainly answered, asked again by dnspython, which knows TCP, the other servers and how to be patient.

What it raises comes out of here as words.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Optional, Union

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from ntpjoin.wire.answers import FAILED, Found, addresses_of, no_such_name, silence


def set_up(nameservers: Optional[Sequence[str]], port: int) -> Union[dns.resolver.Resolver, str]:
    """A resolver for these servers, or else for those of /etc/resolv.conf; or say why there is nobody to ask.

    The first one has been asked already, so it comes last.
    """
    try:
        resolver = dns.resolver.Resolver(configure=nameservers is None)
        if nameservers is not None:
            resolver.nameservers = list(nameservers)
    except (dns.exception.DNSException, OSError, ValueError):
        return "no DNS server can be read from /etc/resolv.conf"
    if not resolver.nameservers:
        return "no DNS server is configured"
    resolver.port = port
    first, *more = resolver.nameservers
    resolver.nameservers = [*more, first]
    return resolver


def ask(resolver: dns.resolver.Resolver, name: str, kind: int, left_s: float, timeout_s: float) -> Found:
    """Ask for the addresses of this kind, for as long as is left of the time."""
    if left_s <= 0:
        return silence(timeout_s)
    try:
        absolute = dns.name.from_text(name, dns.name.root)
        answer = resolver.resolve(
            absolute, dns.rdatatype.RdataType(kind), raise_on_no_answer=False, lifetime=left_s, search=False
        )
        return _read(answer.response)
    except dns.resolver.NXDOMAIN as problem:
        responses: dict[dns.name.Name, dns.message.QueryMessage] = problem.kwargs["responses"]
        return _read(responses[absolute]) if absolute in responses else no_such_name()
    except dns.resolver.NoNameservers as problem:
        return Found(rank=FAILED, problem=_failure(problem.kwargs.get("errors") or ()))
    except dns.exception.Timeout as problem:
        errors = problem.kwargs.get("errors") or ()
        # Who answers over UDP, but cut short, and says nothing over TCP is not simply silent.
        over = " over TCP" if any(over_tcp for _, over_tcp, *_ in errors) else ""
        return silence(timeout_s, over)
    except (dns.exception.DNSException, OSError, ValueError) as problem:
        return Found(rank=FAILED, problem=f"DNS could not be asked: {problem}")


def _read(response: dns.message.QueryMessage) -> Found:
    """Read a response of NOERROR or NXDOMAIN. dns.message.ChainTooLong where its aliases do not end."""
    result = response.resolve_chaining()
    chain = _chain(result)
    if response.rcode() == dns.rcode.NXDOMAIN:
        return no_such_name(chain)
    if result.answer and result.answer.rdtype == dns.rdatatype.PTR:
        return Found(chain, names=tuple(sorted(_text(record.target) for record in result.answer)))
    addresses = [ipaddress.ip_address(record.address) for record in result.answer or ()]
    return addresses_of(chain, addresses, result.minimum_ttl)


def _chain(result: dns.message.ChainingResult) -> tuple[str, ...]:
    """Give the names that aliases lead to, the last one last, be there an address at its end or not."""
    return tuple(_text(alias[0].target) for alias in result.cnames)


def _text(name: dns.name.Name) -> str:
    """A name as it is typed; what cannot be printed comes out as digits."""
    return str(name).rstrip(".").lower()


def _failure(errors: Sequence[Sequence[object]]) -> str:
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
