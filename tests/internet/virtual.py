"""A world in virtual time: `exchange` and `resolve` as `wire` has them, in no time and without a packet.

The talks are the real ones, and what they hear are bytes; only sockets and clocks are ours.
"""

from __future__ import annotations

import errno
import heapq
import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Optional

from ntpjoin.model import FAMILIES, Asked, Family, Resolved
from ntpjoin.wire import ntp, sockets
from ntpjoin.wire.talk import Manner, Talk
from tests.internet.site import family_of
from tests.internet.stations import parcels
from tests.internet.world import World
from tests.internet.zone import TTL_S, zone

#: When virtual time begins: the first of October 2026.
EPOCH_NS = 1_790_812_800 * 1_000_000_000
_APART_NS = 1_000_000
_LOOK_NS = 100_000_000
_NS = 1_000_000_000


@dataclass(frozen=True)
class Sent:
    """A question, and when it was sent, in seconds of virtual time."""

    at_s: float
    address: str


class Internet:
    """A world, met by a host whose clock is `ahead_s` of the true time. Its time goes on from call to call."""

    def __init__(self, world: World, *, ahead_s: float = 0.0) -> None:
        self.world = world
        self.now_ns = 0
        #: All questions to time servers, in order, and all names asked for.
        self.sent: list[Sent] = []
        self.names: list[str] = []
        self._ahead_ns = round(ahead_s * _NS)
        self._zone = zone(world)
        self._questions: Counter[str] = Counter()
        self._turns: Counter[str] = Counter()

    @property
    def now_s(self) -> float:
        """Virtual time."""
        return self.now_ns / _NS

    def gaps_s(self, address: str) -> list[float]:
        """The times between the questions to an address."""
        times = [one.at_s for one in self.sent if one.address == address]
        return [later - earlier for earlier, later in zip(times, times[1:])]

    def exchange(
        self,
        addresses: Iterable[str],
        *,
        port: int = ntp.PORT,
        timeout_s: float = 3.0,
        tries: int = 2,
        samples: int = 1,
        gap_s: float = 2.0,
        gaps_s: Optional[Mapping[str, float]] = None,
        waits_s: Optional[Mapping[str, float]] = None,
        on_reply: Optional[ntp.OnReply] = None,
        stopped: Optional[Callable[[], bool]] = None,
    ) -> tuple[Asked, ...]:
        """As `ntp.exchange`; `stopped` is asked every tenth of a virtual second, and may look at `now_s`."""
        assert port == ntp.PORT, "there is no other in this internet"
        manner = Manner(samples, max(samples, tries), gap_s, timeout_s)
        gaps, waits = gaps_s or {}, waits_s or {}
        ahead_ns = EPOCH_NS + self._ahead_ns
        begins_ns = {
            one: self.now_ns + number * _APART_NS + round(waits.get(one, 0.0) * _NS)
            for number, one in enumerate(dict.fromkeys(addresses))
        }
        talks = [
            Talk(one, replace(manner, gap_s=gaps.get(one, gap_s)), begin_ns, ahead_ns)
            for one, begin_ns in begins_ns.items()
        ]
        _Round(self, talks, on_reply).run(stopped)
        return tuple(talk.result for talk in talks if talk.result)

    def resolve(
        self,
        names: Iterable[str],
        *,
        nameservers: Optional[Sequence[str]] = None,
        only: Optional[Mapping[str, Family]] = None,
        timeout_s: float = 5.0,
        port: int = 53,
    ) -> tuple[Resolved, ...]:
        """As `wire.dns.resolve`; whoever is asked, and however long, knows the names of the world alone."""
        del nameservers, timeout_s, port
        return tuple(_part(self._resolved(name), (only or {}).get(name)) for name in dict.fromkeys(names))

    def _resolved(self, name: str) -> Resolved:
        try:
            return Resolved(name, addresses=(str(ipaddress.ip_address(name)),))
        except ValueError:
            self.names.append(name)
        record = self._zone.get(name)
        if not record:
            return Resolved(name, problem="no such name")
        turn = self._turns[name]
        self._turns[name] += 1
        shown = [ipaddress.ip_address(address) for family in FAMILIES for address in record.shown(family, turn)]
        ordered = sorted(shown, key=lambda address: (address.version, int(address)))
        return Resolved(name, record.chain, tuple(str(address) for address in ordered), TTL_S)

    def carry(self, address: str, question: bytes) -> list[tuple[int, bytes]]:
        """Take a question to an address, now; give what comes back from there, and when. A stranger's packet is never heard."""
        self.sent.append(Sent(self.now_s, address))
        if address not in self.world.by_address:
            return []
        number = self._questions[address]
        self._questions[address] += 1
        coming = parcels(self.world.station(address), question, number, EPOCH_NS + self.now_ns)
        return [(self.now_ns + one.after_ns, one.datagram) for one in coming if not one.stranger]


def _part(resolved: Resolved, family: Optional[Family]) -> Resolved:
    """What is told who asks for one family only."""
    if not family:
        return resolved
    theirs = tuple(one for one in resolved.addresses if (":" in one) == (family == "IPv6"))
    return replace(resolved, addresses=theirs, whole=False)


class _Round:
    """Talks, and what happens to them in the order of its times."""

    def __init__(self, internet: Internet, talks: Sequence[Talk], on_reply: Optional[ntp.OnReply]) -> None:
        self._internet = internet
        self._talks = talks
        self._on_reply = on_reply
        self._running = len(talks)
        self._number = 0
        self._queue: list[tuple[int, int, Talk, Optional[bytes]]] = []
        for talk in talks:
            self._push(talk.due_ns, talk, None)

    def run(self, stopped: Optional[Callable[[], bool]]) -> None:
        """Until every talk has its result."""
        while self._running:
            at_ns, _, talk, datagram = heapq.heappop(self._queue)
            if talk.result:
                continue
            if stopped and self._is_over_before(at_ns, stopped):
                for one in self._talks:
                    one.end() if not one.result else None
                return
            self._internet.now_ns = at_ns
            if datagram is None:
                self._act(talk)
            else:
                talk.hear(datagram, at_ns)
            self._tell(talk)

    def _is_over_before(self, at_ns: int, stopped: Callable[[], bool]) -> bool:
        """Let time go on until then, unless we are stopped on the way."""
        while self._internet.now_ns < at_ns:
            if stopped():
                return True
            self._internet.now_ns = min(at_ns, self._internet.now_ns + _LOOK_NS)
        return stopped()

    def _act(self, talk: Talk) -> None:
        if family_of(talk.address) not in self._internet.world.families:
            nowhere = OSError(errno.ENETUNREACH, "Network is unreachable")
            talk.fail(sockets.words(nowhere, talk.address, ntp.PORT))
            return
        question = talk.act(self._internet.now_ns)
        if question:
            for at_ns, datagram in self._internet.carry(talk.address, question):
                self._push(at_ns, talk, datagram)
        if not talk.result:
            self._push(talk.due_ns, talk, None)

    def _push(self, at_ns: int, talk: Talk, datagram: Optional[bytes]) -> None:
        self._number += 1
        heapq.heappush(self._queue, (at_ns, self._number, talk, datagram))

    def _tell(self, talk: Talk) -> None:
        if talk.result:
            self._running -= 1
            if self._on_reply:
                self._on_reply(talk.result)
