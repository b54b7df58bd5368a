"""Asking the system's DNS servers where names lead, and what addresses are called: all at once, within one bounded time.

dnspython speaks the protocol; what it raises comes out of here as words. Names are to have passed `upstreams.grammar`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Optional, Union

import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.resolver

from ntpjoin.model import Family, Resolved
from ntpjoin.wire.answers import FAILED, SILENT, Found, failure, is_mapped, no_such_name, read
from ntpjoin.wire.burst import Job, burst

_TYPES: dict[Family, dns.rdatatype.RdataType] = {"IPv4": dns.rdatatype.A, "IPv6": dns.rdatatype.AAAA}

#: Threads that ask again what was not plainly answered, with a socket each; 1024 files is what many shells allow. A dead
#: name holds its thread to the end, so there are to be enough of them for the living.
_MOST_THREADS = 800
#: Between two questions: hundreds at once would overflow a small server's queue. And the part of the time for all of it.
_PAUSE_S, _PAUSING = 0.001, 0.25
#: How long a server may take before it is asked again, and the part of the time that this may be at most.
_PATIENCE_S, _PATIENT = 2.0, 0.75
#: dnspython keeps its time by a clock that may be stepped; what is not back by then is silence.
_GRACE_S = 1.0


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
    found: dict[str, list[Found]] = {}
    if asked:
        resolver = _resolver(nameservers, port)
        if isinstance(resolver, str):
            found = {name: [Found(rank=FAILED, problem=resolver)] for name in asked}
        else:
            kinds = {name: _kinds((only or {}).get(name)) for name in asked}
            found = _ask_all(resolver, kinds, timeout_s)
    return tuple(literal[name] or _merged(name, found[name]) for name in wanted)


def names_of(
    addresses: Iterable[str],
    *,
    nameservers: Optional[Sequence[str]] = None,
    timeout_s: float = 5.0,
    port: int = 53,
) -> dict[str, Optional[tuple[str, ...]]]:
    """Find what each address is called (PTR): its names, sorted; none where it has none, None where DNS did not tell.

    Whom it asks, and how long it takes, is as with `resolve`. ValueError where one is no address; else nothing is raised.
    """
    asked = {address: ipaddress.ip_address(address).reverse_pointer for address in addresses}
    resolver = _resolver(nameservers, port) if asked else ""
    if isinstance(resolver, str):
        return dict.fromkeys(asked)
    found = _ask_all(resolver, dict.fromkeys(asked.values(), (dns.rdatatype.PTR,)), timeout_s)
    return {address: _names(found[pointer]) for address, pointer in asked.items()}


def _names(found: Sequence[Found]) -> Optional[tuple[str, ...]]:
    [answer] = found
    return None if answer.rank in (FAILED, SILENT) else answer.names


def _literal(name: str) -> Optional[Resolved]:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    if "%" in name or is_mapped(address):
        return Resolved(name, problem="a scoped or IPv4-mapped address is no place for a server")
    return Resolved(name, addresses=(str(address),))


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
    resolver: dns.resolver.Resolver, kinds: Mapping[str, Sequence[dns.rdatatype.RdataType]], timeout_s: float
) -> dict[str, list[Found]]:
    """What the questions about each name brought, one for each kind.

    The first server is asked all of them in one go; what it does not answer plainly is left to dnspython, which knows TCP,
    the other servers and how to ask again.
    """
    ends_s = time.monotonic() + timeout_s
    jobs = [(name, kind) for name in kinds for kind in kinds[name]]
    found: dict[str, list[Found]] = {name: [] for name in kinds}
    pause_s = min(_PAUSE_S, timeout_s * _PAUSING / len(jobs))
    first, *more = resolver.nameservers
    resolver.nameservers = [*more, first]
    others = _Threads(lambda job: _ask(resolver, job, ends_s - time.monotonic(), timeout_s))

    def on_end(job: Job, answer: Optional[Found]) -> None:
        if answer:
            found[job[0]].append(answer)
        else:
            others.add(job)
            time.sleep(pause_s)

    burst(
        jobs,
        str(first),
        resolver.port,
        pause_s=pause_s,
        patience_s=min(_PATIENCE_S, timeout_s * _PATIENT),
        on_end=on_end,
    )
    for name, answer in others.results(ends_s + _GRACE_S):
        found[name].append(answer)
    silent = Found(rank=SILENT, problem=_silence(timeout_s))
    return {
        name: answers if len(answers) == len(kinds[name]) else [*answers, silent] for name, answers in found.items()
    }


def _kinds(family: Optional[Family]) -> tuple[dns.rdatatype.RdataType, ...]:
    return (_TYPES[family],) if family else tuple(_TYPES.values())


class _Threads:
    """Asks each question that is added in a thread, or shares them out where the system allows no more threads."""

    def __init__(self, ask: Callable[[Job], Found]) -> None:
        self._ask = ask
        self._added = self._running = 0
        self._lock = threading.Lock()
        self._todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[str, Found]] = queue.SimpleQueue()

    def add(self, job: Job) -> None:
        """Have one more asked."""
        self._added += 1
        with self._lock:
            self._todo.put(job)
            if self._running >= _MOST_THREADS:
                return
            with contextlib.suppress(RuntimeError):
                threading.Thread(target=self._work, name="dns", daemon=True).start()
                self._running += 1

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._todo.empty():
                    self._running -= 1
                    return
                job = self._todo.get_nowait()
            self._done.put((job[0], self._ask(job)))

    def results(self, until_s: float) -> Iterator[tuple[str, Found]]:
        """Each name and what a question about it brought, as they come; until then at most."""
        with contextlib.suppress(queue.Empty):
            for _ in range(self._added):
                yield self._done.get(timeout=max(0.0, until_s - time.monotonic()))


def _silence(timeout_s: float, over: str = "") -> str:
    return f"no DNS server answered{over} within {timeout_s:g} s"


def _ask(resolver: dns.resolver.Resolver, job: Job, left_s: float, timeout_s: float) -> Found:
    if left_s <= 0:
        return Found(rank=SILENT, problem=_silence(timeout_s))
    name, kind = job
    try:
        absolute = dns.name.from_text(name, dns.name.root)
        answer = resolver.resolve(absolute, kind, raise_on_no_answer=False, lifetime=left_s, search=False)
        return read(answer.response)
    except dns.resolver.NXDOMAIN as problem:
        responses: dict[dns.name.Name, dns.message.QueryMessage] = problem.kwargs["responses"]
        return read(responses[absolute]) if absolute in responses else no_such_name()
    except dns.resolver.NoNameservers as problem:
        return Found(rank=FAILED, problem=failure(problem.kwargs.get("errors") or ()))
    except dns.exception.Timeout as problem:
        errors = problem.kwargs.get("errors") or ()
        # Who answers over UDP, but cut short, and says nothing over TCP is not simply silent.
        over = " over TCP" if any(over_tcp for _, over_tcp, *_ in errors) else ""
        return Found(rank=SILENT, problem=_silence(timeout_s, over))
    except (dns.exception.DNSException, OSError, ValueError) as problem:
        return Found(rank=FAILED, problem=f"DNS could not be asked: {problem}")


def _merged(name: str, found: Sequence[Found]) -> Resolved:
    """Put both families together; a problem is only told when there is no address at all."""
    addresses = tuple(
        str(address) for version in (4, 6) for part in found for address in part.addresses if address.version == version
    )
    chain = max((part.chain for part in found), key=len)
    whole = len(found) == len(_TYPES) and not any(part.rank in (FAILED, SILENT) for part in found)
    if not addresses:
        return Resolved(name, chain, problem=min(found, key=lambda part: part.rank).problem, whole=whole)
    return Resolved(name, chain, addresses, min(part.ttl_s for part in found if part.ttl_s is not None), whole=whole)
