"""`ntpjoin register`: what has to be so before joining, what one commits to, and the links that prove who runs the server."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Optional

from ntpjoin.checks.evidence import gather
from ntpjoin.checks.joining import Door, doors, net_speed, points
from ntpjoin.checks.standing import known
from ntpjoin.checks.verify import judge, settling
from ntpjoin.errors import Blocked, WireError
from ntpjoin.facts import SETTLING_S
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.look.look import look
from ntpjoin.look.ownership import Ownership, ownership
from ntpjoin.look.place import look_place
from ntpjoin.look.site import Site
from ntpjoin.model import Event, Wish
from ntpjoin.show import jsons
from ntpjoin.show.joining import Registration, data, text
from ntpjoin.show.screen import Screen


def register_command(site: str, services: Sequence[str], screen: Screen) -> int:
    """Exit 0 where nothing speaks against joining and every link is there that can be had, 1 where something does.

    3 where a link is not there, 5 where only a young daemon speaks against it. `services` are pages of the validation service,
    without any the pool's own of each family.
    """
    host = Host(screen.trace)
    with Interrupts():
        found, young = _look(host, site, services, screen)
    code = _code(found, young=young)
    screen.answer(text(found, screen.style))
    screen.page(jsons.envelope("register", code, **data(found)))
    return code


def _look(host: Host, site: str, services: Sequence[str], screen: Screen) -> tuple[Registration, bool]:
    """All of it, and whether what is wrong may mend itself. Raises Blocked on a system that is not supported."""
    facts = look(host)
    if facts.system.row is None:
        raise Blocked(f"{facts.system.title} is not supported", "docs/reference/supported-systems.md lists what is")
    last = facts.journal.last
    wish, pins = (last.wish, last.pins) if last else (Wish(), ())
    checks = judge(facts, wish, pins, gather(host, facts, wish, pins))
    daemon = facts.daemon
    passing = daemon is not None and daemon.age_s < SETTLING_S and (settling(facts, checks) or not daemon.board.settled)
    public = doors(facts, wish)
    links = _links(public, services, screen)
    registered = _registered(Site(host, site, screen.tell), public, links, screen)
    told = points(facts, wish, checks, registered, look_place(host), young=passing, site=site)
    possible = {address: link for address, link in links.items() if registered[address] is not False}
    return Registration(told, public, registered, possible, net_speed(facts, wish), site), passing


def _links(public: Sequence[Door], services: Sequence[str], screen: Screen) -> dict[str, Ownership]:
    """The link of each address, asked for from its own side here; it is where the pool knows the address."""
    found = {}
    for door in public:
        if door.source:
            screen.tell(Event("looking", "pool", f"asking for the link of {door.address}, from {door.source}"))
        found[door.address] = ownership(door.address, door.source, services)
    return found


def _registered(
    site: Site, public: Sequence[Door], links: Mapping[str, Ownership], screen: Screen
) -> dict[str, Optional[bool]]:
    """Whether the pool knows each address; None where neither of its services told, or it was there once and may have been deleted.

    The one that gives the links knows at once who was added, and a link says so: the site's answers, and what keeps them on the way,
    are minutes old. That it knows nobody there may mean no more than that this host is seen by another address.
    """
    found: dict[str, Optional[bool]] = {}
    for door in public:
        if links[door.address].link:
            found[door.address] = True
            continue
        screen.tell(Event("looking", "pool", f"asking whether it knows {door.address}"))
        try:
            found[door.address] = known(site.record(door.address, 1), time.time())
        except WireError:
            found[door.address] = None
    return found


def _code(found: Registration, *, young: bool) -> int:
    if found.failed:
        return 1
    if any(link.problem for link in found.links.values()):
        return Blocked.exit_code
    return 5 if young else 0
