"""`ntpjoin upstreams survey`: who answers how well, and whom `setup` would choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Optional

from ntpjoin.errors import Blocked, Interrupted
from ntpjoin.facts import JournalFacts
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.look.journal import look_journal
from ntpjoin.look.network import look_addresses
from ntpjoin.model import Candidate, Choice, Event, Wish
from ntpjoin.provision.unnamed import here, progress
from ntpjoin.provision.wishes import merged
from ntpjoin.records import dataclass
from ntpjoin.show import jsons
from ntpjoin.show import survey as show
from ntpjoin.show.screen import Screen
from ntpjoin.upstreams.candidates import eligible, from_pool, rounds, sectors
from ntpjoin.upstreams.catalogue import Server, load, never
from ntpjoin.upstreams.choose import choose
from ntpjoin.upstreams.diversity import LEAST
from ntpjoin.upstreams.places import Place
from ntpjoin.upstreams.select import select
from ntpjoin.upstreams.survey import survey


@dataclass(frozen=True)
class Effort:
    """How many candidates are asked, how often each, and which DNS servers (None: the system's)."""

    candidates: int
    samples: int
    nameservers: Optional[Sequence[str]] = None


def survey_command(names: tuple[str, ...], given: Mapping[str, Any], effort: Effort, screen: Screen) -> int:
    """Exit 0 where four or more can be followed together, else 1; 3 where nobody knows whom to ask.

    With `names` these are asked, and judged as `setup --upstream` does; else the nearest candidates, judged as by `setup`. Who
    interrupts it sees what is known so far.
    """
    host = Host(screen.trace)
    with Interrupts(screen.tell) as interrupts:
        wish = merged(_nobody_named(look_journal(host)), given)
        servers = load(host, wish.catalogue)
        place = here(host, wish, servers)
        rows = _asked(names, wish, servers, place, effort)
        own = (*look_addresses(host), *wish.public_addresses)
        stop = _Stop(interrupts)
        screen.tell(Event("looking", "upstreams", f"asking {len(rows)} servers {effort.samples} times each"))
        with interrupts.deferred("what is known so far is shown"):
            found = _survey(rows, wish, own, effort=effort, stop=stop, screen=screen)
            stop()  # a signal that came while the last names were resolved
    choice = _judged(found, rows, wish, own, place=None if names else place, named=names)
    code = stop.heard[0].code if stop.heard else 0 if len(choice.chosen) >= LEAST else 1
    screen.answer(show.text(found, rows, choice, screen.style))
    screen.page(jsons.envelope("upstreams survey", code, **show.data(found, rows, choice)))
    return code


def _nobody_named(journal: JournalFacts) -> JournalFacts:
    """What is remembered, but for who was named: here it is looked for others."""
    last = journal.last
    if last is None:
        return journal
    return replace(journal, runs=(replace(last, wish=replace(last.wish, upstreams=())),))


@dataclass(frozen=True)
class _Stop:
    """Asked again and again whether somebody has interrupted it; `heard` is the signal then."""

    interrupts: Interrupts
    heard: list[Interrupted] = field(default_factory=list)

    def __call__(self) -> bool:
        if not self.heard:
            try:
                self.interrupts.check()
            except Interrupted as error:
                self.heard.append(error)
        return bool(self.heard)


def _survey(
    rows: Mapping[str, Server], wish: Wish, own: Sequence[str], *, effort: Effort, stop: _Stop, screen: Screen
) -> tuple[Candidate, ...]:
    return survey(
        list(rows),
        own_addresses=own,
        allow_private=wish.allow_private,
        refused=never(rows, rows),
        nameservers=effort.nameservers,
        samples=effort.samples,
        gaps_s={name: row.gap_s for name, row in rows.items()},
        on_event=progress(screen.tell, tuple(rows.values()), effort.samples),
        stopped=stop,
    )


def _judged(
    found: Sequence[Candidate],
    rows: Mapping[str, Server],
    wish: Wish,
    own: Sequence[str],
    *,
    place: Optional[Place],
    named: Sequence[str],
) -> Choice:
    private = wish.allow_private
    if named:
        return choose(found, own_addresses=own, allow_private=private, refused=never(named, rows))
    around = sectors(rows.values(), place) if place else {}
    return select(found, rows, own_addresses=own, allow_private=private, sectors=around)


def _asked(
    names: tuple[str, ...], wish: Wish, servers: Sequence[Server], place: Optional[Place], effort: Effort
) -> dict[str, Server]:
    """Whom to ask, each with its row of the catalogue. Raises Blocked where it cannot be told who is near."""
    known = {server.host: server for server in servers}
    if names:
        return {name: known.get(name, Server(name)) for name in names}
    if place is None:
        remedy = "add --country CC or --near LAT,LON, or name servers"
        raise Blocked("where this host stands is not known: its time zone does not tell", remedy)
    usable = eligible(servers, unattended=wish.accept_catalogue, monitored=wish.monitor)
    near = next(rounds(usable, place, effort.candidates), ())
    more = from_pool(wish.from_pool, effort.nameservers) if wish.from_pool else ()
    return {server.host: server for server in (*near, *more)}
