"""Asking the system's DNS servers where names lead, and what addresses are called: all at once, within one bounded time.

Plain answers are read here (`wire.plain`), all else is left to dnspython (`wire.resolver`). Names are to have passed
`upstreams.grammar`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Union

from ntpjoin.model import Family, Resolved
from ntpjoin.wire.answers import FAILED, SILENT, Found, is_mapped, silence
from ntpjoin.wire.burst import Job, burst
from ntpjoin.wire.plain import AAAA, PTR, A

if TYPE_CHECKING:
    import dns.resolver

_RESOLV_CONF = Path("/etc/resolv.conf")
_TYPES: dict[Family, int] = {"IPv4": A, "IPv6": AAAA}

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
        kinds = {name: _kinds((only or {}).get(name)) for name in asked}
        found = _ask_all(nameservers, port, kinds, timeout_s)
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
    if not asked:
        return {}
    found = _ask_all(nameservers, port, dict.fromkeys(asked.values(), (PTR,)), timeout_s)
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


def _named() -> tuple[str, ...]:
    """The system's DNS servers, as resolv.conf(5) names them; none where that cannot be read."""
    try:
        words = [line.split() for line in _RESOLV_CONF.read_text(errors="replace").splitlines()]
    except OSError:
        return ()
    return tuple(found[1] for found in words if len(found) > 1 and found[0] == "nameserver")


def _ask_all(
    nameservers: Optional[Sequence[str]], port: int, kinds: Mapping[str, Sequence[int]], timeout_s: float
) -> dict[str, list[Found]]:
    """What the questions about each name brought, one for each kind.

    The first server is asked all of them in one go; what it does not answer plainly is left to dnspython, which knows TCP,
    the other servers and how to ask again.
    """
    ends_s = time.monotonic() + timeout_s
    jobs = [(name, kind) for name in kinds for kind in kinds[name]]
    found: dict[str, list[Found]] = {name: [] for name in kinds}
    pause_s = min(_PAUSE_S, timeout_s * _PAUSING / len(jobs))
    others = _Threads(_Again(nameservers, port, ends_s, timeout_s))

    def on_end(job: Job, answer: Optional[Found]) -> None:
        if answer:
            found[job[0]].append(answer)
        elif time.monotonic() < ends_s:
            others.add(job)
            time.sleep(pause_s)

    servers = _named() if nameservers is None else nameservers
    burst(
        jobs,
        servers[0] if servers else "",
        port,
        pause_s=pause_s,
        patience_s=min(_PATIENCE_S, timeout_s * _PATIENT),
        on_end=on_end,
    )
    for name, answer in others.results(ends_s + _GRACE_S):
        found[name].append(answer)
    silent = silence(timeout_s)
    return {
        name: answers if len(answers) == len(kinds[name]) else [*answers, silent] for name, answers in found.items()
    }


def _kinds(family: Optional[Family]) -> tuple[int, ...]:
    return (_TYPES[family],) if family else tuple(_TYPES.values())


class _Again:
    """Asks one question again, by dnspython, which is imported when the first one comes."""

    def __init__(self, nameservers: Optional[Sequence[str]], port: int, ends_s: float, timeout_s: float) -> None:
        self._servers = nameservers
        self._port = port
        self._ends_s = ends_s
        self._timeout_s = timeout_s

    @cached_property
    def _resolver(self) -> Union[dns.resolver.Resolver, str]:
        from ntpjoin.wire.resolver import set_up  # noqa: PLC0415 - dnspython costs as much as click

        return set_up(self._servers, self._port)

    def __call__(self, job: Job) -> Found:
        """What it brought, or why nobody could be asked."""
        from ntpjoin.wire.resolver import ask  # noqa: PLC0415

        resolver = self._resolver
        if isinstance(resolver, str):
            return Found(rank=FAILED, problem=resolver)
        return ask(resolver, *job, self._ends_s - time.monotonic(), self._timeout_s)


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
                threading.Thread(target=self._work, name="ntpjoin-dns", daemon=True).start()
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
