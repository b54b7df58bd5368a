"""From what the operator asked to a plan: look, ask the upstreams, decide. Touches nothing but caches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import PurePosixPath
from typing import Any

from ntpjoin.checks.addresses import service_addresses
from ntpjoin.checks.sources import reference_clocks
from ntpjoin.errors import UsageProblem
from ntpjoin.facts import Facts
from ntpjoin.host.machine import Host
from ntpjoin.look.look import look, look_again, with_packages
from ntpjoin.look.spaces import look_spaces
from ntpjoin.model import Consent, Event, Tell, Wish
from ntpjoin.provision.follow import AskCountry, Followed, Leads, Reason, Search, followed, named
from ntpjoin.provision.plan import Plan, decide, decide_configuration
from ntpjoin.provision.preflight import count_problem
from ntpjoin.provision.steps import StepCommand, decide_step
from ntpjoin.provision.wishes import merged
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class Prepared:
    """The facts and the plan that was made from them; `leads`: where pinned names lead, as far as that was asked."""

    facts: Facts
    plan: Plan
    leads: Leads = field(default_factory=dict)


def prepare(
    host: Host,
    given: Mapping[str, Any],
    consent: Consent,
    tell: Tell,
    *,
    survey_anew: bool,
    ask_country: AskCountry = lambda: "",
) -> Prepared:
    """Look and decide. `given` has the options that were given; the others keep their values of the last run.

    `ask_country` asks the operator where this host stands, where nothing tells it. Raises UsageProblem, before any packet is
    sent, when the number of upstreams is wrong, or when there are none and nobody has agreed to those that would be chosen.
    """
    facts, wish = _looked(host, given, "setup", tell)
    _agreed(facts, wish, consent)
    search = Search(host, facts, wish, tell, consent.attended, survey_anew, ask_country)
    found = followed(search)
    behind = found.choice.offset_s if found.choice else 0.0
    facts = with_packages(host, facts, clock_behind_s=behind, tell=tell, enable=consent.enable_epel)
    facts = _watched(host, facts, wish.metrics) if wish.monitor else facts
    made = decide(facts, found.wish, consent, pins=found.pins, choice=found.choice, barriers=found.blockers)
    return Prepared(facts, _with(made, found), found.leads)


def _agreed(facts: Facts, wish: Wish, consent: Consent) -> None:
    """Nobody named any upstreams, and nobody is there to look at those that would be chosen: then he must have said so."""
    last, journal = facts.journal.last, facts.journal
    known = journal.unseen or journal.problem or (last is not None and last.pins and not last.wish.upstreams)
    if not (wish.upstreams or known or consent.attended or wish.accept_catalogue):
        text = "no upstreams are named, and nobody is here to look at those that would be chosen"
        remedy = "add --accept-catalogue, or name some with --upstream NAME, four to seven times"
        raise UsageProblem(text, remedy)


def _watched(host: Host, facts: Facts, metrics: str) -> Facts:
    """The same with what a daily check depends on: the program, and where its metrics go."""
    facts = look_again(host, facts, "program")
    if not metrics:
        return facts
    spaces = look_spaces(host, str(PurePosixPath(metrics).parent))
    return look_again(host, replace(facts, metrics=metrics, spaces=spaces), "files")


def _with(made: Plan, found: Followed) -> Plan:
    return replace(made, notes=(*found.notes, *made.notes), letters=found.letters)


def prepare_step(host: Host, command: StepCommand, given: Mapping[str, Any], consent: Consent, tell: Tell) -> Prepared:
    """Look and decide for a step alone. `given` tells whom to ask for the time where packages are to be had; it is not remembered.

    Raises UsageProblem as `prepare`.
    """
    facts, wish = _looked(host, given, command, tell)
    row, choice = facts.system.row, None
    if command == "install" and row and not all(name in facts.packages.installed for name in row.packages):
        last = facts.journal.last
        names = wish.upstreams or tuple(pin.name for pin in (last.pins if last else ()))
        if names:
            search = Search(host, facts, replace(wish, upstreams=names), tell)
            choice = named(search, search.rows(), Reason("a clock that is off makes apt refuse its indexes"))
        behind = choice.offset_s if choice else None
        facts = with_packages(host, facts, clock_behind_s=behind or 0.0, tell=tell, enable=consent.enable_epel)
    return Prepared(facts, decide_step(command, facts, choice))


def prepare_configuration(host: Host, given: Mapping[str, Any], tell: Tell, *, survey_anew: bool) -> Prepared:
    """Look and decide for what the configuration will be, and nothing else: no package index is refreshed for it."""
    facts, wish = _looked(host, given, "render", tell)
    found = followed(Search(host, facts, wish, tell, survey_anew=survey_anew))
    made = decide_configuration(facts, wish, pins=found.pins, choice=found.choice, barriers=found.blockers)
    return Prepared(facts, _with(made, found))


def prepare_redirect(host: Host, tell: Tell, *, applies: bool, take_default: bool) -> Prepared:
    """Look at the web server, too, and decide how lost browsers are sent to the pool's site."""
    from ntpjoin.provision.web import COMMAND, decide_redirect  # noqa: PLC0415 - no other command has to do with it
    from ntpjoin.web import WebFacts  # noqa: PLC0415

    facts, wish = _looked(host, {}, COMMAND, tell)
    addresses = service_addresses(facts, wish) or facts.addresses
    facts = look_again(host, replace(facts, web=WebFacts(addresses)), "web")
    assert facts.web is not None
    return Prepared(facts, decide_redirect(facts, facts.web, applies=applies, take_default=take_default))


def _looked(host: Host, given: Mapping[str, Any], command: str, tell: Tell) -> tuple[Facts, Wish]:
    tell(Event("looking", "look", "looking at this host"))
    facts = look(host)
    wish = merged(facts.journal, given)
    counted = command in ("setup", "install", "render")
    problem = count_problem(wish, reference_clocks(facts.directives)) if counted else ""
    if problem:
        raise UsageProblem(problem, f"ntpjoin {command} --upstream NAME …, four to seven times")
    return facts, wish
