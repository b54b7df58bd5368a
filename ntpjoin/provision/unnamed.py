"""Whom to follow where nobody was named: the nearest candidates are asked, and few good ones are chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Callable, Optional, Union

from ntpjoin.checks.verify import outside_addresses
from ntpjoin.look.place import look_place
from ntpjoin.model import Asked, Blocker, Candidate, Choice, Event, Note, Pin, Resolved
from ntpjoin.provision.follow import Followed, Search, pins_of, recalled
from ntpjoin.upstreams import memory
from ntpjoin.upstreams.candidates import eligible, from_pool, rounds, sectors
from ntpjoin.upstreams.catalogue import Server, letter, load
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


def unnamed(search: Search, why: str, gone: str, keep: tuple[Pin, ...]) -> Followed:
    """Choose from the catalogue; `keep` stay where they are still good, at the address where they are now."""
    servers = load(search.host, search.wish.catalogue)
    place, search = _place(search, servers)
    if place is None:
        return Followed(search.wish, blockers=(_PLACE,))
    question = _question(search, keep)
    choice = recalled(search, question, gone)
    if choice is None:
        choice = _Choosing(search, servers, place, tuple(pin.name for pin in keep), why).run()
        memory.remember(search.host, question, choice)
    if len(choice.chosen) < LEAST and not _may_choose(search):
        return Followed(search.wish, choice=choice, blockers=(_CATALOGUE,))
    rows = {server.host: server for server in servers}
    letters = tuple(_letters(search, choice, rows))
    return Followed(
        search.wish,
        pins_of(choice, search),
        choice,
        notes=tuple(_notes(search, servers, choice, rows)),
        letters=letters,
    )


def _may_choose(search: Search) -> bool:
    return search.attended or search.wish.accept_catalogue


def _place(search: Search, servers: Sequence[Server]) -> tuple[Optional[Place], Search]:
    """Where this host stands; what the operator answers becomes part of the wish."""
    wish, zone = search.wish, look_place(search.host)
    near = parse_near(wish.near) if wish.near else None
    place = where(zone, country=wish.country, near=near, servers=servers)
    country = "" if place else search.ask_country()
    if country:
        place = where(zone, country=country, servers=servers)
        search = replace(search, wish=replace(wish, country=country))
    return place, search


def _question(search: Search, keep: tuple[Pin, ...]) -> dict[str, object]:
    wish = search.wish
    parts = ("allow_private", "country", "near", "catalogue", "from_pool", "accept_catalogue", "monitor")
    return {
        **{part: getattr(wish, part) for part in parts},
        "own": search.own_addresses,
        "keep": [pin.name for pin in keep],
    }


class _Choosing:
    """Rounds of asking, until four can be followed."""

    def __init__(
        self, search: Search, servers: Sequence[Server], place: Place, keep: tuple[str, ...], why: str
    ) -> None:
        self._search, self._place, self._keep, self._why = search, place, keep, why
        self._servers = servers
        self._rows = {server.host: server for server in servers}
        self._found: list[Candidate] = []

    def run(self) -> Choice:
        """Those who are kept are asked first: where all of them are still good, nobody else is."""
        choice = self._round(tuple(self._rows.get(name, Server(name)) for name in self._keep))
        if (self._keep and len(choice.chosen) == len(self._keep)) or not _may_choose(self._search):
            return choice
        for some in self._rounds():
            before = len(self._found)
            choice = self._round(some)
            answered = any(asked.sample for one in self._found[before:] for asked in one.asked)
            if len(choice.chosen) >= LEAST or not answered:
                return choice
        return choice

    def _rounds(self) -> Iterator[tuple[Server, ...]]:
        wish = self._search.wish
        usable = eligible(self._servers, unattended=wish.accept_catalogue, monitored=wish.monitor)
        others = [server for server in usable if server.host not in self._keep]
        more = from_pool(wish.from_pool) if wish.from_pool else ()
        self._rows.update({server.host: server for server in more})
        first, *rest = [*rounds(others, self._place)] or [()]
        yield (*more, *first)
        yield from rest[: _MOST_ROUNDS - 1]

    def _round(self, servers: Sequence[Server]) -> Choice:
        """Ask these, too, and choose among all who were asked."""
        wish, own = self._search.wish, self._search.own_addresses
        self._rows.update({server.host: server for server in servers})
        if servers:
            words = f"asking {len(servers)} servers of the catalogue near {self._place.what} ({self._why})"
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


def _letters(search: Search, choice: Choice, rows: Mapping[str, Server]) -> Iterator[str]:
    own = next(iter(outside_addresses(search.facts, search.wish)), "ADDRESS")
    for one in choice.chosen:
        text = letter(rows[one.name], own) if one.name in rows else ""
        if text:
            yield text


def _notes(search: Search, servers: Sequence[Server], choice: Choice, rows: Mapping[str, Server]) -> Iterator[Note]:
    for why in choice.waived:
        yield Note(f"no better set was found: {why}", warning=True)
    mails = [one.name for one in choice.chosen if one.name in rows and rows[one.name].notify == "yes"]
    if mails:
        yield Note(f"the operators of {', '.join(mails)} ask for a mail; setup prints it at its end")
    strict = search.wish.accept_catalogue
    more = len(eligible(servers, unattended=strict, monitored=True)) - len(
        eligible(servers, unattended=strict, monitored=False)
    )
    if more and not search.wish.monitor and len(choice.chosen) and choice.asked > len(choice.chosen):
        yield Note(f"{more} more servers may be pinned where somebody looks after them daily: --monitor")
