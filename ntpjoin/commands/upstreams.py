"""`ntpjoin upstreams`: the catalogue of public time servers, as it is seen from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ntpjoin.errors import Blocked, Interrupted
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.look.journal import look_journal
from ntpjoin.look.network import look_addresses
from ntpjoin.look.place import look_place
from ntpjoin.model import Event, Wish
from ntpjoin.provision.unnamed import progress
from ntpjoin.provision.wishes import merged
from ntpjoin.show import catalogue as show
from ntpjoin.show import jsons
from ntpjoin.show import survey as show_survey
from ntpjoin.show.screen import Screen
from ntpjoin.upstreams.candidates import eligible, from_pool, rounds, sectors
from ntpjoin.upstreams.catalogue import Server, load, refusal
from ntpjoin.upstreams.choose import choose
from ntpjoin.upstreams.diversity import LEAST
from ntpjoin.upstreams.places import Place, nearest_first, parse_near, where
from ntpjoin.upstreams.select import select
from ntpjoin.upstreams.survey import survey

#: Servers that are shown unless all are asked for.
MOST = 20


def list_command(
    *, country: Optional[str], near: Optional[str], catalogue: Optional[str], every: bool, screen: Screen
) -> int:
    """Exit 0; nearest first, and no packet is sent. What may be used is judged for somebody who reads what is asked of him."""
    host = Host(screen.trace)
    with Interrupts():
        servers = load(host, catalogue or "")
        point = parse_near(near) if near else None
        place = where(look_place(host), country=country or "", near=point, servers=servers)
    told = [
        show.Line(server, km, refusal(server, named=False, unattended=False, monitored=True))
        for km, server in nearest_first(place, servers)
    ]
    usable = [line for line in told if not line.refused]
    shown = told if every else usable[:MOST]
    if place is None:
        screen.talk("where this host stands is not known: add --country CC or --near LAT,LON to see the nearest first")
    screen.answer(show.text(shown, len(usable) - len(shown), len(told) - len(usable), every=every, style=screen.style))
    screen.page(jsons.envelope("upstreams list", 0, **show.page(shown, len(told) - len(shown), place)))
    return 0


def survey_command(
    names: tuple[str, ...],
    given: Mapping[str, Any],
    *,
    candidates: int,
    samples: int,
    nameservers: Optional[Sequence[str]],
    screen: Screen,
) -> int:
    """Exit 0 where four or more can be followed together, else 1; 3 where nobody knows whom to ask.

    With `names` these are asked, and judged as `setup --upstream` does; else the nearest candidates, judged as by `setup`. Who
    interrupts it sees what is known so far.
    """
    host = Host(screen.trace)
    stop: list[Interrupted] = []
    with Interrupts(screen.tell) as interrupts:
        wish = merged(look_journal(host), given)
        own = (*look_addresses(host), *wish.public_addresses)
        servers = load(host, wish.catalogue)
        place = _place(host, wish, servers)
        rows = _asked(names, wish, servers, place, candidates)

        def stopped() -> bool:
            if not stop:
                try:
                    interrupts.check()
                except Interrupted as error:
                    stop.append(error)
            return bool(stop)

        screen.tell(Event("looking", "upstreams", f"asking {len(rows)} servers {samples} times each"))
        with interrupts.deferred("what is known so far is shown"):
            found = survey(
                list(rows),
                own_addresses=own,
                allow_private=wish.allow_private,
                nameservers=nameservers,
                samples=samples,
                gaps_s={name: row.gap_s for name, row in rows.items()},
                on_event=progress(screen.tell, tuple(rows.values()), samples),
                stopped=stopped,
            )
    private = wish.allow_private
    if names:
        choice = choose(found, own_addresses=own, allow_private=private)
    else:
        around = sectors(rows.values(), place) if place else {}
        choice = select(found, rows, own_addresses=own, allow_private=private, sectors=around)
    code = stop[0].code if stop else 0 if len(choice.chosen) >= LEAST else 1
    screen.answer(show_survey.text(found, rows, choice, screen.style))
    screen.page(jsons.envelope("upstreams survey", code, **show_survey.data(found, rows, choice)))
    return code


def _place(host: Host, wish: Wish, servers: Sequence[Server]) -> Optional[Place]:
    near = parse_near(wish.near) if wish.near else None
    return where(look_place(host), country=wish.country, near=near, servers=servers)


def _asked(
    names: tuple[str, ...], wish: Wish, servers: Sequence[Server], place: Optional[Place], most: int
) -> dict[str, Server]:
    """Whom to ask, each with its row of the catalogue. Raises Blocked where it cannot be told who is near."""
    known = {server.host: server for server in servers}
    if names:
        return {name: known.get(name, Server(name)) for name in names}
    if place is None:
        remedy = "add --country CC or --near LAT,LON, or name servers"
        raise Blocked("where this host stands is not known: its time zone does not tell", remedy)
    usable = eligible(servers, unattended=wish.accept_catalogue, monitored=wish.monitor)
    near = next(rounds(usable, place, most), ())
    more = from_pool(wish.from_pool) if wish.from_pool else ()
    return {server.host: server for server in (*more, *near)}
