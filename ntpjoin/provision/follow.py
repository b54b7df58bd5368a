"""Whom to follow: the pins of the last run while nothing speaks against them, else those who were named, else a choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Callable, Optional

from ntpjoin.errors import UsageProblem
from ntpjoin.facts import Facts
from ntpjoin.host.machine import Host
from ntpjoin.model import Blocker, Choice, Event, Note, Pin, Tell, Wish
from ntpjoin.records import dataclass
from ntpjoin.upstreams import memory

if TYPE_CHECKING:  # the catalogue is read only where it is needed
    from ntpjoin.upstreams.catalogue import Server

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

    @property
    def may_choose(self) -> bool:
        """Whether somebody has agreed, or will be asked, to servers that he did not name."""
        return self.attended or self.wish.accept_catalogue

    def rows(self) -> dict[str, Server]:
        """The catalogue by host. UsageProblem where a file of it cannot be read."""
        from ntpjoin.upstreams.catalogue import load  # noqa: PLC0415

        return {server.host: server for server in load(self.host, self.wish.catalogue)}


@dataclass(frozen=True)
class Reason:
    """Why servers are measured again. `gone`: addresses that will no longer do; `out`: names that shall not stay, and why."""

    why: str = ""
    gone: tuple[str, ...] = ()
    out: Mapping[str, str] = field(default_factory=dict)


def followed(search: Search) -> Followed:
    """Find whom to follow. Names are resolved again each time; servers are measured again only where something speaks for it."""
    facts, wish = search.facts, search.wish
    if not wish.upstreams and (facts.journal.unseen or facts.journal.problem):
        return Followed(wish)
    pins, rows, notes = _as_asked(search, _standing(facts, wish))
    leads = _resolved(pins) if pins else {}
    reason = _reason(search, pins, leads, _forbidden(search, pins, rows))
    if not reason.why:
        return Followed(wish, pins, leads=leads, notes=notes)
    if wish.upstreams:
        rows = search.rows()
        choice = named(search, rows, reason)
        return Followed(wish, pins_of(choice, rows), choice)
    from ntpjoin.provision.unnamed import unnamed  # noqa: PLC0415

    anew = search.survey_anew and search.may_choose
    return unnamed(search, reason, pins, keep=() if anew else tuple(pin for pin in pins if pin.name not in reason.out))


def named(search: Search, rows: Mapping[str, Server], reason: Reason) -> Choice:
    """The choice among those who were named, as it was made a moment ago, unless it has an address that is gone."""
    wish = search.wish
    question = {"upstreams": wish.upstreams, "allow_private": wish.allow_private, "own": search.own_addresses}
    known = recalled(search, question, reason)
    if known:
        return known
    search.tell(Event("looking", "upstreams", f"asking {len(wish.upstreams)} upstreams ({reason.why})"))
    choice = _measured(wish, search.own_addresses, rows)
    memory.remember(search.host, question, choice)
    return choice


def _measured(wish: Wish, own: tuple[str, ...], rows: Mapping[str, Server]) -> Choice:
    from ntpjoin.upstreams.catalogue import never  # noqa: PLC0415
    from ntpjoin.upstreams.choose import choose  # noqa: PLC0415
    from ntpjoin.upstreams.survey import survey  # noqa: PLC0415 - dnspython costs 60 ms

    refused = never(wish.upstreams, rows)
    gaps_s = {name: rows[name].gap_s for name in wish.upstreams if name in rows}
    found = survey(wish.upstreams, own_addresses=own, allow_private=wish.allow_private, refused=refused, gaps_s=gaps_s)
    return choose(found, own_addresses=own, allow_private=wish.allow_private, refused=refused)


def recalled(search: Search, question: dict[str, object], reason: Reason) -> Optional[Choice]:
    """The choice that was made for this question a moment ago: two measurements differ, and `setup` shall do what `plan` showed."""
    known = None if search.survey_anew else memory.recall(search.host, question)
    if known is None or any(chosen.address in reason.gone for chosen in known[0].chosen):
        return None
    search.tell(Event("looking", "upstreams", f"{known[0].asked} upstreams, asked {known[1]:.0f} s ago"))
    return known[0]


def pins_of(choice: Choice, rows: Mapping[str, Server]) -> tuple[Pin, ...]:
    """What the configuration holds of a choice: what the catalogue knows of an operator's wishes counts for those named, too."""
    return tuple(_as_wanted(Pin(one.name, one.address), rows) for one in choice.chosen)


