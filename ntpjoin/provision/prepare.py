"""From what the operator asked to a plan: look, ask the upstreams, decide. Touches nothing but caches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ntpjoin.checks.sources import reference_clocks
from ntpjoin.errors import UsageProblem
from ntpjoin.facts import Facts
from ntpjoin.host.machine import Host
from ntpjoin.look.look import look, with_packages
from ntpjoin.model import Choice, Consent, Event, Pin, Tell, Wish
from ntpjoin.provision.plan import Plan, decide, decide_configuration
from ntpjoin.provision.preflight import count_problem
from ntpjoin.provision.steps import StepCommand, decide_step
from ntpjoin.provision.wishes import merged
from ntpjoin.upstreams import memory

#: The addresses of each name.
Leads = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Prepared:
    """The facts and the plan that was made from them; `leads`: where pinned names lead, as far as that was asked."""

    facts: Facts
    plan: Plan
    leads: Leads = field(default_factory=dict)


@dataclass(frozen=True)
class _Followed:
    """Whom to follow, and what was measured and resolved for that."""

    pins: tuple[Pin, ...] = ()
    choice: Optional[Choice] = None
    leads: Leads = field(default_factory=dict)


def prepare(host: Host, given: Mapping[str, Any], consent: Consent, tell: Tell, *, survey_anew: bool) -> Prepared:
    """Look and decide. `given` has the options that were given; the others keep their values of the last run.

    Raises UsageProblem when the number of upstreams is wrong, before any packet is sent.
    """
    facts, wish = _looked(host, given, "setup", tell)
    found = _followed(host, facts, wish, tell, survey_anew=survey_anew)
    behind = found.choice.offset_s if found.choice else 0.0
    facts = with_packages(host, facts, clock_behind_s=behind, tell=tell, enable=consent.enable_epel)
    return Prepared(facts, decide(facts, wish, consent, pins=found.pins, choice=found.choice), found.leads)


def prepare_step(host: Host, command: StepCommand, given: Mapping[str, Any], consent: Consent, tell: Tell) -> Prepared:
    """Look and decide for a step alone. `given` tells whom to ask for the time where packages are to be had; it is not remembered.

    Raises UsageProblem as `prepare`.
    """
    facts, wish = _looked(host, given, command, tell)
    row, choice = facts.system.row, None
    if command == "install" and row and not all(name in facts.packages.installed for name in row.packages):
        if wish.upstreams:
            choice = _choice(host, facts, wish, tell, why="a clock that is off makes apt refuse its indexes")
        behind = choice.offset_s if choice else None
        facts = with_packages(host, facts, clock_behind_s=behind or 0.0, tell=tell, enable=consent.enable_epel)
    return Prepared(facts, decide_step(command, facts, choice))


def prepare_configuration(host: Host, given: Mapping[str, Any], tell: Tell, *, survey_anew: bool) -> Prepared:
    """Look and decide for what the configuration will be, and nothing else: no package index is refreshed for it."""
    facts, wish = _looked(host, given, "render", tell)
    found = _followed(host, facts, wish, tell, survey_anew=survey_anew)
    return Prepared(facts, decide_configuration(facts, wish, pins=found.pins, choice=found.choice))


def _looked(host: Host, given: Mapping[str, Any], command: str, tell: Tell) -> tuple[Facts, Wish]:
    tell(Event("looking", "look", "looking at this host"))
    facts = look(host)
    wish = merged(facts.journal, given)
    counted = command not in ("firewall", "restart")
    problem = count_problem(wish, reference_clocks(facts.directives)) if counted else ""
    if problem:
        raise UsageProblem(problem, f"ntpjoin {command} --upstream NAME …, four to seven times")
    return facts, wish


def _followed(host: Host, facts: Facts, wish: Wish, tell: Tell, *, survey_anew: bool) -> _Followed:
    """The pins of the last run while nothing speaks against them, else a new choice."""
    if not wish.upstreams:
        return _Followed()
    last, gone = facts.journal.last, ""
    why = "as you asked" if survey_anew else _why_measure(facts, wish)
    if not why and last:
        # Names are resolved again each time.
        leads = _resolved(last.pins)
        why, gone = _why_not(facts, last.pins, leads)
        if not why:
            return _Followed(last.pins, leads=leads)
    choice = _choice(host, facts, wish, tell, why=why, gone=gone, survey_anew=survey_anew)
    return _Followed(tuple(Pin(chosen.name, chosen.address) for chosen in choice.chosen), choice)


def _choice(
    host: Host, facts: Facts, wish: Wish, tell: Tell, *, why: str, gone: str = "", survey_anew: bool = False
) -> Choice:
    """The choice made a moment ago, unless it has the address that is gone; else a new one."""
    own = (*facts.addresses, *wish.public_addresses)
    question = {"upstreams": wish.upstreams, "allow_private": wish.allow_private, "own": own}
    known = None if survey_anew else memory.recall(host, question)
    if known and all(chosen.address != gone for chosen in known[0].chosen):
        # Two measurements are never equal, and `setup` shall do what `plan` has just shown.
        tell(Event("looking", "upstreams", f"{len(wish.upstreams)} upstreams, asked {known[1]:.0f} s ago"))
        return known[0]
    tell(Event("looking", "upstreams", f"asking {len(wish.upstreams)} upstreams ({why})"))
    choice = _measured(wish, own)
    memory.remember(host, question, choice)
    return choice


def _measured(wish: Wish, own: tuple[str, ...]) -> Choice:
    from ntpjoin.upstreams.choose import choose  # noqa: PLC0415
    from ntpjoin.upstreams.survey import survey  # noqa: PLC0415 - dnspython costs 60 ms

    found = survey(wish.upstreams, own_addresses=own, allow_private=wish.allow_private)
    return choose(found, own_addresses=own, allow_private=wish.allow_private)


def _why_measure(facts: Facts, wish: Wish) -> str:
    """Why the upstreams must be measured anew, as far as this host knows; '' where the pins may still serve."""
    last = facts.journal.last
    if last is None or last.state == "open" or not last.pins:
        return "for the first time"
    if (wish.upstreams, wish.allow_private) != (last.wish.upstreams, last.wish.allow_private):
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
