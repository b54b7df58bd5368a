"""Asking the system's DNS servers where names lead: all names at once, both families, within one bounded time.

dnspython speaks the protocol; what it raises comes out of here as words. Names are to have passed `upstreams.grammar`.
"""

from __future__ import annotations

import ipaddress
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional, Union

import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.resolver

from ntpjoin.model import Family, Resolved

_TYPES: dict[Family, dns.rdatatype.RdataType] = {"IPv4": dns.rdatatype.A, "IPv6": dns.rdatatype.AAAA}
_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

#: Questions on their way at the same time, each in a thread and with a socket of its own; 1024 files is what many shells
#: allow. A dead name holds its thread to the end, so there are to be enough of them for the living.
_MOST_THREADS = 800
#: Between the starts of two threads: a burst of hundreds of questions would overflow a small server's queue.
_PAUSE_S = 0.001
#: The part of the time that all pauses together may take, however many.
_PAUSING = 0.25
#: dnspython keeps its time by a clock that may be stepped; what is not back by then is silence.
_GRACE_S = 1.0

# Which of two problems tells more: the other one may only be its consequence.
_NO_SUCH_NAME, _FAILED, _SILENT, _MAPPED, _EMPTY = range(5)


@dataclass(frozen=True)
class _Found:
    """What one question, a name and a type, brought."""

    chain: tuple[str, ...] = ()
    addresses: tuple[_Address, ...] = ()
    ttl_s: Optional[int] = None
    rank: int = _EMPTY
    problem: str = ""


def resolve(
    names: Iterable[str],
    *,
    nameservers: Optional[Sequence[str]] = None,
    only: Optional[Mapping[str, Family]] = None,
    timeout_s: float = 5.0,
    port: int = 53,
) -> tuple[Resolved, ...]:
    """Find the addresses of each name, or say why there are none; in the order given, a repeated name once.

    Of the names in `only` just that family is asked for, and they are not `whole` then.

    Asks `nameservers` at `port`, or else those of /etc/resolv.conf, and takes `timeout_s` at most, whatever they do.
    Addresses come sorted, IPv4 first. A literal address is its own answer and is not asked about. Nothing is raised.
    """
    wanted = tuple(dict.fromkeys(names))
    literal = {name: _literal(name) for name in wanted}
    asked = [name for name in wanted if literal[name] is None]
    found: dict[str, list[_Found]] = {}
    if asked:
        resolver = _resolver(nameservers, port)
        if isinstance(resolver, str):
            found = {name: [_Found(rank=_FAILED, problem=resolver)] for name in asked}
        else:
            found = _ask_all(resolver, asked, only or {}, timeout_s)
    return tuple(literal[name] or _merged(name, found[name]) for name in wanted)


def _literal(name: str) -> Optional[Resolved]:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    if "%" in name or _mapped(address):
        return Resolved(name, problem="a scoped or IPv4-mapped address is no place for a server")
    return Resolved(name, addresses=(str(address),))


def _mapped(address: _Address) -> bool:
    return address.version == 6 and address.ipv4_mapped is not None


def _resolver(nameservers: Optional[Sequence[str]], port: int) -> Union[dns.resolver.Resolver, str]:
    """Set up dnspython, or say why there is nobody to ask."""
    try:
        resolver = dns.resolver.Resolver(configure=nameservers is None)
        if nameservers is not None:
            resolver.nameservers = list(nameservers)
    except (dns.exception.DNSException, OSError, ValueError):
        return "no DNS server can be read from /etc/resolv.conf"
    if not resolver.nameservers:
        return "no DNS server is configured"
    resolver.port = port
    return resolver


def _ask_all(
    resolver: dns.resolver.Resolver, names: Sequence[str], only: Mapping[str, Family], timeout_s: float
) -> dict[str, list[_Found]]:
    ends_s = time.monotonic() + timeout_s
    kinds = {name: _kinds(only.get(name)) for name in names}
    jobs = [(name, kind) for name in names for kind in kinds[name]]
    todo: queue.SimpleQueue[tuple[str, dns.rdatatype.RdataType]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, _Found]] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)

    def work() -> None:
        while True:
            try:
                name, kind = todo.get_nowait()
            except queue.Empty:
                return
            done.put((name, _ask(resolver, name, kind, ends_s - time.monotonic(), timeout_s)))

    _start(work, min(len(jobs), _MOST_THREADS), until=todo.empty, pausing_s=timeout_s * _PAUSING)
    found: dict[str, list[_Found]] = {name: [] for name in names}
    for _ in jobs:
        try:
            name, answer = done.get(timeout=max(0.0, ends_s + _GRACE_S - time.monotonic()))
        except queue.Empty:
            break
        found[name].append(answer)
    silent = _Found(rank=_SILENT, problem=_silence(timeout_s))
    return {
        name: answers if len(answers) == len(kinds[name]) else [*answers, silent] for name, answers in found.items()
    }


