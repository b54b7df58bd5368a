"""What is to be done about the packet filter, and what is left to the operator. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ntpjoin.checks.firewall import closed_text, typed
from ntpjoin.facts import Facts
from ntpjoin.firewall import FirewallFacts
from ntpjoin.model import Note, Wish
from ntpjoin.provision.changes import AllowPort, Change

NTP_PORT = 123


def firewall_changes(facts: Facts) -> tuple[Change, ...]:
    """The rule that lets UDP 123 in, where the manager takes rules from us and ours helps, or has."""
    firewall = facts.firewall
    if firewall.manager not in ("ufw", "firewalld") or not firewall.opens:
        return ()
    if firewall.places is None:
        return (AllowPort(firewall.manager, NTP_PORT, firewall.opens),)
    places = firewall.places
    return (AllowPort(firewall.manager, NTP_PORT, firewall.opens, places.now, places.later, places.rule),)


def rule_is_left(facts: Facts, wish: Wish) -> bool:
    """Whether letting UDP 123 in is left to the operator: it is not let in, or that could not be told and they asked us to do it."""
    firewall = facts.firewall
    return bool(firewall.shut) or (wish.firewall and bool(firewall.unclear or firewall.manager == "unknown"))


def firewall_notes(facts: Facts, wish: Wish) -> list[Note]:
    """What becomes of the firewall, where that is not one of the changes."""
    if not wish.firewall:
        return [Note("the firewall is left alone, as you asked; UDP 123 must be let in")]
    return list(_notes(facts.firewall))


def _notes(firewall: FirewallFacts) -> Iterator[Note]:
    if firewall.manager == "unknown":
        yield Note(f"the firewall could not be seen: {firewall.problem}; let UDP 123 in by hand", warning=True)
    left = [family for family in (*firewall.shut, *firewall.unclear) if family not in firewall.opens]
    for family in left:
        verb = "does not let" if family in firewall.shut else "may not let"
        why = firewall.why.get(family, "")
        yield Note(f"{firewall.manager} {verb} UDP 123 in over {family}, and is left alone: {why}", warning=True)
    if firewall.limit:
        yield Note(f"{firewall.manager} lets in only so many queries at a time: {firewall.limit}", warning=True)
    if left or firewall.limit:
        yield Note(f"to let them in, type: {typed(firewall)}", warning=True)
    if firewall.closed:
        yield Note(closed_text(firewall), warning=True)
