"""From what the operator asked to a plan: look, ask the upstreams, decide. Touches nothing but caches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

from ntpjoin.errors import UsageProblem
from ntpjoin.facts import Facts
from ntpjoin.host.machine import Host
from ntpjoin.look.look import look, with_packages
from ntpjoin.model import Blocker, Choice, Consent, Event, Pin, Tell, Wish
from ntpjoin.provision.plan import Plan, decide
from ntpjoin.provision.preflight import count_problem
from ntpjoin.upstreams import memory
from ntpjoin.upstreams.choose import choose


@dataclass(frozen=True)
class Prepared:
    """The facts and the plan that was made from them."""

    facts: Facts
    plan: Plan


def prepare(
    host: Host, given: Mapping[str, Any], consent: Consent, tell: Tell, *, survey_anew: bool, locked_out: bool = False
) -> Prepared:
    """Look and decide. `given` has the options that were given; the others keep their values of the last run.

    Raises UsageProblem when the number of upstreams is wrong, before any packet is sent.
    """
    tell(Event("looking", "look", "looking at this host"))
    facts = look(host)
    wish = merged(facts, given)
    problem = count_problem(wish)
    if problem:
        raise UsageProblem(problem, "ntpjoin setup --upstream NAME …, four to seven times")
    pins, choice = _pins(host, facts, wish, tell, survey_anew=survey_anew)
    behind = choice.offset_s if choice else 0.0
    facts = with_packages(host, facts, clock_behind_s=behind, say=lambda text: tell(Event("looking", "look", text)))
    plan = decide(facts, wish, consent, pins=pins, choice=choice)
    if locked_out:
        busy = Blocker("locked", "another ntpjoin is changing this host", "wait until it has ended")
        plan = replace(plan, blockers=(busy, *plan.blockers))
    return Prepared(facts, plan)


def merged(facts: Facts, given: Mapping[str, Any]) -> Wish:
    """The wish of the last run still in effect, with what was given now."""
    remembered = facts.journal.last.wish if facts.journal.last else Wish()
    return replace(remembered, **given)


def _pins(
    host: Host, facts: Facts, wish: Wish, tell: Tell, *, survey_anew: bool
) -> tuple[tuple[Pin, ...], Optional[Choice]]:
    """Whom to follow: the pins of the last run while nothing speaks against them, else a new choice."""
    if not wish.upstreams:
        return (), None
    why, gone = ("as you asked", "") if survey_anew else _why_measure(facts, wish)
    if not why and facts.journal.last:
        return facts.journal.last.pins, None
    own = (*facts.addresses, *wish.public_addresses)
    question = {"upstreams": wish.upstreams, "allow_private": wish.allow_private, "own": own}
    known = None if survey_anew else memory.recall(host, question)
    if known and all(chosen.address != gone for chosen in known[0].chosen):
        # Two measurements are never equal, and `setup` shall do what `plan` has just shown.
        tell(Event("looking", "upstreams", f"{len(wish.upstreams)} upstreams, asked {known[1]:.0f} s ago"))
        choice = known[0]
    else:
        tell(Event("looking", "upstreams", f"asking {len(wish.upstreams)} upstreams ({why})"))
        choice = _measured(wish, own)
        memory.remember(host, question, choice)
    return tuple(Pin(chosen.name, chosen.address) for chosen in choice.chosen), choice


def _measured(wish: Wish, own: tuple[str, ...]) -> Choice:
    from ntpjoin.upstreams.survey import survey  # noqa: PLC0415 - dnspython costs 60 ms

    found = survey(wish.upstreams, own_addresses=own, allow_private=wish.allow_private)
    return choose(found, own_addresses=own, allow_private=wish.allow_private)


def _why_measure(facts: Facts, wish: Wish) -> tuple[str, str]:
    """Why the upstreams must be measured anew ('' where the pins still serve), and the address that no longer will do.

    Names are resolved again each time.
    """
    last = facts.journal.last
    if last is None or last.state == "open" or not last.pins:
        return "for the first time", ""
    if (wish.upstreams, wish.allow_private) != (last.wish.upstreams, last.wish.allow_private):
        return "they are others than before", ""
    if facts.daemon is None:
        return "the daemon does not run", ""
    from ntpjoin.wire.dns import resolve  # noqa: PLC0415 - dnspython costs 60 ms

    for pin, resolved in zip(last.pins, resolve([pin.name for pin in last.pins])):
        if resolved.addresses and pin.address not in resolved.addresses:
            return f"{pin.name} no longer leads to {pin.address}", pin.address
        if pin.address in facts.daemon.silent:
            return f"{pin.name} does not answer", pin.address
    return "", ""
