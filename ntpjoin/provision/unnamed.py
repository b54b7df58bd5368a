"""Whom to follow where nobody was named: the nearest candidates are asked, and few good ones are chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Callable, Optional, Union

from ntpjoin.checks.verify import outside_addresses
from ntpjoin.look.place import look_place
from ntpjoin.model import Asked, Blocker, Candidate, Choice, Event, Note, Resolved
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


def unnamed(search: Search, reason: Reason, keep: Sequence[str]) -> Followed:
    """Choose from the catalogue; those in `keep` stay where they are still good, at the address where they are now."""
    rows = search.rows()
    place, search = _place(search, rows)
    if place is None:
        return Followed(search.wish, blockers=(_PLACE,))
    question = _question(search, place, rows, keep)
    choice = recalled(search, question, reason)
    if choice is None:
        choice = _Choosing(search, rows, place, reason, keep).run()
        memory.remember(search.host, question, choice)
    strangers = [one.name for one in choice.chosen if one.name not in keep]
    if not search.may_choose and (strangers or len(choice.chosen) < LEAST):
        return Followed(search.wish, choice=choice, blockers=(_CATALOGUE,))
    notes = tuple(_notes(search, choice, rows))
    letters = tuple(_letters(search, choice, rows, keep))
    return Followed(search.wish, pins_of(choice, rows), choice, notes=notes, letters=letters)


def _place(search: Search, rows: Mapping[str, Server]) -> tuple[Optional[Place], Search]:
    """Where this host stands; what the operator answers becomes part of the wish."""
    wish, zone = search.wish, look_place(search.host)
    near = parse_near(wish.near) if wish.near else None
    place = where(zone, country=wish.country, near=near, servers=rows.values())
    country = "" if place else search.ask_country()
    if country:
        place = where(zone, country=country, servers=rows.values())
        search = replace(search, wish=replace(wish, country=country))
    return place, search


def _question(search: Search, place: Place, rows: Mapping[str, Server], keep: Sequence[str]) -> dict[str, object]:
    """All that a choice depends on, but what is measured."""
    wish = search.wish
    parts = ("allow_private", "from_pool", "accept_catalogue", "monitor")
    return {
        **{part: getattr(wish, part) for part in parts},
        "own": search.own_addresses,
        "keep": list(keep),
        "may_choose": search.may_choose,
        "place": (place.lat, place.lon),
        "catalogue": hashlib.sha256(repr(rows).encode()).hexdigest(),
    }


class _Choosing:
    """Rounds of asking, until four can be followed."""

    def __init__(
        self, search: Search, rows: Mapping[str, Server], place: Place, reason: Reason, keep: Sequence[str]
    ) -> None:
        self._search, self._place, self._reason, self._keep = search, place, reason, tuple(keep)
        self._rows = dict(rows)
        self._found: list[Candidate] = []

    def run(self) -> Choice:
        """Those who are kept are asked first: where all of them are still good, and nobody is missing, nobody else is."""
        choice = self._round(tuple(self._rows.get(name, Server(name)) for name in self._keep))
        whole = self._keep and len(choice.chosen) == len(self._keep) and not self._reason.out
        if whole or not self._search.may_choose:
            return choice
        for some in self._rounds():
            before = len(self._found)
            choice = self._round(some)
            answered = any(asked.sample for one in self._found[before:] for asked in one.asked)
            if len(choice.chosen) >= LEAST or not answered:
                return choice
        return choice

    def _rounds(self) -> Iterator[tuple[Server, ...]]:
        """The nearest first, and with them the pool's, behind them: of two names with one address the catalogue's counts."""
        wish, out = self._search.wish, self._reason.out
        usable = eligible(self._rows.values(), unattended=wish.accept_catalogue, monitored=wish.monitor)
        others = [server for server in usable if server.host not in (*self._keep, *out)]
        pool = from_pool(wish.from_pool) if wish.from_pool else ()
        known = {address for one in self._found for address in one.resolved.addresses}
        more = tuple(server for server in pool if server.host not in (*known, *out))
        first, *rest = [*rounds(others, self._place)] or [()]
        yield (*first, *more)
        yield from rest[: _MOST_ROUNDS - 1]

    def _round(self, servers: Sequence[Server]) -> Choice:
        """Ask these, too, and choose among all who were asked."""
        wish, own = self._search.wish, self._search.own_addresses
        self._rows.update({server.host: server for server in servers})
        if servers:
            words = f"asking {len(servers)} servers of the catalogue near {self._place.what} ({self._reason.why})"
            self._search.tell(Event("looking", "upstreams", words))
            self._found += survey(
                [server.host for server in servers],
                own_addresses=own,
                allow_private=wish.allow_private,
                samples=SAMPLES,
                gaps_s={server.host: server.gap_s for server in servers},
                on_event=progress(self._search.tell, servers),
            )
        return select(
            self._found,
            self._rows,
            own_addresses=own,
            allow_private=wish.allow_private,
            keep=self._keep,
            sectors=sectors(self._rows.values(), self._place),
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


def _letters(search: Search, choice: Choice, rows: Mapping[str, Server], keep: Sequence[str]) -> Iterator[str]:
    """For those that are new: the others were written to."""
    own = next(iter(outside_addresses(search.facts, search.wish)), "ADDRESS")
    for one in choice.chosen:
        text = letter(rows[one.name], own) if one.name in rows and one.name not in keep else ""
        if text:
            yield text


def _notes(search: Search, choice: Choice, rows: Mapping[str, Server]) -> Iterator[Note]:
    for why in choice.waived:
        yield Note(f"no better set was found: {why}", warning=True)
    mails = [one.name for one in choice.chosen if one.name in rows and rows[one.name].notify == "yes"]
    if mails:
        yield Note(f"the operators of {', '.join(mails)} ask for a mail; setup prints it at its end")
    strict, monitored = search.wish.accept_catalogue, search.wish.monitor
    kinds = [len(eligible(rows.values(), unattended=strict, monitored=one)) for one in (True, monitored)]
    if kinds[0] > kinds[1] and choice.chosen:
        yield Note(f"{kinds[0] - kinds[1]} more servers may be pinned where somebody looks after them daily: --monitor")