def _kinds(family: Optional[Family]) -> tuple[dns.rdatatype.RdataType, ...]:
    return (_TYPES[family],) if family else tuple(_TYPES.values())


def _start(work: Callable[[], None], most: int, *, until: Callable[[], bool], pausing_s: float) -> None:
    """Start threads one after the other: so many at most, and no more of them once there is nothing left to take up."""
    pause_s = min(_PAUSE_S, pausing_s / most)
    for _ in range(most):
        try:
            threading.Thread(target=work, name="dns", daemon=True).start()
        except RuntimeError:  # the system allows no more; those that there are share the work
            return
        time.sleep(pause_s)
        if until():
            return


def _silence(timeout_s: float, over: str = "") -> str:
    return f"no DNS server answered{over} within {timeout_s:g} s"


def _ask(
    resolver: dns.resolver.Resolver, name: str, kind: dns.rdatatype.RdataType, left_s: float, timeout_s: float
) -> _Found:
    if left_s <= 0:
        return _Found(rank=_SILENT, problem=_silence(timeout_s))
    try:
        # From the root: the system's search list is for people, and pool members are followed from anywhere.
        absolute = dns.name.from_text(name, dns.name.root)
        answer = resolver.resolve(absolute, kind, raise_on_no_answer=False, lifetime=left_s, search=False)
        return _read(answer)
    except dns.resolver.NXDOMAIN as problem:
        responses: dict[dns.name.Name, dns.message.QueryMessage] = problem.kwargs["responses"]
        chain = _chain(responses[absolute].resolve_chaining()) if absolute in responses else ()
        words = f"no such name: {chain[-1]}" if chain else "no such name"
        return _Found(chain=chain, rank=_NO_SUCH_NAME, problem=words)
    except dns.resolver.NoNameservers as problem:
        return _Found(rank=_FAILED, problem=_failure(problem.kwargs.get("errors") or ()))
    except dns.exception.Timeout as problem:
        errors = problem.kwargs.get("errors") or ()
        # Who answers over UDP, but cut short, and says nothing over TCP is not simply silent.
        over = " over TCP" if any(over_tcp for _, over_tcp, *_ in errors) else ""
        return _Found(rank=_SILENT, problem=_silence(timeout_s, over))
    except (dns.exception.DNSException, OSError, ValueError) as problem:
        return _Found(rank=_FAILED, problem=f"DNS could not be asked: {problem}")


def _read(answer: dns.resolver.Answer) -> _Found:
    result = answer.chaining_result
    addresses = [ipaddress.ip_address(record.address) for record in answer.rrset or ()]
    chain = _chain(result)
    usable = tuple(sorted(address for address in addresses if not _mapped(address)))
    if usable:
        return _Found(chain, usable, result.minimum_ttl)
    if addresses:
        return _Found(chain, rank=_MAPPED, problem="it leads to IPv4-mapped addresses only")
    return _Found(chain, problem="the name has no address")


def _chain(result: dns.message.ChainingResult) -> tuple[str, ...]:
    """Give the names that aliases lead to, the last one last, be there an address at its end or not."""
    return tuple(str(alias[0].target).rstrip(".").lower() for alias in result.cnames)


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


def _merged(name: str, found: Sequence[_Found]) -> Resolved:
    """Put both families together; a problem is only told when there is no address at all."""
    addresses = tuple(
        str(address) for version in (4, 6) for part in found for address in part.addresses if address.version == version
    )
    chain = max((part.chain for part in found), key=len)
    whole = len(found) == len(_TYPES) and not any(part.rank in (_FAILED, _SILENT) for part in found)
    if not addresses:
        return Resolved(name, chain, problem=min(found, key=lambda part: part.rank).problem, whole=whole)
    return Resolved(name, chain, addresses, min(part.ttl_s for part in found if part.ttl_s is not None), whole=whole)
