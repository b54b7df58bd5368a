"""The survey: resolve all names at once, drop what a rule forbids, ask what is left for the time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Callable, Optional, Protocol, Union

from ntpjoin.model import Asked, Candidate, Resolved
from ntpjoin.upstreams import rules
from ntpjoin.wire import dns, ntp

#: Addresses asked of one name and family: a server has one, a few have two, and a name with more is a crowd.
PER_FAMILY = 2

#: How long an answer may take: who is farther than that is of no use.
TIMEOUT_S = 3.0

#: What is said of a name that leads elsewhere when it is asked again.
ROTATES = "its name leads elsewhere each time it is asked: that is no single server"

OnEvent = Callable[[Union[Resolved, Asked]], None]


class Resolve(Protocol):
    """What the survey needs of `wire.dns.resolve`."""

    def __call__(self, names: Iterable[str], /, *, nameservers: Optional[Sequence[str]]) -> tuple[Resolved, ...]:
        """Find where each name leads, in order, by these DNS servers, or by the system's."""


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
    nameservers: Optional[Sequence[str]] = None,
    samples: int = 1,
    gaps_s: Optional[Mapping[str, float]] = None,
    resolve: Resolve = dns.resolve,
    exchange: Exchange = ntp.exchange,
    on_event: Optional[OnEvent] = None,
    stopped: Optional[Callable[[], bool]] = None,
) -> tuple[Candidate, ...]:
    """Find where each name leads and what its servers answer; one candidate a name, in order, a repeated name once.

    `own_addresses` are this host's, among them those it declares to the public. `nameservers`: whom to ask instead of
    the system's DNS servers. An address that no packet may go to is
    not asked, and stands in no candidate's `asked`; `choose` tells why. At most two addresses per name and family are
    asked, `samples` times each, be it under several names; `gaps_s` has what is to lie between two packets to a name's
    servers where that is more than usual. Names are resolved once more after several samples: one that rotates has a
    problem. `on_event` hears of each name and each answer as it comes; when `stopped`, what is known so far is the result.
    """
    resolved = resolve(dict.fromkeys(names), nameservers=nameservers)
    if on_event:
        for one in resolved:
            on_event(one)
    to_ask = {one.name: _to_ask(one, own_addresses, allow_private) for one in resolved}
    answers = exchange(
        dict.fromkeys(address for some in to_ask.values() for address in some),
        timeout_s=TIMEOUT_S,
        samples=samples,
        gaps_s=_by_address(to_ask, gaps_s or {}),
        on_reply=on_event,
        stopped=stopped,
    )
    if samples > 1 and not (stopped and stopped()):
        resolved = _once_more(resolved, lambda names: resolve(names, nameservers=nameservers))
    by_address = {asked.address: asked for asked in answers}
    return tuple(Candidate(one, tuple(by_address[address] for address in to_ask[one.name])) for one in resolved)


def _by_address(to_ask: Mapping[str, tuple[str, ...]], gaps_s: Mapping[str, float]) -> dict[str, float]:
    """The gap of each address: under several names, the longest that one of them wants."""
    found: dict[str, float] = {}
    for name, gap_s in gaps_s.items():
        for address in to_ask.get(name, ()):
            found[address] = max(gap_s, found.get(address, 0.0))
    return found


def _once_more(
    resolved: Sequence[Resolved], resolve: Callable[[Iterable[str]], tuple[Resolved, ...]]
) -> tuple[Resolved, ...]:
    names = [one.name for one in resolved if one.addresses and one.addresses != (one.name,)]
    now = {one.name: one.addresses for one in resolve(names)} if names else {}
    return tuple(
        replace(one, problem=ROTATES) if now.get(one.name, one.addresses) not in (one.addresses, ()) else one
        for one in resolved
    )


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
