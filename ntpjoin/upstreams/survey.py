"""The survey: resolve all names at once, drop what a rule forbids, ask what is left once for the time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Callable, Optional, Protocol, Union

from ntpjoin.model import Asked, Candidate, Resolved
from ntpjoin.upstreams import rules
from ntpjoin.wire import dns, ntp

#: Addresses asked of one name and family: a server has one, a few have two, and a name with more is a crowd.
PER_FAMILY = 2

OnEvent = Callable[[Union[Resolved, Asked]], None]


class Resolve(Protocol):
    """What the survey needs of `wire.dns.resolve`."""

    def __call__(self, names: Iterable[str], /) -> tuple[Resolved, ...]:
        """Find where each name leads, in order."""


class Exchange(Protocol):
    """What the survey needs of `wire.ntp.exchange`."""

    def __call__(self, addresses: Iterable[str], /, *, on_reply: Optional[ntp.OnReply]) -> tuple[Asked, ...]:
        """Ask each address for the time, in order."""


def survey(
    names: Sequence[str],
    *,
    own_addresses: Collection[str] = (),
    allow_private: bool = False,
    resolve: Resolve = dns.resolve,
    exchange: Exchange = ntp.exchange,
    on_event: Optional[OnEvent] = None,
) -> tuple[Candidate, ...]:
    """Find where each name leads and what its servers answer; one candidate a name, in order, a repeated name once.

    `own_addresses` are this host's, among them those it declares to the public. An address that no packet may go to is
    not asked, and stands in no candidate's `asked`; `choose` tells why. At most two addresses per name and family are
    asked, each once, be it under several names. `on_event` hears of each name and each answer as it comes.
    """
    resolved = resolve(dict.fromkeys(names))
    if on_event:
        for one in resolved:
            on_event(one)
    to_ask = {one.name: _to_ask(one, own_addresses, allow_private) for one in resolved}
    answers = exchange(dict.fromkeys(a for some in to_ask.values() for a in some), on_reply=on_event)
    by_address = {asked.address: asked for asked in answers}
    return tuple(Candidate(one, tuple(by_address[address] for address in to_ask[one.name])) for one in resolved)


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