def _as_wanted(pin: Pin, rows: Mapping[str, Server]) -> Pin:
    row = rows.get(pin.name)
    return Pin(pin.name, pin.address, row.minpoll, row.iburst) if row else pin


def _standing(facts: Facts, wish: Wish) -> tuple[Pin, ...]:
    """The pins of the last run, where they are still what is wished for; else none.

    To say where this host stands, where its time zone told it before, changes nothing for those who are followed.
    """
    last = facts.journal.last
    if last is None:
        return ()
    told = ("country", "near") if not (last.wish.country or last.wish.near) else ()
    same = all(getattr(wish, one) == getattr(last.wish, one) for one in _SOUGHT if one not in told)
    return last.pins if same else ()


def _as_asked(search: Search, pins: tuple[Pin, ...]) -> tuple[tuple[Pin, ...], Mapping[str, Server], tuple[Note, ...]]:
    """Pins that nobody named as their operators want them asked today, the catalogue, and what cannot be read of that."""
    if search.wish.upstreams or not pins:
        return pins, {}, ()
    try:
        rows = search.rows()
    except UsageProblem as problem:
        return pins, {}, (Note(f"{problem.message}; the upstreams stay as they are", warning=True),)
    return tuple(_as_wanted(pin, rows) for pin in pins), rows, ()


def _reason(search: Search, pins: Sequence[Pin], leads: Leads, forbidden: Mapping[str, str]) -> Reason:
    """Why somebody must be measured, none where the pins may stay."""
    last = search.facts.journal.last
    if not pins:
        return Reason("they are others than before" if last and last.pins else "for the first time")
    silent = search.facts.daemon.silent if search.facts.daemon else ()
    moved = [pin for pin in pins if leads.get(pin.name) and pin.address not in leads[pin.name]]
    quiet = [pin for pin in pins if pin.address in silent and pin not in moved]
    whys = [
        *(f"{name} may no longer be used: {why}" for name, why in forbidden.items()),
        *(f"{pin.name} no longer leads to {pin.address}" for pin in moved),
        *(f"{pin.name} does not answer" for pin in quiet),
        *(["as you asked"] if search.survey_anew else []),
        *(["an earlier run died"] if last and last.state == "open" else []),
        *([] if search.facts.daemon else ["the daemon does not run"]),
    ]
    out = {**dict.fromkeys((pin.name for pin in quiet), "it does not answer this daemon"), **forbidden}
    return Reason(next(iter(whys), ""), tuple(pin.address for pin in (*moved, *quiet)), out)


def _forbidden(search: Search, pins: Sequence[Pin], rows: Mapping[str, Server]) -> dict[str, str]:
    """Which pins that nobody named the catalogue no longer allows, and why: its operator wants it, or nobody looks after them now."""
    if not rows:
        return {}
    from ntpjoin.upstreams.catalogue import refusal  # noqa: PLC0415

    whys = {}
    for name in (pin.name for pin in pins):
        if name in rows:
            why = refusal(rows[name], named=False, unattended=False, monitored=search.wish.monitor)
        else:
            why = "" if _from_pool(name, search.wish) else "it is no longer in the catalogue"
        whys.update({name: why} if why else {})
    return whys


def _from_pool(name: str, wish: Wish) -> bool:
    """Whether this is a server of the pool's zone: it has an address for a name."""
    return bool(wish.from_pool) and (":" in name or name.rpartition(".")[2].isdigit())


def _resolved(pins: Sequence[Pin]) -> Leads:
    from ntpjoin.wire.dns import resolve  # noqa: PLC0415 - dnspython costs 60 ms

    at = {pin.name: pin.address for pin in pins}
    return {one.name: one.told_beside(at[one.name]) for one in resolve(list(at))}
