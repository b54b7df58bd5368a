"""Whom to follow: the pins of the last run while nothing speaks against them, else those who were named, else a choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Callable, Optional

from ntpjoin.facts import Facts
from ntpjoin.host.machine import Host
from ntpjoin.model import Blocker, Choice, Event, Note, Pin, Tell, Wish
from ntpjoin.upstreams import memory

#: The addresses of each name.
Leads = Mapping[str, tuple[str, ...]]

#: Asks the operator for a country, and gives its two letters; '' where there is nobody to ask.
AskCountry = Callable[[], str]

#: What of a wish says who is to be followed.
_SOUGHT = ("upstreams", "allow_private", "country", "near", "catalogue", "from_pool")


@dataclass(frozen=True)
class Followed:
    """Whom to follow, and what was measured and resolved for that.

    `wish` is the one that was asked for, with what the operator answered meanwhile; `letters` are mails that operators of chosen
    servers ask for; `blockers` say why nobody could be chosen.
    """

    wish: Wish
    pins: tuple[Pin, ...] = ()
    choice: Optional[Choice] = None
    leads: Leads = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    letters: tuple[str, ...] = ()
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True)
class Search:
    """What is known before anybody is looked for. `attended`: somebody will be asked before it is done."""

    host: Host
    facts: Facts
    wish: Wish
    tell: Tell
    attended: bool = True
    survey_anew: bool = False
    ask_country: AskCountry = lambda: ""

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """This host's, among them those it declares to the public."""
        return (*self.facts.addresses, *self.wish.public_addresses)


def followed(search: Search) -> Followed:
    """Find whom to follow. Names are resolved again each time; servers are measured again only where something speaks for it."""
    facts, wish = search.facts, search.wish
    last, gone = facts.journal.last, ""
    if not wish.upstreams and facts.journal.unseen:
        return Followed(wish)
    why = "as you asked" if search.survey_anew else _why_measure(facts, wish)
    same = last is not None and not why
    if last and same:
        leads = _resolved(last.pins)
        why, gone = _why_not(facts, last.pins, leads)
        if not why:
            return Followed(wish, last.pins, leads=leads)
    if wish.upstreams:
        choice = named(search, why, gone)
        return Followed(wish, pins_of(choice, search), choice)
    from ntpjoin.provision.unnamed import unnamed  # noqa: PLC0415 - the catalogue is read only where it is needed

    return unnamed(search, why, gone, keep=last.pins if last and same else ())


def named(search: Search, why: str, gone: str = "") -> Choice:
    """The choice among those who were named, as it was made a moment ago, unless it has the address that is gone."""
    wish, own = search.wish, search.own_addresses
    question = {"upstreams": wish.upstreams, "allow_private": wish.allow_private, "own": own}
    known = recalled(search, question, gone)
    if known:
        return known
    search.tell(Event("looking", "upstreams", f"asking {len(wish.upstreams)} upstreams ({why})"))
    choice = _measured(wish, own)
    memory.remember(search.host, question, choice)
    return choice


def _measured(wish: Wish, own: tuple[str, ...]) -> Choice:
    from ntpjoin.upstreams.choose import choose  # noqa: PLC0415
    from ntpjoin.upstreams.survey import survey  # noqa: PLC0415 - dnspython costs 60 ms

    found = survey(wish.upstreams, own_addresses=own, allow_private=wish.allow_private)
    return choose(found, own_addresses=own, allow_private=wish.allow_private)


def recalled(search: Search, question: dict[str, object], gone: str) -> Optional[Choice]:
    """The choice that was made for this question a moment ago: two measurements differ, and `setup` shall do what `plan` showed."""
    known = None if search.survey_anew else memory.recall(search.host, question)
    if known is None or any(chosen.address == gone for chosen in known[0].chosen):
        return None
    search.tell(Event("looking", "upstreams", f"{known[0].asked} upstreams, asked {known[1]:.0f} s ago"))
    return known[0]


def pins_of(choice: Choice, search: Search) -> tuple[Pin, ...]:
    """What the configuration holds of a choice: what the catalogue knows of an operator's wishes counts for those named, too."""
    from ntpjoin.upstreams.catalogue import Server, load  # noqa: PLC0415

    rows = {server.host: server for server in load(search.host, search.wish.catalogue)} if choice.chosen else {}
    servers = ((one, rows.get(one.name, Server(one.name))) for one in choice.chosen)
    return tuple(Pin(one.name, one.address, row.minpoll, row.iburst) for one, row in servers)


def _why_measure(facts: Facts, wish: Wish) -> str:
    """Why the upstreams must be measured anew, as far as this host knows; '' where the pins may still serve."""
    last = facts.journal.last
    if last is None or last.state == "open" or not last.pins:
        return "for the first time"
    if any(getattr(wish, part) != getattr(last.wish, part) for part in _SOUGHT):
        return "they are others than before"
    return "" if facts.daemon else "the daemon does not run"


def _resolved(pins: tuple[Pin, ...]) -> Leads:
    from ntpjoin.wire.dns import resolve  # noqa: PLC0415 - dnspython costs 60 ms

    return {one.name: one.addresses for one in resolve([pin.name for pin in pins])}


def _why_not(facts: Facts, pins: tuple[Pin, ...], leads: Leads) -> tuple[str, str]:
    """What speaks against the pins ('' where nothing does), and the address that no longer will do."""
    silent = facts.daemon.silent if facts.daemon else ()
    for pin in pins:
        if leads.get(pin.name) and pin.address not in leads[pin.name]:
            return f"{pin.name} no longer leads to {pin.address}", pin.address
        if pin.address in silent:
            return f"{pin.name} does not answer", pin.address
    return "", ""
