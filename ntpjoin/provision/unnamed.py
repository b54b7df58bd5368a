"""Whom to follow where nobody was named: the nearest candidates are asked, and few good ones are chosen."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Callable, Optional, Union

from ntpjoin.checks.addresses import outside_addresses
from ntpjoin.errors import UsageProblem
from ntpjoin.host.machine import Host
from ntpjoin.look.place import look_place
from ntpjoin.model import Asked, Blocker, Candidate, Choice, Event, Note, Pin, Resolved, Wish
from ntpjoin.provision.follow import Followed, Reason, Search, pins_of, recalled
from ntpjoin.upstreams import memory
from ntpjoin.upstreams.candidates import eligible, from_pool, rounds, sectors
from ntpjoin.upstreams.catalogue import Server, letter
from ntpjoin.upstreams.diversity import LEAST
from ntpjoin.upstreams.places import Place, parse_near, where
from ntpjoin.upstreams.select import select
from ntpjoin.upstreams.survey import TIMEOUT_S, survey

#: Questions to each address.
SAMPLES = 4
#: Rounds of candidates that are asked before it is given up.
_MOST_ROUNDS = 4

_PLACE = Blocker(
    "place",
    "where this host stands is not known: its time zone does not tell, and nobody can be asked",
    "add --country CC, or --near LAT,LON; or name upstreams with --upstream, four to seven times",
)
_CATALOGUE = Blocker(
    "catalogue",
    "new upstreams must be chosen, and nobody is here to look at them",
    "add --accept-catalogue: then servers are chosen that are open to all and want no mail",
)


def unnamed(search: Search, reason: Reason, former: Sequence[Pin], keep: Sequence[Pin]) -> Followed:
    """Choose from the catalogue; those in `keep` stay where they are still good, at the address where they are now.

    `former` were followed until now.
    """
    rows = search.rows()
    place, search = _place(search, rows, ask=not keep)
    if place is None and not keep:
        return Followed(search.wish, blockers=(_PLACE,))
    question = _question(search, place, rows, keep)
    choice = recalled(search, question, reason)
    if choice is None:
        choosing = _Choosing(search, rows, reason, keep)
        choice = choosing.among_kept()
        if search.may_choose and not choosing.whole(choice):
            place, search = (place, search) if place else _place(search, rows, ask=True)
            if place is None:
                return Followed(search.wish, choice=choice, blockers=(_PLACE,))
            choice = choosing.among_all(place)
        memory.remember(search.host, question, choice)
    kept = [pin.name for pin in keep]
    strangers = [one.name for one in choice.chosen if one.name not in kept]
    if not search.may_choose and (strangers or len(choice.chosen) < LEAST):
        return Followed(search.wish, choice=choice, blockers=_nobody_may_choose(choice))
    notes = (*_changes(former, choice, reason), *_notes(search, choice, rows, kept))
    letters = tuple(_letters(search, choice, rows, kept))
    return Followed(search.wish, pins_of(choice, rows), choice, notes=notes, letters=letters)


def _nobody_may_choose(choice: Choice) -> tuple[Blocker, ...]:
    """Why it ends here; none where not one was good: then the reasons themselves are told."""
    if not choice.chosen and not any(one.good for one in choice.dropped):
        return ()
    whys = "".join(f"\n    {one.name}: {one.why}" for one in choice.dropped)
    return (replace(_CATALOGUE, text=f"{_CATALOGUE.text}{':' if whys else ''}{whys}"),)


def _place(search: Search, rows: Mapping[str, Server], *, ask: bool) -> tuple[Optional[Place], Search]:
    """Where this host stands; what the operator answers becomes part of the wish."""
    place = here(search.host, search.wish, rows.values())
    while ask and place is None:
        country = search.ask_country()
        if not country:
            break
        with contextlib.suppress(UsageProblem):  # no country that is known: the question comes again
            wish = replace(search.wish, country=country)
            place, search = here(search.host, wish, rows.values()), replace(search, wish=wish)
    return place, search


def here(host: Host, wish: Wish, servers: Iterable[Server]) -> Optional[Place]:
    """Where this host stands, as it was told or by its time zone; None where neither tells. UsageProblem for an unknown country."""
    near = parse_near(wish.near) if wish.near else None
    return where(look_place(host), country=wish.country, near=near, servers=servers)


def _question(
    search: Search, place: Optional[Place], rows: Mapping[str, Server], keep: Sequence[Pin]
) -> dict[str, object]:
    """All that a choice depends on, but what is measured."""
    wish = search.wish
    parts = ("allow_private", "from_pool", "accept_catalogue", "monitor")
    return {
        **{part: getattr(wish, part) for part in parts},
        "own": search.own_addresses,
        "keep": [(pin.name, pin.address) for pin in keep],
        "may_choose": search.may_choose,
        "place": (place.lat, place.lon) if place else None,
        "catalogue": hashlib.sha256(repr(rows).encode()).hexdigest(),
    }


class _Choosing:
    """Rounds of asking, until four can be followed."""

    def __init__(self, search: Search, rows: Mapping[str, Server], reason: Reason, keep: Sequence[Pin]) -> None:
        self._search, self._reason = search, reason
        self._keep = {pin.name: pin.address for pin in keep}
        self._rows = dict(rows)
        self._found: list[Candidate] = []
        self._place: Optional[Place] = None

    def among_kept(self) -> Choice:
        """Choose among those who are kept; what DNS does not answer speaks against nobody: he is asked where he was."""
        if not self._keep:
            return Choice()
        found = self._ask(tuple(self._rows.get(name, Server(name)) for name in self._keep), "as before")
        lost = [one.name for one in found if one.resolved.problem and not one.resolved.whole]
        self._found = [one for one in found if one.name not in lost]
        if lost:
            where_they_were = self._ask(tuple(Server(self._keep[name]) for name in lost), "where they were")
            self._found += [
                replace(one, resolved=replace(one.resolved, name=name)) for name, one in zip(lost, where_they_were)
            ]
        return self._choice()

    def whole(self, choice: Choice) -> bool:
        """Whether all who are kept are still good, and nobody is missing."""
        return bool(self._keep) and len(choice.chosen) == len(self._keep) and not self._reason.out

    def among_all(self, place: Place) -> Choice:
        """Ask the nearest, too, and the next ones while no four can be followed."""
        self._place, choice = place, Choice()
        for some in self._rounds(place):
            found = self._ask(some, f"near {place.what}")
            self._found += found
            choice = self._choice()
            if len(choice.chosen) >= LEAST or not any(asked.sample for one in found for asked in one.asked):
                break
        return choice

    def _rounds(self, place: Place) -> Iterator[tuple[Server, ...]]:
        """The nearest first, and with them the pool's, behind them: of two names with one address the catalogue's counts."""
        wish, out = self._search.wish, self._reason.out
        usable = eligible(self._rows.values(), unattended=wish.accept_catalogue, monitored=wish.monitor)
        others = [server for server in usable if server.host not in self._keep and server.host not in out]
        pool = from_pool(wish.from_pool) if wish.from_pool else ()
        if wish.from_pool and not pool:
            self._search.tell(Event("looking", "upstreams", f"the pool's zone of {wish.from_pool} shows nobody"))
        known = {address for one in self._found for address in one.resolved.addresses}
        more = tuple(server for server in pool if server.host not in (*known, *out))
        first, *rest = [*rounds(others, place)] or [()]
        yield (*first, *more)
        yield from rest[: _MOST_ROUNDS - 1]

    def _ask(self, servers: Sequence[Server], which: str) -> tuple[Candidate, ...]:
        wish = self._search.wish
        self._rows.update({server.host: server for server in servers})
        words = f"asking {len(servers)} servers of the catalogue {which} ({self._reason.why})"
        self._search.tell(Event("looking", "upstreams", words))
        return survey(
            [server.host for server in servers],
            own_addresses=self._search.own_addresses,
            allow_private=wish.allow_private,
            samples=SAMPLES,
            gaps_s={server.host: server.gap_s for server in servers},
            on_event=progress(self._search.tell, servers),
        )

    def _choice(self) -> Choice:
        return select(
            self._found,
            self._rows,
            own_addresses=self._search.own_addresses,
            allow_private=self._search.wish.allow_private,
            keep=self._keep,
            sectors=sectors(self._rows.values(), self._place) if self._place else {},
        )


def progress(
    tell: Callable[[Event], None], servers: Sequence[Server], samples: int = SAMPLES
) -> Callable[[Union[Resolved, Asked]], None]:
    """Tells, while a survey runs, how many have been heard to their end."""
    began, heard = monotonic(), [0, 0]
    limit_s = max((server.gap_s for server in servers), default=0.0) * (samples - 1) + TIMEOUT_S

    def on_event(event: Union[Resolved, Asked]) -> None:
        heard[isinstance(event, Asked)] += 1
        words = f"{heard[1]} addresses asked to the end, of {heard[0]} names"
        tell(Event("wait", "upstreams", words, monotonic() - began, limit_s))

    return on_event


def _letters(search: Search, choice: Choice, rows: Mapping[str, Server], kept: Sequence[str]) -> Iterator[str]:
    """For those that are new: the others were written to."""
    own = next(iter(outside_addresses(search.facts, search.wish)), "ADDRESS")
    for one in choice.chosen:
        text = letter(rows[one.name], own) if one.name in rows and one.name not in kept else ""
        if text:
            yield text


def _changes(former: Sequence[Pin], choice: Choice, reason: Reason) -> Iterator[Note]:
    """Who of those who were followed goes, and why; and who has moved."""
    now = {one.name: one.address for one in choice.chosen}
    whys = {**{one.name: one.why for one in choice.dropped}, **reason.out}
    for pin in former:
        if pin.name not in now:
            yield Note(f"{pin.name} is no longer followed: {whys.get(pin.name, 'others are better')}", warning=True)
        elif now[pin.name] != pin.address:
            yield Note(f"{pin.name} is followed at {now[pin.name]}, no longer at {pin.address}")


def _notes(search: Search, choice: Choice, rows: Mapping[str, Server], kept: Sequence[str]) -> Iterator[Note]:
    for why in choice.waived:
        yield Note(f"no better set was found: {why}", warning=True)
    new = [one.name for one in choice.chosen if one.name not in kept]
    mails = [name for name in new if name in rows and rows[name].notify == "yes"]
    if mails:
        yield Note(f"the operators of {', '.join(mails)} ask for a mail; setup prints it at its end")
    strict, monitored = search.wish.accept_catalogue, search.wish.monitor
    kinds = [len(eligible(rows.values(), unattended=strict, monitored=one)) for one in (True, monitored)]
    if kinds[0] > kinds[1] and choice.chosen:
        yield Note(f"{kinds[0] - kinds[1]} more servers may be pinned where somebody looks after them daily: --monitor")
