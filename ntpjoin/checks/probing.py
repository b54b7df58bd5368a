"""Looking at servers from outside: who they are, what they answer to a client, and, of one's own, to management queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from itertools import chain
from time import monotonic
from typing import Optional

from ntpjoin.checks.scoring import GAP_S, SAMPLES, TIMEOUT_S
from ntpjoin.checks.tracer import Traced, trace
from ntpjoin.model import Asked, Event, Resolved, Tell
from ntpjoin.records import dataclass
from ntpjoin.upstreams.addresses import may_be_used, special_range
from ntpjoin.wire import sockets
from ntpjoin.wire.dns import resolve
from ntpjoin.wire.management import Managed, expose
from ntpjoin.wire.ntp import PORT, exchange

#: Addresses of one name may be one machine, whose limiter counts them together. One after the other, with a gap after each, it
#: refuses none of so many; of more than these, what classic ntpd lets through for good: a packet in 6 s.
_SOON, _SOON_S, _LATER_S = 5, SAMPLES * GAP_S, SAMPLES * 6.0


@dataclass(frozen=True)
class Task:
    """Whom to look at, by name or address, and what by.

    Offsets are measured against `references` where there are any. `mine`: management queries are sent, too. `from_pool`: the
    pool's tracer is asked. `nameservers` as for `wire.dns.resolve`.
    """

    names: tuple[str, ...]
    references: tuple[str, ...] = ()
    mine: bool = False
    from_pool: bool = False
    allow_private: bool = False
    nameservers: Optional[tuple[str, ...]] = None


@dataclass(frozen=True)
class Seen:
    """What has come of it: where names lead, and what each address answered; `own` are addresses of this host.

    What was not asked for is not in `managed` and `traced`. `heard_s` is when the last answer came, by the monotonic clock.
    """

    task: Task
    resolved: tuple[Resolved, ...]
    references: tuple[Resolved, ...] = ()
    asked: Mapping[str, Asked] = field(default_factory=dict)
    managed: Mapping[str, Managed] = field(default_factory=dict)
    traced: Mapping[str, Traced] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    heard_s: float = 0.0


def gather(task: Task, tell: Tell) -> Seen:
    """Ask all of them side by side, as a monitor of the pool does: three times, 2 s apart."""
    tell(Event("looking", "probe", f"looking up {_counted(len(task.names), 'server', 'servers')}"))
    where = {one.name: one for one in resolve((*task.names, *task.references), nameservers=task.nameservers)}
    resolved = tuple(where[name] for name in dict.fromkeys(task.names))
    references = tuple(where[name] for name in dict.fromkeys(task.references))
    probed = _allowed(resolved, task)
    progress = _Progress(tell)
    asked = _ask(probed, pauses(resolved, probed), _allowed(map(_one_of_each_family, references), task), progress)
    managed = _manage(probed, progress) if task.mine else ()
    return Seen(
        task,
        resolved,
        references,
        asked={one.address: one for one in asked},
        managed={one.address: one for one in managed},
        traced=_trace(probed, progress) if task.from_pool else {},
        own=sockets.own_among(probed, PORT),
        heard_s=progress.heard_s,
    )


class _Progress:
    """Tells how far it is, and remembers when the last answer came."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.heard_s = 0.0
        self._began_s, self._ended = monotonic(), 0
        self._count, self._longest_s = 0, 0.0

    def begin(self, count: int, longest_s: float) -> None:
        """So many addresses are asked, and that takes so long at most."""
        self.tell(Event("looking", "probe", f"asking {_counted(count, 'address', 'addresses')} {SAMPLES} times"))
        self._count, self._longest_s, self._began_s = count, longest_s, monotonic()

    def __call__(self, asked: Asked) -> None:
        """An address was asked to the end."""
        self._ended += 1
        if asked.heard or asked.kiss:
            self.heard_s = monotonic()
        words = f"{self._ended} of {self._count} addresses asked to the end"
        self.tell(Event("wait", "probe", words, monotonic() - self._began_s, self._longest_s))


def _ask(
    probed: Sequence[str], waits_s: Mapping[str, float], references: Sequence[str], progress: _Progress
) -> tuple[Asked, ...]:
    addresses = tuple(dict.fromkeys((*probed, *references)))
    progress.begin(len(addresses), max(waits_s.values(), default=0.0) + (SAMPLES - 1) * GAP_S + TIMEOUT_S)
    return exchange(
        addresses,
        samples=SAMPLES,
        tries=SAMPLES,
        gap_s=GAP_S,
        timeout_s=TIMEOUT_S,
        waits_s=waits_s,
        on_reply=progress,
    )


def _manage(probed: Sequence[str], progress: _Progress) -> tuple[Managed, ...]:
    """Not before the last question for the time is as long ago as that one was from the one before it."""
    progress.tell(Event("looking", "probe", "asking management queries"))
    managed = expose(probed, wait_s=GAP_S, gap_s=GAP_S)
    if any(one.answers for one in managed):
        progress.heard_s = monotonic()
    return managed


def _trace(probed: Sequence[str], progress: _Progress) -> dict[str, Traced]:
    progress.tell(Event("looking", "probe", "asking the pool's tracer"))
    public = [address for address in probed if special_range(address) is None]
    found = dict.fromkeys(probed, Traced(problem="it was not asked, as the address is not public"))
    return {**found, **trace(public)}


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def pauses(resolved: Iterable[Resolved], probed: Sequence[str]) -> dict[str, float]:
    """How long each address is to wait for others that may be the same machine: those of its names, and of the same family."""
    allowed = frozenset(probed)
    machine: dict[str, list[str]] = {}
    for one in resolved:
        for family in (False, True):
            group = [address for address in one.addresses if (":" in address) is family and address in allowed]
            joined = list(dict.fromkeys(chain.from_iterable(machine.get(address, [address]) for address in group)))
            machine.update(dict.fromkeys(joined, joined))
    return {
        address: place * (_SOON_S if len(group) <= _SOON else _LATER_S)
        for group in machine.values()
        for place, address in enumerate(group)
    }


def _allowed(resolved: Iterable[Resolved], task: Task) -> tuple[str, ...]:
    """The addresses that may be asked, each once."""
    found = (address for one in resolved for address in one.addresses if may_be_used(address, task.allow_private))
    return tuple(dict.fromkeys(found))


def _one_of_each_family(resolved: Resolved) -> Resolved:
    """A reference needs to be asked at one address of a family."""
    firsts = {":" in address: address for address in reversed(resolved.addresses)}
    return replace(resolved, addresses=tuple(sorted(firsts.values(), key=lambda address: ":" in address)))
