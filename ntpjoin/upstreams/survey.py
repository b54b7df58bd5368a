"""The survey: resolve all names at once, drop what a rule forbids, ask what is left for the time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Callable, Optional, Protocol, Union

from ntpjoin.model import Asked, Candidate, Family, Resolved
from ntpjoin.upstreams import rules
from ntpjoin.wire import dns, ntp

#: Addresses asked of one name and family: a server has one, a few have two, and a name with more is a crowd.
PER_FAMILY = 2

#: How long an answer may take: who is farther than that is of no use.
TIMEOUT_S = 3.0

#: By then after the last gap all questions have been sent, and looking up names delays none of them.
_SENT_S = 0.75

#: What is said of a name that leads elsewhere when it is asked again.
ROTATES = "its name leads elsewhere each time it is asked: that is no single server"

OnEvent = Callable[[Union[Resolved, Asked]], None]


class Resolve(Protocol):
    """What the survey needs of `wire.dns.resolve`."""

    def __call__(
        self, names: Iterable[str], /, *, nameservers: Optional[Sequence[str]], only: Optional[Mapping[str, Family]]
    ) -> tuple[Resolved, ...]:
        """Find where each name leads, in order, by these DNS servers, or by the system's; of some one family only."""


class Exchange(Protocol):
    """What the survey needs of `wire.ntp.exchange`."""

    def __call__(
        self,
        addresses: Iterable[str],
        /,
        *,
        timeout_s: float,
        samples: int,
        gaps_s: Optional[Mapping[str, float]],
        on_reply: Optional[ntp.OnReply],
        stopped: Optional[Callable[[], bool]],
    ) -> tuple[Asked, ...]:
        """Ask each address for the time, in order."""


def survey(
    names: Sequence[str],
    *,
    own_addresses: Collection[str] = (),
    allow_private: bool = False,
    refused: Collection[str] = (),
    nameservers: Optional[Sequence[str]] = None,
    samples: int = 1,
    gaps_s: Optional[Mapping[str, float]] = None,
    resolve: Resolve = dns.resolve,
    exchange: Exchange = ntp.exchange,
    on_event: Optional[OnEvent] = None,
    stopped: Optional[Callable[[], bool]] = None,
) -> tuple[Candidate, ...]:
    """Find where each name leads and what its servers answer; one candidate a name, in order, a repeated name once.

    `own_addresses` are this host's, with those it declares. An address that no packet may go to is not asked, nor one of a name
    in `refused`, and stands in no candidate's `asked`; `choose` tells why. At most two addresses per name and family are
    asked, `samples` times each; `gaps_s` has what lies between two packets to a name's servers where that is more than usual.
    Names that answered are resolved once more after several samples: one that rotates has a problem. `on_event` hears of
    each name and answer as it comes; when `stopped`, what is known so far is the result.
    """
    resolved = resolve(dict.fromkeys(names), nameservers=nameservers, only=None)
    tell = on_event or (lambda _: None)
    for one in resolved:
        tell(one)
    to_ask = {one.name: () if one.name in refused else _to_ask(one, own_addresses, allow_private) for one in resolved}
    gaps = _by_address(to_ask, gaps_s or {})
    again = _Again(resolved, lambda only: resolve(only, nameservers=nameservers, only=only), tell)
    with again.after((samples - 1) * max([ntp.GAP_S, *gaps.values()]) + _SENT_S if samples > 1 else None):
        answers = exchange(
            dict.fromkeys(address for some in to_ask.values() for address in some),
            timeout_s=TIMEOUT_S,
            samples=samples,
            gaps_s=gaps,
            on_reply=again.hear,
            stopped=stopped,
        )
    settled = samples == 1 or (stopped and stopped())
    return _candidates(resolved if settled else again.settled(answers), to_ask, answers)


def _candidates(
    resolved: Iterable[Resolved], to_ask: Mapping[str, tuple[str, ...]], answers: Iterable[Asked]
) -> tuple[Candidate, ...]:
    by_address = {asked.address: asked for asked in answers}
    return tuple(Candidate(one, tuple(by_address[address] for address in to_ask[one.name])) for one in resolved)


def _by_address(to_ask: Mapping[str, tuple[str, ...]], gaps_s: Mapping[str, float]) -> dict[str, float]:
    """The gap of each address: under several names, the longest that one of them wants."""
    found: dict[str, float] = {}
    for name, gap_s in gaps_s.items():
        for address in to_ask.get(name, ()):
            found[address] = max(gap_s, found.get(address, 0.0))
    return found


class _Again:
    """Sees whether names still lead where they led. Those of whom no address answered are out anyway.

    Most have answered while the silent ones have time left: they are asked about then, which costs no time of its own.
    """

    def __init__(
        self,
        resolved: Sequence[Resolved],
        resolve: Callable[[Mapping[str, Family]], tuple[Resolved, ...]],
        on_event: OnEvent,
    ) -> None:
        self._resolved = resolved
        self._resolve = resolve
        self._on_event = on_event
        self._answered: set[str] = set()
        self._now: dict[str, Resolved] = {}
        self._early: Optional[threading.Thread] = None

    def hear(self, asked: Asked) -> None:
        """Note who has answered, and pass it on."""
        if asked.sample:
            self._answered.add(asked.address)
        self._on_event(asked)

    @contextlib.contextmanager
    def after(self, seconds: Optional[float]) -> Iterator[None]:
        """Look so long after the beginning, if that is before the end."""
        if seconds is None:
            yield
            return
        self._early = timer = threading.Timer(seconds, self._look)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def settled(self, answers: Iterable[Asked]) -> tuple[Resolved, ...]:
        """All names, those that rotate with their problem."""
        if self._early:
            self._early.join()
        self._answered = {one.address for one in answers if one.sample}
        self._look()
        return tuple(
            replace(one, problem=ROTATES) if _elsewhere(one, self._now.get(one.name, one)) else one
            for one in self._resolved
        )

    def _look(self) -> None:
        answered = self._answered.copy()
        names = [one for one in self._resolved if answered & {*one.addresses} - {one.name}]
        # One family tells it: who rotates does so with IPv4, where he has that.
        only: dict[str, Family] = {
            one.name: "IPv6" if ":" in one.addresses[0] else "IPv4" for one in names if one.name not in self._now
        }
        if only:
            self._now.update((one.name, one) for one in self._resolve(only))


def _elsewhere(then: Resolved, now: Resolved) -> bool:
    """Whether a name leads elsewhere now; what was not answered both times tells nothing."""
    told = [one for one in (*then.addresses, *now.addresses) if then.told_beside(one) and now.told_beside(one)]
    return any((one in then.addresses) != (one in now.addresses) for one in told)


def _to_ask(resolved: Resolved, own_addresses: Collection[str], allow_private: bool) -> tuple[str, ...]:
    if rules.why_not_follow(resolved):
        return ()
    allowed = [
        address
        for address in resolved.addresses
        if not rules.why_not_ask(address, own_addresses=own_addresses, allow_private=allow_private)
    ]
    four = [address for address in allowed if ":" not in address]
    six = [address for address in allowed if ":" in address]
    return (*four[:PER_FAMILY], *six[:PER_FAMILY])
